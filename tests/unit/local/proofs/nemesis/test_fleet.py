"""Whose events a row of the fleet times, and what it puts back if it fails."""

from collections.abc import Callable
from typing import Any

import pytest

from local.base.waiting import WaitError
from local.proofs.nemesis import fleet

HOLDERS = {0: "i-1", 1: "i-2", 2: "i-1"}


class Played:
    """Two VMs that share three partitions; what is done to them is on record."""

    rotation_seconds = 0

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []

    def wait_for_alarms(self, *_: str) -> None:
        """They would fire at once."""

    def power(self, state: str, vm: str) -> None:
        self.done.append((state, vm))

    def isolate(self, vm: str, *, isolated: bool) -> None:
        self.done.append(("isolated" if isolated else "connected", vm))

    def kill_jvm(self, signal: str, vm: str) -> None:
        self.done.append((signal, vm))


def test_the_partitions_of_the_lost_vm_are_timed_apart_from_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target: Any = Played()
    monkeypatch.setattr(fleet, "share", lambda _: HOLDERS)
    monkeypatch.setattr(fleet, "wait_until_taken_over", lambda *_: None)

    watch = fleet.plug_pulled(target).watch

    assert target.done == [("off", "i-1"), ("on", "i-1")]
    assert watch is not None
    assert watch.groups == {"of that VM": {0, 2}, "of the others": {1}}


@pytest.mark.parametrize(
    ("fault", "done"),
    [
        (fleet.zone_cut_off, [("isolated", "i-1"), ("connected", "i-1")]),
        (fleet.successor_killed, [("STOP", "i-1"), ("CONT", "i-1")]),
    ],
)
def test_a_vm_that_no_other_replaces_is_put_back(
    fault: Callable[[Any], Any], done: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> None:
        raise WaitError("not yet")

    target: Any = Played()
    monkeypatch.setattr(fleet, "share", lambda _: HOLDERS)
    monkeypatch.setattr(fleet, "wait_until_taken_over", never)

    with pytest.raises(WaitError):
        fault(target)

    assert target.done == done
