"""Measures each variant of the sink's settings, on a broker and an AWS of its own, without VMs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.settings import Connector
from local.base import progress
from local.proofs.bench.backlog import MB, Backlog, backlog
from local.proofs.bench.site import Measurement, Site, serving
from local.proofs.bench.variants import VARIANTS, Variant
from local.systems.kafka import client

_ARTICLE_FLUSH_SIZE = 3
_LEAST_EVENTS = _ARTICLE_FLUSH_SIZE * client.PARTITIONS
"""Of a backlog: an object in each partition with the article's settings."""

_LEAST_WARM_UP = 300
"""Events: the JVM has then loaded and compiled what an event passes."""


@dataclass(frozen=True)
class Sample:
    """A variant's figures of one round.

    Attributes:
        variant: its title.
        peak_mb: the most resident memory of the process, since its start, in MB (1,000,000 bytes).
        objects, requests, stored_mb: in S3; None without S3.
    """

    variant: str
    events: int
    seconds: float
    cpu_seconds: float
    peak_mb: float
    objects: int | None
    requests: int | None
    stored_mb: float | None


def sample(variant: Variant, measured: Measurement) -> Sample:
    """What was measured of a variant."""
    has_s3 = variant.setup is not None
    return Sample(
        variant.title,
        measured.events,
        round(measured.seconds, 3),
        round(measured.cpu_seconds, 2),
        round(max(use.peak_bytes for use in measured.ended) / MB, 1),
        measured.objects if has_s3 else None,
        measured.requests if has_s3 else None,
        round(measured.stored_bytes / MB, 3) if has_s3 else None,
    )


def amount(variant: Variant, events: int) -> Backlog:
    """What a variant gets, of a measurement with so many events."""
    size = _ARTICLE_FLUSH_SIZE if variant.share > 1 else Connector().flush_size
    count = max(_LEAST_EVENTS, events // variant.share)
    return backlog(count, client.PARTITIONS, size, variant.batch_bytes)


def warm_up(given: Backlog) -> int:
    """Events that it archives before: full objects of every connector."""
    return given.per_partition * -(-_LEAST_WARM_UP // given.per_partition)


def measure(state: Path, connector: Path, values: Sequence[bytes], number: int) -> list[Sample]:
    """One round. Every other round has the opposite order: a machine that gets busier favours no variant.

    Args:
        state: folder of the servers.
        connector: the S3 connector's zip.
        values: the events.
        number: of the round.

    Raises:
        RuntimeError: a part did not come up, or events were not archived.
    """
    order = VARIANTS if number % 2 else tuple(reversed(VARIANTS))
    with serving(state, connector, values) as site:
        return [take(site, variant, len(values)) for variant in order]


def take(site: Site, variant: Variant, events: int) -> Sample:
    """Measures a variant, as its part of a measurement with so many events.

    Raises:
        RuntimeError: a worker did not start or refused a connector, or events were not archived.
    """
    given = amount(variant, events)
    before = warm_up(given)
    name = f"bench-{VARIANTS.index(variant)}"
    if variant.setup is None:
        measured = site.consume(name, given, warm_up=before)
    else:
        measured = site.catch_up(name, variant.setup, given, warm_up=before, delay=variant.delay)
    taken = sample(variant, measured)
    progress.say(
        f"  {variant.title}: {taken.events:,} events, {taken.events / taken.seconds:,.0f} events/s, "
        f"{taken.events / taken.cpu_seconds:,.0f} per CPU-second, peak {taken.peak_mb:.0f} MB"
    )
    return taken
