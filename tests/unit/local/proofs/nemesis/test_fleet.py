"""Whose events a row of the fleet times."""

from typing import Any

import pytest

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
