"""Compares what stands in Kafka, in the bucket and in Logz.io's store, event by event.

Values are compared after parsing, never as bytes: the connector writes JSON anew, with another order of keys
and other forms of the same number (1e3 becomes 1000.0). A copy whose value is wrong does not count as a copy, and
neither does one whose fields Logz.io did not index.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

from components.archive import layout
from components.logzio import facts as logzio_facts
from components.worker.fields import flattened
from local.base import objects
from local.proofs.checker.originals import Originals
from local.proofs.producer import Produced
from local.systems.kafka import client

KAFKA, ARCHIVE, DELIVERED = "Kafka", "bucket", "Logz.io"

_LISTED = 20
"""How many missing events and faults a result names; all are counted."""


@dataclass(frozen=True)
class Pipeline:
    """What happens to the events on their way."""

    topic: str = client.TOPIC
    topics_dir: str = "topics"
    renames: Mapping[str, str] = field(default_factory=lambda: {"time": "@timestamp", "type": "event_type"})
    flatten: bool = True
    log_type: str = "confluent_audit"
    originals: bool = True


PIPELINE = Pipeline()
"""As the local stack is set up."""


@dataclass(frozen=True)
class Missing:
    """An event without a right copy in each place; partition and offset tell where Kafka has it."""

    id: str
    partition: int
    offset: int
    absent_from: tuple[str, ...]


@dataclass(frozen=True)
class Fault:
    """Something that should not be where it is: a broken line, a wrong value, an event in the wrong file."""

    where: str
    what: str
    id: str | None = None


@dataclass(frozen=True)
class Result:
    """What the comparison found: counts of events (ids) unless said, times in seconds since the epoch."""

    produced: int
    archived: int
    delivered: int
    """Events that Logz.io has in a right copy, or in one that it could not index."""
    indexed: int
    """Events that Logz.io has under their own type, with the right value in every field."""
    index_failures: int
    """Copies that Logz.io could not index by their fields."""
    first_failures: tuple[Fault, ...]
    missing: int
    first_missing: tuple[Missing, ...]
    faults: int
    first_faults: tuple[Fault, ...]
    archive_duplicates: int
    """Copies in the bucket beyond the first of each event."""
    delivered_duplicates: int
    """Copies in Logz.io beyond the first of each event."""
    duplicates: int
    """Copies beyond the first, per event in the place that has more of them."""
    unreadable_in_kafka: int
    """Records that are no JSON object with an id: nothing can be compared for them."""
    originals_missing: int
    """Records with bytes that no object of originals holds, whatever they are."""
    first_originals_missing: tuple[tuple[int, int], ...]
    """Their partitions and offsets."""
    objects: int
    """Objects that Logz.io reads."""
    originals_objects: int
    sentinels: int
    foreign_objects: int
    first_object_at: float | None
    first_delivered_at: float | None

    @property
    def ok(self) -> bool:
        """Every event is archived, indexed and kept as an original, right and readable. Duplicates are allowed."""
        wrong = self.missing or self.faults or self.index_failures or self.originals_missing
        return self.produced > 0 and not wrong

    def explain(self) -> list[str]:
        """Lines for a person who wants to know what is wrong; empty if nothing is."""
        lines = [
            f"missing from {' and '.join(event.absent_from)}: event {event.id}, "
            f"partition {event.partition}, offset {event.offset}"
            for event in self.first_missing
        ]
        if self.missing > len(self.first_missing):
            lines.append(f"... {self.missing} events are missing in all")
        lines += [f"{failure.where}: {failure.what}" for failure in self.first_failures]
        if self.index_failures > len(self.first_failures):
            lines.append(f"... {self.index_failures} copies are not indexed in all")
        lines += [
            f"no original: partition {partition}, offset {offset}"
            for partition, offset in self.first_originals_missing
        ]
        if self.originals_missing > len(self.first_originals_missing):
            lines.append(f"... {self.originals_missing} originals are missing in all")
        lines += [f"{fault.where}: {fault.what}" for fault in self.first_faults]
        if self.faults > len(self.first_faults):
            lines.append(f"... {self.faults} faults in all")
        return lines


class Record(NamedTuple):
    """A record of the topic."""

    partition: int
    offset: int
    value: bytes | None


class StoredObject(NamedTuple):
    """An entry of the bucket's listing; `modified` in seconds since the epoch."""

    key: str
    etag: str
    modified: float


class DeliveredLine(NamedTuple):
    """A row of Logz.io's store; `received_at` in seconds since the epoch."""

    key: str
    line: int
    event: str
    received_at: float


class _Origin(NamedTuple):
    partition: int
    offset: int
    digest: int
    delivered_digest: int
    time: object
    type: object


class _Copy(NamedTuple):
    id: str | None
    digest: int
    time: object
    type: object
    problem: str | None = None
    not_indexed: str | None = None


class _Object(NamedTuple):
    etag: str
    modified: float
    copies: list[_Copy]


class Comparison:
    """Takes in what each place holds, in any order, and tells what does not fit."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._time = pipeline.renames.get("time", "time")
        self._type = pipeline.renames.get("type", "type")
        self._origins: dict[str, _Origin] = {}
        self._produced_again: Counter[str] = Counter()
        self._unreadable_in_kafka = 0
        self._objects: dict[str, _Object] = {}
        self._originals = Originals()
        self._other_keys: set[str] = set()
        self._delivered: list[tuple[str, int, _Copy]] = []
        self._first_delivered_at: float | None = None

    def add_record(self, record: Record) -> None:
        """A record of the topic, each offset once."""
        if self._pipeline.originals:
            self._originals.add_record(record.partition, record.offset, record.value)
        event = _parse(record.value)
        if event is None or not isinstance(event.get("id"), str):
            self._unreadable_in_kafka += 1
            return
        if event["id"] in self._origins:
            self._produced_again[event["id"]] += 1
            return
        archived = as_archived(self._pipeline, event)
        delivered = self._as_indexed(archived)
        digest = _digest(archived)
        self._origins[sys.intern(event["id"])] = _Origin(
            record.partition,
            record.offset,
            digest,
            digest if delivered == archived else _digest(delivered),
            _interned(event.get("time")),
            _interned(event.get("type")),
        )

    def has_object(self, listed: StoredObject) -> bool:
        """Whether this very content was taken in already, or is not a data object at all."""
        if is_original(self._pipeline, listed.key):
            return self._originals.has_object(listed.key, listed.etag)
        if not is_data(self._pipeline, listed.key):
            self._other_keys.add(listed.key)
            return True
        known = self._objects.get(listed.key)
        return known is not None and known.etag == listed.etag

    def put_object(self, listed: StoredObject, body: bytes) -> None:
        """The content of a data object; it takes the place of earlier content under the same key."""
        if is_original(self._pipeline, listed.key):
            self._originals.put_object(listed.key, listed.etag, body)
            return
        self._objects[listed.key] = _Object(
            listed.etag, listed.modified, self._archived_copies(listed.key, body)
        )

    def add_delivered(self, row: DeliveredLine) -> None:
        """An event as Logz.io indexed it."""
        event = _parse(row.event)
        if event is None:
            copy = _Copy(None, 0, None, None, "is not a JSON object")
        elif (reason := logzio_facts.failure(event)) is not None:
            event_id = event.get("id")
            copy = _Copy(event_id if isinstance(event_id, str) else None, 0, None, None, not_indexed=reason)
        else:
            log_type = event.get("type")
            problem = None
            if log_type != self._pipeline.log_type:
                problem = f"`type` is {log_type!r}, not the log type {self._pipeline.log_type!r}"
            copy = self._copy(event, _digest(self._as_indexed(event)), problem)
        self._delivered.append((sys.intern(row.key), row.line, copy))
        if self._first_delivered_at is None or row.received_at < self._first_delivered_at:
            self._first_delivered_at = row.received_at

    def counts(self) -> tuple[int, int, int]:
        """How many ids stand in Kafka and, whatever their values, also in the bucket and in Logz.io."""
        archived = {copy.id for stored in self._objects.values() for copy in stored.copies}
        delivered = {copy.id for _, _, copy in self._delivered}
        ids = self._origins.keys()
        return len(ids), len(ids & archived), len(ids & delivered)

    def originals_behind(self) -> int:
        """How many records stand in no object of originals."""
        return self._originals.behind()

    def result(self, recorded: Iterable[Produced] = ()) -> Result:
        """The comparison of all that was taken in; `recorded` is what the feed saw acknowledged."""
        faults: list[Fault] = []
        archived, any_archived = self._count_archived(faults)
        failures: list[Fault] = []
        delivered, indexed, any_delivered = self._count_delivered(faults, failures)
        faults += [Fault(f"{ARCHIVE} {name}", what) for name, what in self._originals.faults()]
        originals_missing = self._originals.missing()
        missing = [
            Missing(entry.id, entry.partition, entry.offset, (KAFKA, ARCHIVE, DELIVERED))
            for entry in recorded
            if entry.id not in self._origins
        ]
        produced = len(self._origins) + len(missing)
        for event_id, origin in self._origins.items():
            absent = tuple(
                place for place, seen in ((ARCHIVE, archived), (DELIVERED, delivered)) if event_id not in seen
            )
            if absent:
                missing.append(Missing(event_id, origin.partition, origin.offset, absent))
        again = self._produced_again
        extra_archived = {key: n - 1 - again[key] for key, n in any_archived.items() if n > 1 + again[key]}
        extra_delivered = {key: n - 1 - again[key] for key, n in any_delivered.items() if n > 1 + again[key]}
        sentinels = sum(key.endswith("/" + layout.SENTINEL_NAME) for key in self._other_keys)
        return Result(
            produced=produced,
            archived=len(archived),
            delivered=len(delivered),
            indexed=len(indexed),
            index_failures=len(failures),
            first_failures=tuple(failures[:_LISTED]),
            missing=len(missing),
            first_missing=tuple(missing[:_LISTED]),
            faults=len(faults),
            first_faults=tuple(faults[:_LISTED]),
            archive_duplicates=sum(extra_archived.values()),
            delivered_duplicates=sum(extra_delivered.values()),
            duplicates=sum(
                max(extra_archived.get(key, 0), extra_delivered.get(key, 0))
                for key in extra_archived.keys() | extra_delivered.keys()
            ),
            unreadable_in_kafka=self._unreadable_in_kafka,
            originals_missing=len(originals_missing),
            first_originals_missing=tuple(originals_missing[:_LISTED]),
            objects=len(self._objects),
            originals_objects=self._originals.objects,
            sentinels=sentinels,
            foreign_objects=len(self._other_keys) - sentinels,
            first_object_at=min((stored.modified for stored in self._objects.values()), default=None),
            first_delivered_at=self._first_delivered_at,
        )

    def _archived_copies(self, key: str, body: bytes) -> list[_Copy]:
        try:
            return [self._archived_copy(line) for line in objects.lines(key, body)]
        except objects.UnreadableError as error:
            return [_Copy(None, 0, None, None, f"cannot be unpacked: {error}")]

    def _archived_copy(self, line: bytes) -> _Copy:
        event = _parse(line)
        if event is None:
            return _Copy(None, 0, None, None, "is not a JSON object")
        return self._copy(event, _digest(event))

    def _copy(self, event: dict[str, Any], digest: int, problem: str | None = None) -> _Copy:
        event_id = event.get("id")
        if not isinstance(event_id, str):
            return _Copy(None, 0, None, None, "has no id")
        at, kind = _interned(event.get(self._time)), _interned(event.get(self._type))
        return _Copy(sys.intern(event_id), digest, at, kind, problem)

    def _as_indexed(self, event: dict[str, Any]) -> dict[str, Any]:
        """What of an event can be compared after Logz.io indexed it.

        Logz.io puts the log type into `type` and, where the event has none, the time of arrival into
        `@timestamp`; with the setting for it, also the object's key.
        """
        added = {"type", "s3_object_key"} | ({"@timestamp"} if self._time != "@timestamp" else set())
        return {name: value for name, value in event.items() if name not in added}

    def _count_archived(self, faults: list[Fault]) -> tuple[set[str], Counter[str]]:
        """The ids with a right copy, and how often each id occurs."""
        right: set[str] = set()
        occurring: Counter[str] = Counter()
        for name, stored in sorted(self._objects.items()):
            key = layout.parse_data_key(name)
            assert key is not None  # noqa: S101 -- only data objects are taken in
            last = key.start_offset - 1
            for number, copy in enumerate(stored.copies, 1):
                if copy.id is not None:
                    occurring[copy.id] += 1
                origin = self._origins.get(copy.id or "")
                what = self._problem(copy, origin, ARCHIVE)
                if what is None:
                    right.add(str(copy.id))
                if origin is not None and copy.id not in self._produced_again:
                    what = what or _misplaced(key, origin, number, last)
                    last = origin.offset
                if what is not None:
                    faults.append(Fault(f"{ARCHIVE} {name} line {number}", what, copy.id))
        return right, occurring

    def _count_delivered(
        self, faults: list[Fault], failures: list[Fault]
    ) -> tuple[set[str], set[str], Counter[str]]:
        """The ids that are there in a right or an unindexed copy, those in a right one, how often each occurs."""
        there: set[str] = set()
        right: set[str] = set()
        occurring: Counter[str] = Counter()
        for name, number, copy in self._delivered:
            where = f"{DELIVERED} {name} line {number}"
            if copy.id is not None:
                occurring[copy.id] += 1
            if copy.not_indexed is not None:
                failures.append(Fault(where, f"event {copy.id} is not indexed: {copy.not_indexed}", copy.id))
                if copy.id in self._origins:
                    there.add(copy.id)
                continue
            what = self._problem(copy, self._origins.get(copy.id or ""), DELIVERED)
            if what is None:
                right.add(str(copy.id))
            else:
                faults.append(Fault(where, what, copy.id))
        return there | right, right, occurring

    def _problem(self, copy: _Copy, origin: _Origin | None, place: str) -> str | None:
        """What is wrong with a copy; None if it is right."""
        if copy.problem is not None:
            return copy.problem
        if origin is None:
            return f"event {copy.id} was never produced"
        if copy.digest == (origin.digest if place == ARCHIVE else origin.delivered_digest):
            return None
        if copy.time != origin.time:
            return f"`{self._time}` is {copy.time!r}, the event's time is {origin.time!r}"
        if self._type != "type" and copy.type != origin.type:
            return f"`{self._type}` is {copy.type!r}, the event's type is {origin.type!r}"
        in_kafka = f"partition {origin.partition}, offset {origin.offset}"
        return f"event {copy.id} differs from the one in Kafka ({in_kafka})"


def as_archived(pipeline: Pipeline, event: Mapping[str, Any]) -> dict[str, Any]:
    """An event of Kafka as the sink writes it, in format json."""
    renamed = {pipeline.renames.get(name, name): value for name, value in event.items()}
    return flattened(renamed) if pipeline.flatten else renamed


def is_data(pipeline: Pipeline, key: str) -> bool:
    """Whether the connector wrote this object: no sentinel, nothing foreign."""
    prefix = layout.topic_prefix(pipeline.topics_dir, pipeline.topic)
    return key.startswith(prefix) and layout.parse_data_key(key) is not None


def is_original(pipeline: Pipeline, key: str) -> bool:
    """Whether the connector of the originals wrote this object."""
    prefix = layout.topic_prefix(layout.ORIGINALS, pipeline.topic)
    return pipeline.originals and key.startswith(prefix) and layout.parse_data_key(key) is not None


def _misplaced(key: layout.DataKey, origin: _Origin, number: int, last: int) -> str | None:
    """A file holds ascending offsets of one partition, and its name the first of them."""
    if origin.partition != key.partition:
        return f"holds an event of partition {origin.partition}"
    if number == 1 and origin.offset != key.start_offset:
        return f"starts with offset {origin.offset}"
    if origin.offset <= last:
        return f"holds offset {origin.offset} after offset {last}"
    return None


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() else value


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


_DECODER = json.JSONDecoder(parse_float=_number, parse_constant=_refuse_constant)


def _parse(value: bytes | str | None) -> dict[str, Any] | None:
    """A JSON object with numbers in one form; None for anything else."""
    if value is None:
        return None
    try:
        parsed = _DECODER.decode(value if isinstance(value, str) else value.decode())
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _digest(event: dict[str, Any]) -> int:
    canonical = json.dumps(event, sort_keys=True, separators=(",", ":"))
    return int.from_bytes(blake2b(canonical.encode(), digest_size=8).digest())


def _interned(value: object) -> object:
    """The same text of three places stands in memory once."""
    return sys.intern(value) if isinstance(value, str) else value
