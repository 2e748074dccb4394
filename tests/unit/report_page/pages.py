"""The pages, of small reports."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from local.proofs.bench import html_page as bench_page
from local.proofs.chaos import html_page as chaos_page
from local.proofs.chaos.report import Report as ChaosReport
from local.proofs.chaos.report import Row
from local.proofs.demo import html_page as demo_page
from local.proofs.history.flow import Delays, Flow
from report_page.model import Page
from scripts.verify import html_page as verify_page
from scripts.verify.evaluate import Patience, evaluate
from tests.unit.local.proofs.bench.reports import REPORT as BENCH
from tests.unit.local.proofs.demo.test_report import CLEAN
from tests.unit.scripts.verify.test_evaluate import FINE, NOON, ago, report, waiting

FLOW = Flow(
    begins=int(datetime(2026, 3, 10, 12, 0, tzinfo=UTC).timestamp()),
    produced=(1000, 0, 1000),
    archived=(0, 1200, 800),
    indexed=(0, 1100, 900),
    delays=Delays(
        archived=tuple(percent / 2 for percent in range(101)),
        indexed=tuple(percent / 40 for percent in range(101)),
        whole=tuple(percent / 1.8 for percent in range(101)),
    ),
    waiting={partition: (10 * partition, partition, 0) for partition in range(12)},
)
DEMO = replace(CLEAN, flow=FLOW)
KILLED = Row("1a", "JVM killed", 100, 0, 0, 3, 51.2, "a restart")
ROWS = (
    KILLED,
    replace(KILLED, name="3a", fault="broker restarted", seconds=None, lost_in_logzio=2),
    replace(KILLED, name="10", fault="clock ahead", skipped="no libfaketime here"),
)
CHAOS = ChaosReport(ROWS, events=1000, missing_at_the_end=2, originals_missing=0, flow=FLOW)
VERIFIED = report(
    replace(waiting(ago(minutes=25)), behind=2, behind_since=ago(minutes=30)),
    replace(FINE, partition=4, newest=replace(FINE.newest, modified=NOON + timedelta(seconds=40))),  # type: ignore[type-var]
)


def pages() -> dict[str, Page]:
    """By the command that writes them."""
    return {
        "demo": demo_page.page(DEMO, NOON),
        "bench": bench_page.page(BENCH, NOON),
        "chaos": chaos_page.page(CHAOS, NOON),
        "verify": verify_page.page(VERIFIED, evaluate(VERIFIED, Patience())),
    }
