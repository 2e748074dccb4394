"""What the faults of a Connect cluster do, on a played target."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from local.proofs.nemesis import distributed, fleet
from local.proofs.nemesis.target import FaultError

HOLDERS = {0: "i-1", 1: "i-2", 2: "i-1"}


class Played:
    """Two VMs that share three partitions; i-2 leads until it is off. What is done to them is on record."""

    rotation_seconds = 0

    def __init__(self) -> None:
        self.done: list[tuple[str, ...]] = []
        self.reads = HOLDERS

    def instances(self) -> set[str]:
        return {"i-1", "i-2"}

    def holders(self) -> dict[int, str]:
        return self.reads

    def leader(self) -> str:
        return "i-1" if ("off", "i-2") in self.done else "i-2"

    def wait_for_alarms(self, *names: str) -> None:
        self.done.append(("alarms", *names))

    def power(self, state: str, vm: str) -> None:
        self.done.append((state, vm))

    def link(self, vm: str, state: str) -> None:
        self.done.append(("link", vm, state))

    def stop_own_cluster(self) -> None:
        self.done.append(("own cluster", "off"))

    def start_own_cluster(self) -> None:
        self.done.append(("own cluster", "on"))

    def shorten(self, module: str, name: str, _seconds: int, vm: str) -> None:
        self.done.append((module, name, vm))

    def restore(self, module: str, vm: str) -> None:
        self.done.append((module, vm))


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Played:
    monkeypatch.setattr(fleet, "share", lambda _: HOLDERS)
    monkeypatch.setattr(fleet, "wait_until_taken_over", lambda *_: None)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    return Played()


def inject(fault: Callable[[Any], Any], target: Played) -> Any:
    return fault(target)


def test_the_plug_of_the_vm_that_leads_is_pulled_even_if_another_one_reads_more(target: Played) -> None:
    watch = inject(distributed.leader_killed, target).watch

    assert target.done == [("off", "i-2"), ("alarms", "heartbeat"), ("on", "i-2")]
    assert watch.groups == {"of that VM": {1}, "of the others": {0, 2}}


def test_the_own_cluster_is_away_until_its_alarm_would_fire(target: Played) -> None:
    watch = inject(distributed.own_cluster_away, target).watch

    assert watch.groups == {"of the topic": {0, 1, 2}}
    what = [step for step in target.done if step[0] != "fleet.py"]
    assert what == [("own cluster", "off"), ("alarms", "fleet-cluster"), ("own cluster", "on")]
    # Each watchdog looks more often meanwhile, and as before afterwards.
    assert target.done[:2] == [("fleet.py", "LOOK_SECONDS", "i-1"), ("fleet.py", "LOOK_SECONDS", "i-2")]
    assert target.done[-2:] == [("fleet.py", "i-1"), ("fleet.py", "i-2")]


def test_all_is_as_before_if_the_alarm_of_the_own_cluster_does_not_come(
    target: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: str) -> None:
        raise FaultError("no alarm")

    monkeypatch.setattr(target, "wait_for_alarms", never)

    with pytest.raises(FaultError, match="no alarm"):
        inject(distributed.own_cluster_away, target)

    assert target.done[-3:] == [("own cluster", "on"), ("fleet.py", "i-1"), ("fleet.py", "i-2")]


def test_the_link_of_a_follower_is_cut_and_mended(target: Played) -> None:
    inject(distributed.link_cut, target)

    assert target.done == [("link", "i-1", "down"), ("link", "i-1", "up")]


def test_a_task_that_stops_with_the_link_fails_the_row(target: Played) -> None:
    target.reads = {0: "i-1"}

    with pytest.raises(FaultError, match="a task stopped"):
        inject(distributed.link_cut, target)

    assert target.done[-1] == ("link", "i-1", "up")
