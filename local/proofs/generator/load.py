"""How many events come when: an uneven load, the same for the same seed.

A load is an endless series of phases. Within a phase events come evenly.
"""

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from local.proofs.generator.events import AuditEvent, events

EVERY = 400
"""One event in so many is large."""

_PART = 30_000
"""Characters of a part of a large event: a value that Logz.io still indexes (it takes 32,700)."""
_MOST_PARTS = 12
"""Logz.io takes 500,000 characters in an event."""

_AHEAD = 2_000_000
"""More events than any series takes."""
_APART = 0.0005
"""Seconds between the times of two events: less than in any burst, so that no event has a time that is still to come."""


class Phase(NamedTuple):
    """`seconds` long, with `rate` events per second."""

    kind: str
    seconds: float
    rate: float


class _Range(NamedTuple):
    weight: int
    seconds: tuple[float, float]
    rate: tuple[float, float]


# About 190 events per second on average: 500,000 in an hour that has pauses for the checker.
_RANGES = {
    "steady": _Range(6, (60, 150), (120, 240)),
    "burst": _Range(2, (15, 40), (500, 1200)),
    "slow": _Range(1, (20, 60), (5, 20)),
    "quiet": _Range(1, (20, 60), (0, 0.2)),
}


def steady(rate: float) -> Iterator[Phase]:
    """The same rate for ever."""
    return itertools.repeat(Phase("steady", 60, rate))


def uneven(seed: int) -> Iterator[Phase]:
    """Work, bursts and quiet hours in turn, endlessly."""
    rng = random.Random(f"load {seed}")  # noqa: S311 -- reproducible sample data, nothing secret
    kinds = list(_RANGES)
    while True:
        (kind,) = rng.choices(kinds, [_RANGES[known].weight for known in kinds])
        chosen = _RANGES[kind]
        yield Phase(kind, rng.uniform(*chosen.seconds), rng.uniform(*chosen.rate))


def series(seed: int) -> Callable[[], Iterator[AuditEvent]]:
    """Makes the events of one feed after the other: each call gives others, the same for the same seed but their times.

    Their times begin at the call. One event in EVERY is large.
    """
    numbers = itertools.count()

    def begin() -> Iterator[AuditEvent]:
        rng = random.Random(f"events {seed} {next(numbers)}")  # noqa: S311 -- as above
        made = events(_AHEAD, rng.getrandbits(64), datetime.now(UTC), apart=timedelta(seconds=_APART))
        for number, event in enumerate(made, 1):
            yield _large(event, rng.randint(1, _MOST_PARTS)) if number % EVERY == 0 else event

    return begin


def _large(event: AuditEvent, parts: int) -> AuditEvent:
    content = {f"part{number}": "x" * _PART for number in range(parts)}
    data = {**event.value["data"], "request": {"data": content}}
    return replace(event, value={**event.value, "data": data})
