"""A run keeps its record as it goes on; one that fails is shrunk to a smaller plan. Stacks are played here."""

import json
import threading
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local.base.waiting import wait_until
from local.proofs.checker import secret_search
from local.proofs.checker.promise import Violation
from local.proofs.nemesis.fault import Injection
from local.proofs.nemesis.target import FaultError, Target
from local.proofs.soak import operations, run
from local.proofs.soak.plan import Operation, Plan, Step, read
from local.proofs.soak.report import Done, Quiet, Record
from local.stack.pulumi import PulumiError

OPERATIONS = [Operation(kind) for kind in ("1a", "3a", "4a", "2b", "9", "1c")]
PLAN = Plan(7, 9.0, (*(Step(3.0, (operation,)) for operation in OPERATIONS), Step(0.0)))
LOST = Violation("an event is missing", "1 in all: x")


def played(plan: Plan, culprits: set[str]) -> Record:
    """A run that loses an event if the plan has all culprits."""
    done = [Done(number, operation, 0.0, 1.0, "", None) for number, operation in plan.operations()]
    loses = culprits <= {operation.kind for _, operation in plan.operations()}
    return Record(plan, done, [Quiet(1.0, 1.0, 100, 0, (LOST,) if loses else ())], left_behind=[])


def test_a_failing_plan_is_shrunk_to_the_operations_that_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = []

    def carry_out(plan: Plan, folder: Path, _file: Path) -> Record:
        folders.append(folder)
        return played(plan, {"3a", "9"})

    monkeypatch.setattr(run, "carry_out", carry_out)
    record = run.soak(PLAN, tmp_path, shrink_minutes=60)

    assert record.exit_code == 1
    assert [operation.kind for _, operation in read(run.shrunk_file(tmp_path)).operations()] == ["3a", "9"]
    # The stack of the run that failed stays as it was.
    assert folders[0] == tmp_path
    assert tmp_path not in folders[1:]


def test_what_was_not_reached_is_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[set[str]] = []

    def carry_out(plan: Plan, _folder: Path, _file: Path) -> Record:
        record = played(plan, {"1a"})
        if plan == PLAN:
            record.done = record.done[:2]
        else:
            tried.append({operation.kind for _, operation in plan.operations()})
        return record

    monkeypatch.setattr(run, "carry_out", carry_out)
    run.soak(PLAN, tmp_path, shrink_minutes=60)

    assert tried
    assert set().union(*tried) <= {"1a", "3a"}


def test_a_plan_that_holds_is_not_shrunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "carry_out", lambda plan, _folder, _file: played(plan, {"none"}))

    assert run.soak(PLAN, tmp_path, shrink_minutes=60).exit_code == 0
    assert not run.shrunk_file(tmp_path).exists()


class Misses:
    """A fault that meets nothing at first."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self, _: Target) -> Injection:
        self.left -= 1
        if self.left >= 0:
            raise FaultError("the silence did not fall between an object and its commit")
        return Injection(note="met")


def test_a_fault_that_met_nothing_is_injected_again_and_not_for_ever() -> None:
    target = Target.__new__(Target)

    met = operations.until_injected(Misses(2))(target)

    assert met is not None
    assert met.note == "met"
    with pytest.raises(FaultError):
        operations.until_injected(Misses(3))(target)


class Recorded(run._Run):
    """A run that says which operations its file had when each operation ran."""

    def __init__(self, file: Path) -> None:
        stack: Any = SimpleNamespace(secrets={}, watching=nullcontext)
        self.kept_before: dict[str, list[str]] = {}
        self._file = file
        self._deployment = self._watch = stack
        self._record = Record(PLAN)
        self._save = lambda: self._record.write(file)
        self._saving = threading.Lock()
        self._save()

    def kept(self) -> list[str]:
        return [done["operation"]["kind"] for done in json.loads(self._file.read_text())["done"]]

    def _carry_out(self, number: int, operation: Operation) -> Done:
        if operation.kind == "9":
            wait_until(lambda: "4a" in self.kept(), "the operation beside it is on record", poll=0.01)
        self.kept_before[operation.kind] = self.kept()
        return Done(number, operation, 0.0, 1.0, "", None)


def test_a_run_that_is_killed_leaves_each_operation_that_was_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secret_search, "secrets_of", lambda _deployment: {})
    recorded = Recorded(tmp_path / "record.json")

    recorded._do(0, Step(0.0, (Operation("1a"),)))
    recorded._do(1, Step(0.0, (Operation("9"), Operation("4a"))))

    assert recorded.kept_before == {"1a": [], "4a": ["1a"], "9": ["1a", "4a"]}
    assert recorded.kept() == ["1a", "4a", "9"]
    assert read(tmp_path / "record.json") == PLAN


def test_a_destroy_that_fails_is_on_record_with_what_it_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise PulumiError("pulumi destroy failed")

    monkeypatch.setattr(run, "left_behind", lambda _deployment: ["bucket archive"])
    recorded = Recorded(tmp_path / "record.json")
    stack: Any = SimpleNamespace(destroy=fail)
    recorded._deployment = stack

    assert recorded._destroy() == ["pulumi destroy failed", "bucket archive"]


@pytest.mark.parametrize(("is_running", "calls"), [(True, []), (False, ["stop", "start"])])
def test_a_load_that_has_ended_by_itself_begins_again(
    tmp_path: Path, is_running: bool, calls: list[str]
) -> None:
    called: list[str] = []
    recorded = Recorded(tmp_path / "record.json")
    feed: Any = SimpleNamespace(
        is_running=is_running, stop=lambda: called.append("stop"), start=lambda: called.append("start")
    )
    recorded._feed = feed

    recorded._keep_feeding()

    assert called == calls
