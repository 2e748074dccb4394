"""Collects a report on a stack from Kafka, the bucket and Logz.io. It notes and skips what cannot be checked."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from components.logzio.errors import LogzioError
from components.logzio.facts import event_time
from components.logzio.model import Registered
from scripts.access import Access, AccessError
from scripts.stack import project_name
from scripts.verify import index_failures, registrations
from scripts.verify.bucket import Bucket
from scripts.verify.chains import Chain, chains
from scripts.verify.delivery import follow
from scripts.verify.evaluate import KAFKA
from scripts.verify.events import EventRef, Fields, event_id, parsed, references
from scripts.verify.kafka import Cluster, KafkaUnavailableError
from scripts.verify.lookup import Lookup
from scripts.verify.model import (
    ChainReport,
    IndexReport,
    PartitionReport,
    Position,
    RegistrationReport,
    Report,
    SampledObject,
    StoredObject,
    Unread,
    UnreadReason,
)
from scripts.verify.unread import Listing, nearest, read_listing

_LOGZIO = "Logz.io"

AT_ONCE = 8
"""Concurrent requests to S3."""

_RECENT = 3
"""Number of objects in which a partition's last committed event is searched."""

_T = TypeVar("_T")
_R = TypeVar("_R")
_Partition = tuple[str, int]


@dataclass(frozen=True)
class Scope:
    """How much is checked.

    Attributes:
        days: age of the oldest objects, in days.
        sample: number of objects of each partition whose last event is searched in Logz.io.
        examined: number of apparently unread objects of each partition whose events are all searched.
        every_event: whether the events of all other objects are searched, too.
    """

    days: float = 7.0
    sample: int = 20
    examined: int = 50
    every_event: bool = False


@dataclass
class Collector:
    """Collects one report."""

    access: Access
    scope: Scope
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        settings = self.access.settings
        self._not_seen: dict[str, str] = {}
        self.bucket = Bucket(self.access.client("s3"), settings.archive.bucket)
        self._fields = Fields.of(settings)
        self._lookup = Lookup(self.access.logzio, self._fields.id)
        self._since = self.now - timedelta(days=self.scope.days)

    def report(self) -> Report:
        """The report, with everything that could be checked."""
        settings = self.access.settings
        present = self._asked(self.access.logzio.registrations)
        made = self.access.stack.registrations()
        compared = () if present is None else registrations.compare(settings, made, present)
        seen = tuple(self._chain(chain, compared, present) for chain in self.chains())
        return Report(
            stack=self.access.stack.short_name,
            at=self.now,
            days=self.scope.days,
            chains=seen,
            registrations=compared,
            index=self._asked(self._index),
            not_seen=dict(self._not_seen),
        )

    def _index(self) -> IndexReport:
        offsets = index_failures.day_offsets(self.scope.days)
        return index_failures.summed(
            [self.access.logzio.failures(day_offset=offset) for offset in offsets],
            self.access.settings.logzio.log_type,
        )

    def chains(self) -> list[Chain]:
        """The stack's connectors."""
        return chains(self.access.settings, project_name(), self.access.stack.short_name)

    def on_their_way(self, chain: Chain) -> set[str]:
        """Keys of the objects after the last one that Logz.io has: a registration may still read them.

        Raises:
            LogzioError, botocore.exceptions.ClientError: Logz.io or S3 did not answer.
        """
        present = self.access.logzio.registrations()
        made = self.access.stack.registrations()
        created = _created(registrations.compare(self.access.settings, made, present))

        def behind(partition: _Partition) -> set[str]:
            listing = self._listing(chain, partition, created, present)
            delivery = follow(listing.plain, self._find_last_events, self.scope.sample)
            return {stored.key for stored in delivery.behind}

        return set().union(*_each(behind, self.partitions(chain)))

    def partitions(self, chain: Chain) -> list[_Partition]:
        """The partitions in the settings, then others that have a folder in the bucket."""
        known = self.access.settings.topic_partitions
        topics = self.access.settings.source.topics
        found = [
            (topic, partition)
            for topic in topics
            for partition in self.bucket.partitions(chain.folder, topic)
        ]
        return [*known, *sorted(set(found) - set(known))]

    def _chain(
        self, chain: Chain, compared: Sequence[RegistrationReport], present: Sequence[Registered] | None
    ) -> ChainReport:
        positions = self._tried(f"{KAFKA}, group {chain.group}", lambda: self._positions(chain)) or {}
        known = self.access.settings.topic_partitions
        followed = self._tried("the bucket", lambda: self.partitions(chain)) or known
        created = _created(compared)

        def check(partition: _Partition) -> PartitionReport:
            report = PartitionReport(*partition, positions.get(partition))
            return self._followed(chain, report, self._listing(chain, partition, created, present))

        def tried(partition: _Partition) -> PartitionReport:
            topic, number = partition
            seen = self._tried(f"{chain.name} of {topic} partition {number}", lambda: check(partition))
            return seen or PartitionReport(*partition, positions.get(partition))

        unknown = sorted(set(positions) - set(known))
        return ChainReport(chain, tuple(_each(tried, followed)), tuple(unknown))

    def _listing(
        self,
        chain: Chain,
        partition: _Partition,
        created: Mapping[str, datetime],
        present: Sequence[Registered] | None,
    ) -> Listing:
        prefix, bucket = chain.prefix(*partition), self.bucket.name
        # The registration of a partition in the settings has its own finding; any other folder may have no registration.
        is_known = partition in self.access.settings.topic_partitions
        is_read = present is None or any(
            registrations.reads(registration, bucket, prefix) for registration in present
        )
        return read_listing(
            self.bucket.objects(prefix),
            since=self._since,
            created_at=created.get(prefix) if chain.delivered else None,
            registered=is_known or is_read or not chain.delivered,
        )

    # --- Kafka

    def _positions(self, chain: Chain) -> Mapping[_Partition, Position]:
        config = self.access.kafka(dict(os.environ))
        return Cluster(config, chain.group, chain.is_json).positions(self.access.settings.source.topics)

    # --- the bucket

    def _followed(self, chain: Chain, report: PartitionReport, listing: Listing) -> PartitionReport:
        report = replace(report, objects=len(listing.objects), foreign=tuple(listing.foreign))
        if listing.newest is None:
            return report
        archived = self._last_committed(chain, report.position, listing)
        report = replace(report, last_committed_is_archived=archived)
        if not chain.delivered:
            return replace(report, newest=self._last_event(listing.newest))
        return self._asked(lambda: self._delivered(report, listing)) or replace(
            report, newest=self._last_event(listing.newest)
        )

    def _last_committed(self, chain: Chain, position: Position | None, listing: Listing) -> bool | None:
        """Whether the last committed event is in one of the objects that may hold it; None if that is unknown."""
        if position is None or position.last is None or position.last.id is None:
            return None
        if position.last.at < self._since:
            return None
        fields = self._fields if chain.delivered else Fields("id", "time")
        for stored in nearest(listing.objects, position.committed or 0)[:_RECENT]:
            if any(event.id == position.last.id for event in self._events(stored, fields)):
                return True
        return False

    # --- Logz.io

    def _delivered(self, report: PartitionReport, listing: Listing) -> PartitionReport:
        assert listing.newest is not None  # noqa: S101  # the caller has checked it
        plain = listing.plain
        delivery = follow(plain, self._find_last_events, self.scope.sample)
        newest = next((sampled for sampled in delivery.sampled if sampled.key == listing.newest.key), None)
        suspects = [
            (stored, listing.suspects[stored.key])
            for stored in listing.objects
            if stored.key in listing.suspects
        ]
        examined = suspects[-self.scope.examined :] if self.scope.examined else []
        gaps = plain[: len(plain) - len(delivery.behind)] if self.scope.every_event else delivery.gaps
        suspected = [*examined, *((stored, UnreadReason.GAP) for stored in gaps)]
        counted = [self._counted(stored, why) for stored, why in suspected]
        return replace(
            report,
            newest=newest or self._find_last_events([listing.newest])[0],
            sampled=len(delivery.sampled),
            behind=len(delivery.behind),
            behind_since=delivery.behind[0].modified if delivery.behind else None,
            unread=tuple(
                unread for unread in counted if unread.why is not UnreadReason.GAP or unread.missing
            ),
            not_examined=len(suspects) - len(examined),
        )

    def _find_last_events(self, objects: Sequence[StoredObject]) -> list[SampledObject]:
        """Searches Logz.io for the last event of each object."""
        samples = [self._last_event(stored) for stored in objects]
        wanted = [
            EventRef(sample.last, sample.last_at or sample.modified)
            for sample in samples
            if sample.last is not None
        ]
        found = self._lookup.found(wanted)
        return [
            sample if sample.last is None else replace(sample, found=sample.last in found)
            for sample in samples
        ]

    def _last_event(self, stored: StoredObject) -> SampledObject:
        lines = self.bucket.lines(stored.key)
        event = parsed(lines[-1]) if lines else None
        if event is None:
            return SampledObject(stored.key, stored.modified, None, None, None)
        at = event_time(event.get(self._fields.time))
        return SampledObject(stored.key, stored.modified, event_id(event, self._fields), at, None)

    def _events(self, stored: StoredObject, fields: Fields) -> list[EventRef]:
        return list(references(self.bucket.lines(stored.key), fields, stored.modified))

    def _counted(self, stored: StoredObject, why: UnreadReason) -> Unread:
        events = self._events(stored, self._fields)
        found = self._lookup.found(events)
        missing = {event.id for event in events} - found
        return Unread(stored.key, why, stored.modified, len(events), len(missing))

    def _asked(self, ask: Callable[[], _T]) -> _T | None:
        """None if Logz.io does not answer. It is not asked again then, because each failed call retries for a minute."""
        if _LOGZIO in self._not_seen:
            return None
        try:
            return ask()
        except LogzioError as problem:
            self._not_seen[_LOGZIO] = str(problem)
            return None

    def _tried(self, what: str, check: Callable[[], _T]) -> _T | None:
        """None if the check is not possible; notes the reason."""
        try:
            return check()
        except (AccessError, KafkaUnavailableError, BotoCoreError, ClientError) as problem:
            self._not_seen[what] = str(problem)
            return None


def _created(compared: Iterable[RegistrationReport]) -> dict[str, datetime]:
    return {
        registration.prefix: registration.created_at
        for registration in compared
        if registration.created_at is not None
    }


def _each(act: Callable[[_T], _R], values: Iterable[_T]) -> list[_R]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(act, values))
