"""A row knows whether the alarms of its fault would have fired and cleared."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.base.waiting import WaitError
from local.proofs.chaos import run
from local.proofs.chaos.report import Row
from local.proofs.nemesis.fault import Fault

FAULT = Fault("x", "a fault", lambda _: None, "seen", alarms=("task",))
NONE = frozenset[str]()


class Played(run._Run):
    """A run whose stack has these alarms before a row, in it, and afterwards."""

    def __init__(self, *firing: frozenset[str]) -> None:
        self._phases: Iterator[frozenset[str]] = iter(firing)
        self._now = next(self._phases)
        self._is_in_row = False
        played: Any = self
        self._target = played

    def firing(self) -> frozenset[str]:
        seen = self._now
        if self._is_in_row:
            # The sampler's last look ends the row.
            self._is_in_row, self._now = False, next(self._phases)
        return seen

    def _row(self, fault: Fault) -> Row:
        self._is_in_row, self._now = True, next(self._phases)
        return Row(fault.name, fault.text, 1, 0, 0, 0, 1.0, fault.seen)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_once(condition: Any, text: str, **_: float) -> None:
        if not condition():
            raise WaitError(text)

    monkeypatch.setattr(run, "wait_until", look_once)


@pytest.mark.parametrize(
    ("before", "during", "after", "unproved"),
    [
        (NONE, {"task", "restarts"}, NONE, ()),
        (NONE, {"restarts"}, NONE, ("task",)),
        (NONE, {"task", "restarts"}, {"task"}, ("task",)),
        ({"task"}, {"task", "restarts"}, NONE, ("task",)),
        # Not an alarm of this fault.
        ({"disk"}, {"task", "restarts"}, {"disk"}, ()),
    ],
    ids=["fires and clears", "does not fire", "does not clear", "fired before", "another alarm"],
)
def test_the_alarms_of_a_fault_must_fire_by_it_and_clear(
    before: set[str], during: set[str], after: set[str], unproved: tuple[str, ...]
) -> None:
    row = Played(frozenset(before), frozenset(during), frozenset(after))._row_with_alarms(FAULT)

    assert row.alarms == tuple(sorted(during))
    assert row.unproved == unproved
    assert row.ok == (not unproved)


def test_an_alarm_that_fires_before_a_row_is_not_of_its_fault() -> None:
    before, during = frozenset({"disk"}), frozenset({"disk", "task"})

    assert Played(before, during, before)._row_with_alarms(FAULT).alarms == ("task",)
