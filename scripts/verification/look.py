"""Looks at a stack from Kafka to Logz.io. What cannot be looked at is noted, and the rest is looked at all the same."""

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
from scripts.verification import failures, registrations
from scripts.verification.bucket import Bucket
from scripts.verification.chains import Chain, chains
from scripts.verification.delivery import follow
from scripts.verification.events import EventRef, Fields, event_id, parsed, references
from scripts.verification.kafka import Cluster, KafkaUnavailableError
from scripts.verification.lookup import Lookup
from scripts.verification.model import (
    ChainReport,
    IndexReport,
    Looked,
    PartitionReport,
    Position,
    RegistrationReport,
    Report,
    StoredObject,
    Unread,
    Why,
)
from scripts.verification.unread import Prefix, nearest, read_listing

_LOGZIO = "Logz.io"

AT_ONCE = 8
"""Requests to S3 under way."""

_RECENT = 3
"""Objects among which a partition's last committed event is looked for."""

_T = TypeVar("_T")
_R = TypeVar("_R")
_Partition = tuple[str, int]


@dataclass(frozen=True)
class Scope:
    """How much is looked at.

    Attributes:
        days: objects of so many days.
        sample: objects of each partition whose last event is looked for.
        examined: objects of each partition that seem unread and whose events are all looked for.
        every_event: whether the events of all other objects are looked for, too.
    """

    days: float = 7.0
    sample: int = 20
    examined: int = 50
    every_event: bool = False


@dataclass
class Look:
    """One look at a stack."""

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
        """Everything that can be seen."""
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
        offsets = failures.day_offsets(self.scope.days)
        return failures.summed(
            [self.access.logzio.failures(day_offset=offset) for offset in offsets],
            self.access.settings.logzio.log_type,
        )

    def chains(self) -> list[Chain]:
        """The stack's connectors."""
        return chains(self.access.settings, project_name(), self.access.stack.short_name)

    def on_their_way(self, chain: Chain) -> set[str]:
        """Objects after the last one that Logz.io has: a registration may still read them.

        Raises:
            LogzioError, botocore.exceptions.ClientError: it cannot be told.
        """
        present = self.access.logzio.registrations()
        made = self.access.stack.registrations()
        created = _created(registrations.compare(self.access.settings, made, present))

        def look(partition: _Partition) -> set[str]:
            listing = self._listing(chain, partition, created, present)
            return {one.key for one in follow(listing.plain, self._look_for, self.scope.sample).behind}

        return set().union(*_each(look, self.partitions(chain)))

    def partitions(self, chain: Chain) -> list[_Partition]:
        """Those of the settings, then those that have a folder in the bucket all the same."""
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
        positions = self._tried(f"Kafka, group {chain.group}", lambda: self._positions(chain)) or {}
        known = self.access.settings.topic_partitions
        followed = self._tried("the bucket", lambda: self.partitions(chain)) or known
        created = _created(compared)

        def look(partition: _Partition) -> PartitionReport:
            report = PartitionReport(*partition, positions.get(partition))
            return self._followed(chain, report, self._listing(chain, partition, created, present))

        def tried(partition: _Partition) -> PartitionReport:
            topic, number = partition
            seen = self._tried(f"{chain.name} of {topic} partition {number}", lambda: look(partition))
            return seen or PartitionReport(*partition, positions.get(partition))

        unknown = sorted(set(positions) - set(known))
        return ChainReport(chain, tuple(_each(tried, followed)), tuple(unknown))

    def _listing(
        self,
        chain: Chain,
        partition: _Partition,
        created: Mapping[str, datetime],
        present: Sequence[Registered] | None,
    ) -> Prefix:
        prefix, bucket = chain.prefix(*partition), self.bucket.name
        # A known partition's registration is judged by itself; a folder beside these may have none at all.
        is_known = partition in self.access.settings.topic_partitions
        is_read = present is None or any(registrations.reads(one, bucket, prefix) for one in present)
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

    def _followed(self, chain: Chain, report: PartitionReport, listing: Prefix) -> PartitionReport:
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

    def _last_committed(self, chain: Chain, position: Position | None, listing: Prefix) -> bool | None:
        """Whether the last committed event is in an object that may hold it; None if nobody can tell."""
        if position is None or position.last is None or position.last.id is None:
            return None
        if position.last.at < self._since:
            return None
        fields = self._fields if chain.delivered else Fields("id", "time")
        for one in nearest(listing.objects, position.committed or 0)[:_RECENT]:
            if any(seen.id == position.last.id for seen in self._events(one, fields)):
                return True
        return False

    # --- Logz.io

    def _delivered(self, report: PartitionReport, listing: Prefix) -> PartitionReport:
        assert listing.newest is not None  # noqa: S101  # the caller has seen to it
        plain = listing.plain
        seen = follow(plain, self._look_for, self.scope.sample)
        newest = next((one for one in seen.looked if one.key == listing.newest.key), None)
        suspects = [
            (stored, listing.suspects[stored.key])
            for stored in listing.objects
            if stored.key in listing.suspects
        ]
        examined = suspects[-self.scope.examined :] if self.scope.examined else []
        gaps = plain[: len(plain) - len(seen.behind)] if self.scope.every_event else seen.gaps
        counted = [self._counted(one, why) for one, why in (*examined, *((one, Why.GAP) for one in gaps))]
        return replace(
            report,
            newest=newest or self._look_for([listing.newest])[0],
            sampled=len(seen.looked),
            behind=len(seen.behind),
            behind_since=seen.behind[0].modified if seen.behind else None,
            unread=tuple(one for one in counted if one.why is not Why.GAP or one.missing),
            not_examined=len(suspects) - len(examined),
        )

    def _look_for(self, objects: Sequence[StoredObject]) -> list[Looked]:
        seen = [self._last_event(stored) for stored in objects]
        asked = [EventRef(one.last, one.last_at or one.modified) for one in seen if one.last is not None]
        found = self._lookup.found(asked)
        return [one if one.last is None else replace(one, found=one.last in found) for one in seen]

    def _last_event(self, one: StoredObject) -> Looked:
        lines = self.bucket.lines(one.key)
        event = parsed(lines[-1]) if lines else None
        if event is None:
            return Looked(one.key, one.modified, None, None, None)
        at = event_time(event.get(self._fields.time))
        return Looked(one.key, one.modified, event_id(event, self._fields), at, None)

    def _events(self, one: StoredObject, fields: Fields) -> list[EventRef]:
        return list(references(self.bucket.lines(one.key), fields, one.modified))

    def _counted(self, one: StoredObject, why: Why) -> Unread:
        events = self._events(one, self._fields)
        found = self._lookup.found(events)
        missing = {event.id for event in events} - found
        return Unread(one.key, why, one.modified, len(events), len(missing))

    def _asked(self, ask: Callable[[], _T]) -> _T | None:
        """None where Logz.io does not answer. It is not asked again then: each answer would take a minute of tries."""
        if _LOGZIO in self._not_seen:
            return None
        try:
            return ask()
        except LogzioError as problem:
            self._not_seen[_LOGZIO] = str(problem)
            return None

    def _tried(self, what: str, look: Callable[[], _T]) -> _T | None:
        """None, and the reason noted, for what cannot be looked at."""
        try:
            return look()
        except (AccessError, KafkaUnavailableError, BotoCoreError, ClientError) as problem:
            self._not_seen[what] = str(problem)
            return None


def _created(compared: Iterable[RegistrationReport]) -> dict[str, datetime]:
    return {one.prefix: one.created_at for one in compared if one.created_at is not None}


def _each(act: Callable[[_T], _R], values: Iterable[_T]) -> list[_R]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(act, values))
