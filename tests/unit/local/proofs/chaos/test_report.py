"""What the rows come to."""

import json
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

from rich.console import Console

from local.proofs.chaos.page import section
from local.proofs.chaos.report import Report, Row, table

GOOD = Row(
    "1a",
    "JVM killed",
    produced=100,
    lost_in_bucket=0,
    lost_in_logzio=0,
    duplicates=3,
    seconds=51.2,
    seen="a restart",
)


def report(*rows: Row, missing: int = 0, originals: int = 0) -> Report:
    return Report(rows, events=1000, missing_at_the_end=missing, originals_missing=originals)


def test_rows_without_loss_end_well_whatever_came_twice() -> None:
    assert report(GOOD, replace(GOOD, unrepresentable=3)).exit_code == 0


def test_one_event_that_either_place_lacks_fails_the_run() -> None:
    assert report(GOOD, replace(GOOD, lost_in_bucket=1)).exit_code == 1
    assert report(GOOD, replace(GOOD, lost_in_logzio=1)).exit_code == 1


def test_a_row_that_did_not_recover_fails_the_run() -> None:
    assert report(replace(GOOD, seconds=None)).exit_code == 1


def test_an_alarm_that_did_not_fire_or_clear_fails_the_run() -> None:
    unproved = replace(GOOD, alarms=("task",), unproved=("restarts",))

    assert report(replace(GOOD, alarms=("task",))).exit_code == 0
    assert report(unproved).exit_code == 1
    assert "task; NOT PROVED: restarts" in shown(unproved)


def test_an_event_missing_at_the_end_fails_the_run() -> None:
    assert report(GOOD, missing=1).exit_code == 1
    assert report(GOOD, originals=1).exit_code == 1


def test_a_run_without_rows_proves_nothing() -> None:
    assert report().exit_code == 1


def test_a_row_that_was_not_run_says_why() -> None:
    skipped = replace(GOOD, seconds=None, skipped="no libfaketime here")
    assert report(skipped).exit_code == 0
    assert "not run: no libfaketime here" in shown(skipped)


def test_the_table_says_what_could_not_be_represented_and_what_did_not_recover() -> None:
    text = shown(replace(GOOD, unrepresentable=3, seconds=None))
    assert "0 (and 3 that are in the originals alone)" in text
    assert "not recovered" in text


def test_the_file_holds_the_rows_and_the_exit_code(tmp_path: Path) -> None:
    report(GOOD, missing=2).write(tmp_path / "chaos" / "report.json")
    written = json.loads((tmp_path / "chaos" / "report.json").read_text())
    assert written["exit_code"] == 1
    assert written["rows"][0]["seconds"] == 51.2


def shown(row: Row) -> str:
    console = Console(width=300, record=True, quiet=False)
    with console.capture() as capture:
        console.print(table([row]))
    return capture.get()


def test_the_page_has_a_row_for_each_fault_with_its_figures() -> None:
    rows = (
        replace(GOOD, alarms=("heartbeat", "task")),
        replace(GOOD, name="6", fault="poison", unrepresentable=3, lost_in_logzio=1),
        replace(GOOD, name="7", fault="slow", seconds=None, seen="a|b"),
        replace(GOOD, name="8", fault="clock", skipped="no libfaketime here"),
    )

    text = section(asdict(report(*rows)), date(2026, 11, 26))

    assert "1,000 events on 2026-11-26; missing at the end: 0, originals missing: 0." in text
    assert "| 1a JVM killed | 0 | 0 | 3 | 51 | heartbeat, task | a restart |\n" in text
    assert "| 6 poison | 0 (and 3 that are in the originals alone) | 1 | 3 | 51 | - | a restart |\n" in text
    assert "| 7 slow | 0 | 0 | 3 | not recovered | - | a\\|b |\n" in text
    assert "| 8 clock | - | - | - | - | - | not run: no libfaketime here |\n" in text


def test_the_page_says_which_runs_were_of_a_connect_cluster() -> None:
    given = json.loads(json.dumps(asdict(replace(report(GOOD), mode="distributed"))))

    assert section(given, date(2026, 11, 27)).startswith("In mode distributed: 1,000 events on 2026-11-27")
    # As in the report of an earlier version.
    del given["mode"]
    assert section(given, date(2026, 11, 27)).startswith("1,000 events on 2026-11-27")
