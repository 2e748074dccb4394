"""The quick faults against a real stack: the program, Kafka, S3, a VM."""

import pytest

from local.proofs.chaos import run
from local.proofs.chaos.report import Report
from tests.engine import injected

QUICK = run.select([], short=True)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return run.run(QUICK, tmp_path_factory.mktemp("chaos"), short=True)


@pytest.mark.parametrize("name", [fault.name for fault in QUICK])
def test_a_fault_loses_nothing_and_heals_without_a_hand(report: Report, name: str) -> None:
    injected.recovered(report, name)


def test_what_no_json_archive_can_hold_is_named_in_the_log_and_kept_as_an_original(report: Report) -> None:
    poison = next(row for row in report.rows if row.name == "6")
    assert poison.unrepresentable == 3, poison


def test_every_event_has_a_right_copy_in_the_bucket_and_in_logzio_at_the_end(report: Report) -> None:
    injected.complete(report)
