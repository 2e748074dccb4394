"""A report of two rounds with every part, of made-up figures."""

from collections.abc import Mapping

from local.proofs.bench import stack
from local.proofs.bench.machine import Machine
from local.proofs.bench.report import Report
from local.proofs.bench.sink import Sample
from local.proofs.bench.stack import Delays, Round, Waits
from local.proofs.bench.variants import (
    ARTICLE_SLOW,
    BARE,
    DEFAULTS,
    DEFAULTS_SLOW,
    LEAN_SLOW,
    NO_ORIGINALS,
    PLAIN,
    VARIANTS,
)

MACHINE = Machine("2026-11-26", 2, 8_000, 0.4, "3.13.1", "17.0.15", "stand-in")

EVENTS = 12_000
RATES = {DEFAULTS: 5_000.0, DEFAULTS_SLOW: 4_000.0, LEAN_SLOW: 6_000.0, ARTICLE_SLOW: 10.0, BARE: 90_000.0}
"""Events per second; all others have 2,000."""

PER_CPU_SECOND = {DEFAULTS: 6_000.0, NO_ORIGINALS: 9_000.0, PLAIN: 9_900.0}
"""Events per CPU-second; all others have 8,000."""


def samples(slower: float = 1.0) -> list[Sample]:
    """A round, on a machine that is so many times slower."""
    return [
        Sample(
            variant.title,
            EVENTS,
            slower * EVENTS / RATES.get(variant, 2_000.0),
            slower * EVENTS / PER_CPU_SECOND.get(variant, 8_000.0),
            peak_mb=430.0,
            objects=None if variant is BARE else 12,
            requests=None if variant is BARE else 36,
            stored_mb=None if variant is BARE else 2.4,
        )
        for variant in VARIANTS
    ]


def measured(no_change: float, preview: float, p95: float = 6.0) -> Round:
    """A round of the stack."""
    seconds: Mapping[str, float] = {
        stack.UP: 30.0,
        stack.FOUND: 19.0,
        stack.NO_CHANGE: no_change,
        stack.PREVIEW: preview,
    }
    return Round(seconds, (Delays(5, 1_000, Waits(2.5, 5.0, 5.9), Waits(3.5, p95, 7.1), 3.0),))


REPORT = Report(
    MACHINE,
    EVENTS,
    sink=[samples(), samples(slower=3.0)],
    stack=[measured(3.9, 3.5), measured(4.3, 3.7, p95=15.2)],
    demo=[54.0, 55.0],
)
