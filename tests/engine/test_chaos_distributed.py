"""The quick faults against two VMs that are a Connect cluster.

The plug that is pulled is the leader's: what the plug of any VM would show (14b), and that another VM leads.
"""

import pytest

from local.proofs.chaos import run
from local.proofs.chaos.report import Report
from tests.engine import injected

QUICK = run.select([], short=True, mode="distributed")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return run.run(QUICK, tmp_path_factory.mktemp("chaos"), short=True, mode="distributed")


@pytest.mark.parametrize("name", [fault.name for fault in QUICK])
def test_a_fault_loses_nothing_and_heals_without_a_hand(report: Report, name: str) -> None:
    injected.recovered(report, name)


def test_every_event_has_a_right_copy_in_the_bucket_and_in_logzio_at_the_end(report: Report) -> None:
    assert report.mode == "distributed"
    injected.complete(report)
