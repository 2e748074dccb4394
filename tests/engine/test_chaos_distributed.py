"""The quick faults against two VMs that are a Connect cluster; the plug of the leader is pulled among them."""

import pytest

from local.proofs.chaos import run
from local.proofs.chaos.report import Report

QUICK = run.select([], short=True, mode="distributed")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return run.run(QUICK, short=True, mode="distributed", state=tmp_path_factory.mktemp("chaos"))


@pytest.mark.parametrize("name", [fault.name for fault in QUICK])
def test_a_fault_loses_nothing_and_heals_without_a_hand(report: Report, name: str) -> None:
    row = next(row for row in report.rows if row.name == name)
    assert row.skipped is None
    assert row.produced > 0
    assert (row.lost_in_bucket, row.lost_in_logzio) == (0, 0), row
    assert row.seconds is not None, row


def test_every_event_has_a_right_copy_in_the_bucket_and_in_logzio_at_the_end(report: Report) -> None:
    assert report.mode == "distributed"
    assert report.missing_at_the_end == 0, report.details
    assert report.originals_missing == 0, report.details
