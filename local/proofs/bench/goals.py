"""The goals, and whether a run met them (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from local.proofs.bench import stack, variants
from local.proofs.bench.figures import PEAK, PER_CPU_SECOND, RATE, Figure, Spread, compare
from local.proofs.bench.sink import Sample
from local.proofs.bench.variants import Variant

DEMO = "`make demo`, everything built before"
DELAY_OVER_ROTATION = 10.0
"""Seconds that 95 % of the events may take longer than a rotation."""

_SECONDS = {
    stack.FOUND: 20.0,
    stack.FOUND_PREPARED: 20.0,
    DEMO: 55.0,
    stack.PREVIEW: 4.0,
    stack.NO_CHANGE: 4.0,
}


@dataclass(frozen=True)
class Goal:
    """What was wanted, and what was measured, both in words."""

    text: str
    goal: str
    measured: str
    is_met: bool

    @property
    def verdict(self) -> str:
        """As the table shows it."""
        return "met" if self.is_met else "missed"


def sink_goals(rounds: Sequence[Sequence[Sample]]) -> Iterator[Goal]:
    """Of throughput, CPU and memory."""

    def value(figure: Figure, variant: Variant) -> float:
        found = compare(rounds, figure, variant.title, variant.title)
        assert found is not None  # noqa: S101  # every variant but the bare consumer has every figure
        return found.value

    def ratio(figure: Figure, variant: Variant, base: Variant) -> float:
        found = compare(rounds, figure, variant.title, base.title)
        assert found is not None  # noqa: S101  # the same
        return found.ratio

    faster = ratio(RATE, variants.DEFAULTS_SLOW, variants.ARTICLE_SLOW)
    yield at_least("events/s, all defaults to the article's settings, S3 at 30 ms", faster, 300, "x")
    faster = ratio(RATE, variants.LEAN_SLOW, variants.ARTICLE_SLOW)
    yield at_least("the same without flatten and originals", faster, 500, "x")
    more = 100 * (ratio(PER_CPU_SECOND, variants.PLAIN, variants.NO_ORIGINALS) - 1)
    yield at_most("more CPU for an event by flatten and ordered keys", more, 20, "%")
    more = 100 * (ratio(PER_CPU_SECOND, variants.NO_ORIGINALS, variants.DEFAULTS) - 1)
    yield at_most("more CPU for an event by originals, on top", more, 45, "%")
    rate = value(RATE, variants.DEFAULTS_SLOW)
    yield at_least("events/s of a worker with all defaults, S3 at 30 ms", rate, 2_000, "", ",.0f")
    yield at_most("resident memory with both connectors", value(PEAK, variants.DEFAULTS), 450, "MB")


def stack_goals(rounds: Sequence[stack.Round]) -> Iterator[Goal]:
    """Of delays and requests: each one of the round in which it was the longest, or the most."""
    for found in zip(*(measured.delays for measured in rounds), strict=True):
        rotation = found[0].rotation
        waited = max(delays.indexed.p95 for delays in found)
        text = f"95 % of the events are in Logz.io, with a rotation of {rotation} s"
        yield at_most(text, waited, rotation + DELAY_OVER_ROTATION, "s")
        requests = max(delays.requests_per_object for delays in found)
        yield at_most(f"S3 requests per busy partition and rotation of {rotation} s", requests, 3, "", ".2f")


def time_goals(times: Mapping[str, Spread]) -> Iterator[Goal]:
    """Of what takes how long, as far as it was measured. `times`: by the names in `stack`, and `DEMO`."""
    for name, seconds in _SECONDS.items():
        if name in times:
            yield at_most(name, times[name].median, seconds, "s")


def at_least(text: str, measured: float, goal: float, unit: str, form: str = ",.1f") -> Goal:
    """A goal that is met by as much or more."""
    return Goal(text, f">= {_shown(goal, unit, ',g')}", _shown(measured, unit, form), measured >= goal)


def at_most(text: str, measured: float, goal: float, unit: str, form: str = ",.1f") -> Goal:
    """A goal that is met by as much or less."""
    return Goal(text, f"<= {_shown(goal, unit, ',g')}", _shown(measured, unit, form), measured <= goal)


def _shown(value: float, unit: str, form: str) -> str:
    return f"{value:{form}} {unit}".strip()
