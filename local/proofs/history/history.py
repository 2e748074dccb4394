"""The history of each event: its record in Kafka, and its copies in the bucket and in Logz.io.

Values are compared after parsing, never as bytes: the connector writes JSON anew, with another order of keys
and other forms of the same number (1e3 becomes 1000.0).
"""

import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

from components.archive import layout
from components.logzio import facts as logzio_facts
from components.worker.fields import flattened
from local.base import objects
from local.proofs.history.originals import Originals
from local.proofs.history.places import DeliveredLine, Record, StoredObject
from local.systems.kafka import client


@dataclass(frozen=True)
class Pipeline:
    """What happens to the events on their way."""

    topic: str = client.TOPIC
    topics_dir: str = "topics"
    renames: Mapping[str, str] = field(default_factory=lambda: {"time": "@timestamp", "type": "event_type"})
    flatten: bool = True
    log_type: str = "confluent_audit"
    originals: bool = True

    @property
    def time_field(self) -> str:
        """The archived name of the event's `time`."""
        return self.renames.get("time", "time")

    @property
    def type_field(self) -> str:
        """The archived name of the event's `type`."""
        return self.renames.get("type", "type")


PIPELINE = Pipeline()
"""As the local stack is set up."""


class Origin(NamedTuple):
    """An event's first record in Kafka; digests of the values that its copies must have.

    `at`: when it was produced, in seconds since the epoch; `time` is the event's own.
    """

    partition: int
    offset: int
    at: float
    digest: int
    delivered_digest: int
    time: object
    type: object


class Copy(NamedTuple):
    """A line in the bucket or in Logz.io.

    Attributes:
        id: of the event; None if the line has none.
        problem: what is wrong with the line, whatever Kafka holds.
        not_indexed: why Logz.io could not index it by its fields.
    """

    id: str | None
    digest: int
    time: object
    type: object
    problem: str | None = None
    not_indexed: str | None = None


class DataObject(NamedTuple):
    """An object that Logz.io reads; `modified` in seconds since the epoch."""

    etag: str
    modified: float
    copies: list[Copy]


class Delivered(NamedTuple):
    """A copy in Logz.io, and the object's key and line that it came from."""

    key: str
    line: int
    copy: Copy


class History:
    """Takes in what each place holds, in any order.

    Attributes:
        origins: by event id.
        produced_again: how many further records each event has.
        unreadable_in_kafka: records that are not a JSON object with an id.
        objects: the objects that Logz.io reads, by key.
        other_keys: of objects that the connectors did not write.
        first_delivered_at: seconds since the epoch; None before the first row.
        archived, shown: copies of each event id in the bucket and, in any form, in Logz.io; whatever their values.
        indexed_at: when Logz.io first had each event id with its fields indexed, in seconds since the epoch.
    """

    def __init__(self, pipeline: Pipeline = PIPELINE) -> None:
        self.pipeline = pipeline
        self.origins: dict[str, Origin] = {}
        self.produced_again: Counter[str] = Counter()
        self.unreadable_in_kafka = 0
        self.objects: dict[str, DataObject] = {}
        self.originals = Originals()
        self.other_keys: set[str] = set()
        self.delivered: list[Delivered] = []
        self.first_delivered_at: float | None = None
        self.archived: Counter[str] = Counter()
        self.shown: Counter[str] = Counter()
        self.indexed_at: dict[str, float] = {}

    def add_record(self, record: Record) -> None:
        """A record of the topic, each offset once."""
        if self.pipeline.originals:
            self.originals.add_record(record.partition, record.offset, record.value)
        event = _parse(record.value)
        if event is None or not isinstance(event.get("id"), str):
            self.unreadable_in_kafka += 1
            return
        if event["id"] in self.origins:
            self.produced_again[event["id"]] += 1
            return
        archived = as_archived(self.pipeline, event)
        delivered = self._as_indexed(archived)
        digest = _digest(archived)
        self.origins[sys.intern(event["id"])] = Origin(
            record.partition,
            record.offset,
            record.at,
            digest,
            digest if delivered == archived else _digest(delivered),
            _interned(event.get("time")),
            _interned(event.get("type")),
        )

    def has_object(self, listed: StoredObject) -> bool:
        """Whether this very content was taken in already, or is not a data object at all."""
        if is_original(self.pipeline, listed.key):
            return self.originals.has_object(listed.key, listed.etag)
        if not is_data(self.pipeline, listed.key):
            self.other_keys.add(listed.key)
            return True
        known = self.objects.get(listed.key)
        return known is not None and known.etag == listed.etag

    def put_object(self, listed: StoredObject, body: bytes) -> None:
        """The content of a data object; it replaces earlier content under the same key."""
        if is_original(self.pipeline, listed.key):
            self.originals.put_object(listed, body)
            return
        if (former := self.objects.get(listed.key)) is not None:
            self.archived.subtract(_ids(former.copies))
        copies = self._archived_copies(listed.key, body)
        self.archived.update(_ids(copies))
        self.objects[listed.key] = DataObject(listed.etag, listed.modified, copies)

    def add_delivered(self, row: DeliveredLine) -> None:
        """An event as Logz.io indexed it."""
        copy = self._delivered_copy(row.event)
        self.delivered.append(Delivered(sys.intern(row.key), row.line, copy))
        if copy.id is not None:
            self.shown[copy.id] += 1
            if copy.not_indexed is None:
                self.indexed_at.setdefault(copy.id, row.received_at)
        if self.first_delivered_at is None or row.received_at < self.first_delivered_at:
            self.first_delivered_at = row.received_at

    def _archived_copies(self, key: str, body: bytes) -> list[Copy]:
        try:
            return [self._archived_copy(line) for line in objects.lines(key, body)]
        except objects.UnreadableError as error:
            return [Copy(None, 0, None, None, f"cannot be unpacked: {error}")]

    def _archived_copy(self, line: bytes) -> Copy:
        event = _parse(line)
        if event is None:
            return Copy(None, 0, None, None, "is not a JSON object")
        return self._copy(event, _digest(event))

    def _delivered_copy(self, text: str) -> Copy:
        event = _parse(text)
        if event is None:
            return Copy(None, 0, None, None, "is not a JSON object")
        if (reason := logzio_facts.failure(event)) is not None:
            event_id = event.get("id")
            return Copy(event_id if isinstance(event_id, str) else None, 0, None, None, not_indexed=reason)
        log_type, problem = event.get("type"), None
        if log_type != self.pipeline.log_type:
            problem = f"`type` is {log_type!r}, not the log type {self.pipeline.log_type!r}"
        return self._copy(event, _digest(self._as_indexed(event)), problem)

    def _copy(self, event: dict[str, Any], digest: int, problem: str | None = None) -> Copy:
        event_id = event.get("id")
        if not isinstance(event_id, str):
            return Copy(None, 0, None, None, "has no id")
        at, kind = event.get(self.pipeline.time_field), event.get(self.pipeline.type_field)
        return Copy(sys.intern(event_id), digest, _interned(at), _interned(kind), problem)

    def _as_indexed(self, event: dict[str, Any]) -> dict[str, Any]:
        """What of an event can be compared after Logz.io indexed it.

        Logz.io puts the log type into `type` and, where the event has none, the time of arrival into
        `@timestamp`; with the setting for it, also the object's key.
        """
        arrival = {"@timestamp"} if self.pipeline.time_field != "@timestamp" else set[str]()
        added = {"type", "s3_object_key"} | arrival
        return {name: value for name, value in event.items() if name not in added}


def as_archived(pipeline: Pipeline, event: Mapping[str, Any]) -> dict[str, Any]:
    """An event of Kafka as the sink writes it, in format json."""
    renamed = {pipeline.renames.get(name, name): value for name, value in event.items()}
    return flattened(renamed) if pipeline.flatten else renamed


def is_data(pipeline: Pipeline, key: str) -> bool:
    """Whether the connector wrote this object: neither a sentinel nor anything foreign."""
    prefix = layout.topic_prefix(pipeline.topics_dir, pipeline.topic)
    return key.startswith(prefix) and layout.parse_data_key(key) is not None


def is_original(pipeline: Pipeline, key: str) -> bool:
    """Whether the connector of the originals wrote this object."""
    prefix = layout.topic_prefix(layout.ORIGINALS, pipeline.topic)
    return pipeline.originals and key.startswith(prefix) and layout.parse_data_key(key) is not None


def _ids(copies: list[Copy]) -> list[str]:
    return [copy.id for copy in copies if copy.id is not None]


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
    """Memory holds a text of three places once."""
    return sys.intern(value) if isinstance(value, str) else value
