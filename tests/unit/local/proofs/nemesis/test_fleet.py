"""How long the partitions of a lost VM wait, and the others."""

import time
from typing import Any, cast

import pytest

from local.proofs.nemesis import fleet
from local.proofs.nemesis.target import Target

ROTATION = 5


class Played:
    """A bucket: partition and time of each object. Each partition gets one more object once it is asked."""

    rotation_seconds = ROTATION

    def __init__(self, objects: list[tuple[int, float]]) -> None:
        self.objects = objects

    def completed(self) -> list[tuple[int, float]]:
        return self.objects


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.setattr(time, "time", lambda: 100.0)
    return 100.0


@pytest.mark.usefixtures("now")
def test_the_pause_of_the_lost_vms_partitions_is_apart_from_the_others() -> None:
    lost = [(0, 40.0), (0, 45.0), (0, 98.0), (0, 101.0)]
    other = [(1, 41.0), (1, 46.0), (1, 53.0), (1, 60.0), (1, 97.0), (1, 102.0)]
    # Not busy before: it gets an event now and then.
    rare = [(2, 20.0), (2, 101.0)]
    target = cast("Target", Played([*lost, *other, *rare]))

    note = fleet.pauses(target, 50.0, {0: "i-1", 1: "i-2", 2: "i-1"}, ["i-1"])

    assert note == "longest pause of the partitions of that VM 53 s, longest pause of the others 37 s"


@pytest.mark.usefixtures("now")
def test_without_a_lost_vm_there_is_one_pause() -> None:
    target: Any = Played([(0, 40.0), (0, 45.0), (0, 52.0), (0, 101.0)])

    assert fleet.pauses(target, 50.0, {}, []) == "longest pause of a partition 49 s"
