"""A record says whether the promise held, and is a plan for the next run."""

import json
from pathlib import Path

from rich.console import Console

from local.proofs.checker.promise import Violation
from local.proofs.soak.plan import Operation, Plan, Step, read
from local.proofs.soak.report import Done, Quiet, Record

KILL = Operation("1a")
PLAN = Plan(7, 5.0, (Step(3.0, (KILL,)), Step(0.0)))
LOST = Violation("an event is missing", "1 in all: x")


def done(error: str | None = None) -> Done:
    return Done(0, KILL, 3.0, 10.0, "", error)


def quiet(*violations: Violation) -> Quiet:
    return Quiet(20.0, 9.5, 1234, 5, violations)


def test_a_run_that_was_carried_out_whole_without_a_violation_is_well() -> None:
    record = Record(PLAN, [done()], [quiet()], left_behind=[])

    assert record.exit_code == 0
    assert record.violations() == []


def test_a_lost_event_a_failed_operation_and_a_thing_left_behind_are_violations() -> None:
    record = Record(PLAN, [done("FaultError: no VM")], [quiet(LOST)], left_behind=["S3 bucket b"])

    assert record.exit_code == 1
    assert record.rules() == {"operation 1a failed", "an event is missing", "left behind"}


def test_a_run_that_ended_early_is_not_well() -> None:
    assert Record(PLAN, [done()], [], left_behind=[]).exit_code == 1
    assert Record(PLAN, [done()], [quiet()]).exit_code == 1


def test_a_record_can_be_replayed(tmp_path: Path) -> None:
    Record(PLAN, [done()], [quiet(LOST)]).write(tmp_path / "record.json")
    written = json.loads((tmp_path / "record.json").read_text())

    assert read(tmp_path / "record.json") == PLAN
    assert written["events"] == 1234
    assert written["violations"] == [{"rule": "an event is missing", "text": "1 in all: x"}]
    assert written["exit_code"] == 1


def test_what_is_printed_names_operations_and_violations() -> None:
    console = Console(width=160, record=True)
    Record(PLAN, [done("FaultError: no VM")], [quiet(LOST)], objects=12, seconds=60).print(console)
    printed = console.export_text()

    assert "1a: JVM killed (-9) while idle" in printed
    assert "seed 7: 1,234 events in 1 minutes, 12 objects, 1 operations; pulumi destroy: not run" in printed
    assert "operation 1a failed: FaultError: no VM" in printed
    assert "an event is missing: 1 in all: x" in printed
