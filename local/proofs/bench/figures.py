"""The figures of a run: medians over its rounds, and ratios to this project's defaults within each round (pure)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

from local.proofs.bench.sink import Sample

PER_EVENTS = 100_000
"""Events that the requests and bytes in S3 are counted for."""


@dataclass(frozen=True)
class Figure:
    """A column of the table. `value`: of a sample; None if the variant has none. `form`: how it is printed."""

    name: str
    value: Callable[[Sample], float | None]
    form: str = ",.0f"


RATE = Figure("events/s", lambda sample: sample.events / sample.seconds)
PER_CPU_SECOND = Figure("events per CPU-second", lambda sample: sample.events / sample.cpu_seconds)
PEAK = Figure("peak MB", lambda sample: sample.peak_mb)
REQUESTS = Figure(
    f"S3 requests per {PER_EVENTS:,} events", lambda sample: _per_events(sample.requests, sample.events)
)
STORED = Figure(
    f"MB in S3 per {PER_EVENTS:,} events", lambda sample: _per_events(sample.stored_mb, sample.events), ",.1f"
)
FIGURES = (RATE, PER_CPU_SECOND, PEAK, REQUESTS, STORED)


def _per_events(number: float | None, events: int) -> float | None:
    return None if number is None else number * PER_EVENTS / events


@dataclass(frozen=True)
class Comparison:
    """A figure of a variant over all rounds: the median, and the median of its ratios to the base."""

    value: float
    ratio: float


def compare(rounds: Sequence[Sequence[Sample]], figure: Figure, variant: str, base: str) -> Comparison | None:
    """A variant's figure. `variant`, `base`: titles. None if one of the two has no such figure.

    Each ratio is of two samples of the same round: what slows the machine down in one round is in both.
    """
    values, ratios = [], []
    for samples in rounds:
        mine, other = (_of(samples, figure, title) for title in (variant, base))
        if mine is None or other is None:
            return None
        values.append(mine)
        ratios.append(mine / other)
    return Comparison(median(values), median(ratios))


def _of(samples: Iterable[Sample], figure: Figure, title: str) -> float | None:
    return next(figure.value(sample) for sample in samples if sample.variant == title)


@dataclass(frozen=True)
class Spread:
    """The times of all rounds: their median, and the shortest and the longest one."""

    median: float
    shortest: float
    longest: float


def spread(values: Iterable[float]) -> Spread:
    """At least one value."""
    known = sorted(values)
    return Spread(median(known), known[0], known[-1])


def percentile(values: Sequence[float], percent: float) -> float:
    """The least value that so many percent of the values do not exceed; at least one value, 0 < percent <= 100."""
    ordered = sorted(values)
    return ordered[max(1, ceil(len(ordered) * percent / 100)) - 1]


def medians(rounds: Iterable[Mapping[str, float]]) -> dict[str, Spread]:
    """Name -> the times of that name over all rounds, in the order of the first round."""
    known = list(rounds)
    return {name: spread(times[name] for times in known) for name in known[0]}
