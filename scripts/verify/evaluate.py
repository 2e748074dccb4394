"""Evaluates a report: findings on where the chain is broken, and the page that tells how to repair it (pure)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scripts.verify.chains import Chain
from scripts.verify.model import (
    ChainReport,
    Finding,
    IndexReport,
    Level,
    PartitionReport,
    RegistrationReport,
    RegistrationState,
    Report,
    Unread,
    UnreadReason,
)

KAFKA, BUCKET, REGISTRATION, LOGZIO, INDEX = "Kafka", "bucket", "registration", "Logz.io", "index"

# Sections of the docs.
STUCK = "docs/operations.md#stuck"
DELIVERY = "docs/delivery.md"
WHAT_HAPPENS = "docs/logzio.md#what-happens-when"
TROUBLESHOOTING = "docs/operations.md#troubleshooting"
INDEXING = "docs/logzio.md#what-logzio-can-index"
VERIFY = "docs/operations.md#is-every-event-in-logzio"
REPLAY = "docs/operations.md#bring-events-to-logzio"
SECTIONS = (STUCK, DELIVERY, WHAT_HAPPENS, TROUBLESHOOTING, INDEXING, VERIFY, REPLAY)

_NAMED = 5


@dataclass(frozen=True)
class Patience:
    """How long a hop may take before it counts as broken.

    `archive`: beyond two rotations, from an event's arrival in Kafka to its commit. `fetch`: from an object's upload
    until its events can be found ("a few seconds to a minute, sometimes longer", Logz.io's docs, "Log Shipping
    Troubleshooting").
    """

    archive: timedelta = timedelta(minutes=5)
    fetch: timedelta = timedelta(minutes=10)


def evaluate(report: Report, patience: Patience) -> list[Finding]:
    """All findings, in the order from Kafka to Logz.io."""
    found: list[Finding] = []
    for chain in report.chains:
        found += _kafka(chain, report.at, patience)
        found += _bucket(chain)
    found += _registrations(report.registrations)
    for chain in report.chains:
        if chain.chain.delivered:
            found += _logzio(chain, report.stack, report.at, patience)
    found += _index(report.index)
    found += [
        Finding(what, Level.UNKNOWN, f"could not be checked: {why}", VERIFY)
        for what, why in report.not_seen.items()
    ]
    return found


def exit_code(findings: Iterable[Finding]) -> int:
    """0: nothing is broken; 1: something is; 2: something could not be checked, and nothing else is broken."""
    levels = {finding.level for finding in findings}
    if Level.BROKEN in levels:
        return 1
    return 2 if Level.UNKNOWN in levels else 0


# --- Kafka -> bucket


def _kafka(report: ChainReport, now: datetime, patience: Patience) -> Iterator[Finding]:
    chain = report.chain
    behind = [(partition, _waiting(partition, now)) for partition in report.partitions]
    limit = _archive_limit(chain, patience)
    late = [(partition, age) for partition, age in behind if age is not None and age > limit]
    soon = [partition for partition, age in behind if age is not None and age <= limit]
    if late:
        positions = [partition.position for partition, _ in late if partition.position is not None]
        offsets = sum(position.lag for position in positions)
        oldest = max(age for _, age in late)
        never = all(position.committed is None for position in positions)
        group = f"group {chain.group}" + (" has never committed anything" if never else "")
        where = _named(partition for partition, _ in late)
        text = f"{where}: {offsets:,} offsets are not archived, the oldest for {span(oldest)}"
        yield Finding(KAFKA, Level.BROKEN, f"{text} ({group})", STUCK)
    if soon:
        yield Finding(
            KAFKA, Level.WAITING, f"{_named(soon)}: events wait for the next rotation (group {chain.group})"
        )
    expired = [
        partition
        for partition in report.partitions
        if partition.position is not None and partition.position.expired
    ]
    if expired:
        number = sum(partition.position.expired for partition in expired if partition.position is not None)
        text = f"{_named(expired)}: {number:,} offsets expired before group {chain.group} read them"
        yield Finding(KAFKA, Level.BROKEN, text, DELIVERY)
    if report.unknown_partitions and chain.delivered:
        numbers = ", ".join(f"{topic} {number}" for topic, number in report.unknown_partitions)
        text = f"Kafka has partitions that source.partitions does not: {numbers}. Set it and run `pulumi up`"
        yield Finding(KAFKA, Level.BROKEN, text, WHAT_HAPPENS)


def _waiting(partition: PartitionReport, now: datetime) -> timedelta | None:
    """How long the first event has been waiting; None if none is."""
    if partition.position is None or partition.position.waiting is None:
        return None
    return max(timedelta(0), now - partition.position.waiting.at)


def _archive_limit(chain: Chain, patience: Patience) -> timedelta:
    return patience.archive + 2 * timedelta(seconds=chain.rotation_seconds)


def _bucket(report: ChainReport) -> Iterator[Finding]:
    lost = [partition for partition in report.partitions if partition.last_committed_is_archived is False]
    if lost:
        text = (
            f"{_named(lost)}: group {report.chain.group} committed events that are not in this bucket: "
            "another worker may read with the same group"
        )
        yield Finding(BUCKET, Level.BROKEN, text, DELIVERY)


# --- bucket -> Logz.io


def _registrations(reports: Sequence[RegistrationReport]) -> Iterator[Finding]:
    repairs = {
        RegistrationState.MISSING: "run `pulumi refresh`, then `pulumi up`",
        RegistrationState.INACTIVE: "run `pulumi refresh`, then `pulumi up`",
        RegistrationState.CHANGED: "run `pulumi refresh`, then `pulumi up`",
        RegistrationState.DOUBLE: "delete the other registration in Logz.io: each event arrives twice",
    }
    for state, repair in repairs.items():
        bad = [report for report in reports if report.state is state]
        if bad:
            named = _some([_registration(report) for report in bad])
            text = f"{len(bad)} registration(s) {state.value}: {named}. To repair it, {repair}"
            yield Finding(REGISTRATION, Level.BROKEN, text, WHAT_HAPPENS)
    unknown = sum(report.created_at is None for report in reports if report.state is RegistrationState.FINE)
    if unknown:
        text = (
            f"{unknown} registration(s) have no time of creation: objects that are older than a registration are not "
            "recognised"
        )
        yield Finding(REGISTRATION, Level.NOTE, text)


def _registration(report: RegistrationReport) -> str:
    number = "" if report.id is None else f" (id {report.id})"
    return f"{report.prefix}{number}{': ' if report.difference else ''}{report.difference}"


def _logzio(report: ChainReport, stack: str, now: datetime, patience: Patience) -> Iterator[Finding]:
    replay = f"`make replay STACK={stack} UNREAD=1`"
    yield from _behind(report.partitions, now, patience)
    unread = [(partition, stored) for partition in report.partitions for stored in partition.unread]
    for why in UnreadReason:
        settled = why is not UnreadReason.GAP
        of_kind = [
            (partition, stored)
            for partition, stored in unread
            if stored.why is why and (settled or now - stored.modified > patience.fetch)
        ]
        if of_kind:
            yield _unread(why, of_kind, replay)
    left = sum(partition.not_examined for partition in report.partitions)
    if left:
        yield Finding(
            LOGZIO, Level.NOTE, f"{left:,} more objects seem unread; their events were not searched"
        )
    foreign = [key for partition in report.partitions for key in partition.foreign]
    if foreign:
        text = (
            f"{len(foreign)} object(s) below a registered prefix are not the connector's: {_some(foreign)}. Logz.io "
            "no longer reads anything that sorts before them. Delete them, delete that registration in Logz.io, run "
            f"`pulumi refresh` and `pulumi up` (only a new registration starts from the beginning), then {replay}"
        )
        yield Finding(LOGZIO, Level.BROKEN, text, REPLAY)


def _behind(partitions: Sequence[PartitionReport], now: datetime, patience: Patience) -> Iterator[Finding]:
    behind = [
        (partition, now - partition.behind_since)
        for partition in partitions
        if partition.behind_since is not None
    ]
    late = [(partition, age) for partition, age in behind if age > patience.fetch]
    if late:
        objects = sum(partition.behind for partition, _ in late)
        text = (
            f"{_named(partition for partition, _ in late)}: the last {objects:,} object(s) are not in Logz.io, the "
            f"oldest for {span(max(age for _, age in late))}"
        )
        yield Finding(LOGZIO, Level.BROKEN, text, TROUBLESHOOTING)
    soon = [partition for partition, age in behind if age <= patience.fetch]
    if soon:
        yield Finding(LOGZIO, Level.WAITING, f"{_named(soon)}: the newest objects are not in Logz.io yet")


def _unread(why: UnreadReason, found: Sequence[tuple[PartitionReport, Unread]], replay: str) -> Finding:
    events = sum(stored.events for _, stored in found)
    missing = sum(stored.missing for _, stored in found)
    text = (
        f"{_named(partition for partition, _ in found)}: {len(found)} object(s) unread ({why.value}); {missing:,} of "
        f"their {events:,} events are not in Logz.io"
    )
    if not missing:
        return Finding(LOGZIO, Level.NOTE, text)
    return Finding(LOGZIO, Level.BROKEN, f"{text}. Run {replay}", REPLAY)


def _index(report: IndexReport | None) -> Iterator[Finding]:
    if report is None or not report.total:
        return
    if not report.ours:
        text = f"{report.total:,} events of other sources in the account could not be indexed"
        yield Finding(INDEX, Level.NOTE, text)
        return
    if report.seen < report.total:
        number = f"{report.ours:,} of {report.seen:,} checked ({report.total:,} in the account)"
    else:
        number = f"{report.ours:,}"
    text = (
        f"{number} events of the audit log could not be indexed by their fields: {'; '.join(report.reasons)}"
    )
    if report.ids:
        text += f". Among them are {', '.join(report.ids)}"
    yield Finding(INDEX, Level.BROKEN, text, INDEXING)


# --- text


def span(length: timedelta) -> str:
    """A duration in one unit, rounded."""
    seconds = length.total_seconds()
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _named(partitions: Iterable[PartitionReport]) -> str:
    """Partitions by their numbers, and by their topic where there are several."""
    known = dict.fromkeys((partition.topic, partition.partition) for partition in partitions)
    topics = {topic for topic, _ in known}
    names = [str(number) if len(topics) == 1 else f"{topic} {number}" for topic, number in known]
    return f"partition{'s' if len(names) > 1 else ''} {_some(names, 12)}"


def _some(names: Sequence[str], most: int = _NAMED) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
