"""A sampler sees what comes and goes while something else runs."""

import itertools
import threading
import time

from local.base.sampling import Sampler


def test_a_sampler_remembers_what_it_saw_and_goes_on_after_a_failed_look() -> None:
    looks = itertools.count(1)
    has_gone_on = threading.Event()

    def look() -> frozenset[str]:
        number = next(looks)
        if number == 2:
            raise RuntimeError("in the middle of an update")
        if number == 3:
            has_gone_on.set()
        return frozenset({f"alarm {number}"}) if number < 4 else frozenset()

    with Sampler(look, every=0.001) as sampler:
        assert has_gone_on.wait(600)

    assert sampler.seen == {"alarm 1", "alarm 3"}


def test_a_sampler_rests_longer_after_a_look_that_took_long() -> None:
    begun: list[float] = []
    ended: list[float] = []

    def look() -> frozenset[str]:
        begun.append(time.monotonic())
        time.sleep(0.05)
        ended.append(time.monotonic())
        return frozenset()

    with Sampler(look, every=0.001, rest=4):
        while len(begun) < 3:
            time.sleep(0.01)

    assert begun[1] - ended[0] >= 0.2
    assert begun[2] - ended[1] >= 0.2
