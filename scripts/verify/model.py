"""The report on a stack and the findings from it. The names of the fields are the keys of `--json`."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from scripts.verify.chains import Chain


@dataclass(frozen=True)
class StoredObject:
    """An object in the bucket's listing. `size` in bytes."""

    key: str
    size: int
    modified: datetime


@dataclass(frozen=True)
class Record:
    """A record in Kafka: the time at which it was produced, and its event's id if it has one."""

    at: datetime
    id: str | None


@dataclass(frozen=True)
class Position:
    """The consumer group's position in a partition.

    Attributes:
        start, end: the offsets that Kafka has, `end` not included.
        committed: the next offset that the consumer group reads; None before its first commit.
        last: the record before `committed`, if Kafka still has it and it can be archived.
        waiting: the first record from `committed` on that can be archived; None if there is none.
    """

    start: int
    end: int
    committed: int | None
    last: Record | None = None
    waiting: Record | None = None

    @property
    def lag(self) -> int:
        """Offsets that are not committed. Some have no event: transaction markers, records that are skipped."""
        return max(0, self.end - max(self.committed or 0, self.start))

    @property
    def expired(self) -> int:
        """Offsets that Kafka deleted before the group read them."""
        return 0 if self.committed is None else max(0, self.start - self.committed)


class UnreadReason(StrEnum):
    """Why an object is unread: the reason why Logz.io cannot have read it, or that later objects were read (GAP)."""

    ORDER = "written after an object that sorts later"
    BEFORE = "older than their registration"
    PREFIX = "in a folder that no registration reads"
    SIZE = "larger than Logz.io fetches"
    GAP = "passed over, as later ones were read"


@dataclass(frozen=True)
class Unread:
    """An object that Logz.io has not read. `missing`: how many of its `events` are not in Logz.io."""

    key: str
    why: UnreadReason
    modified: datetime
    events: int
    missing: int


@dataclass(frozen=True)
class SampledObject:
    """An object whose last event was searched in Logz.io; `found` is None if that event has no id."""

    key: str
    modified: datetime
    last: str | None
    last_at: datetime | None
    found: bool | None


@dataclass(frozen=True)
class PartitionReport:
    """The events of one partition in Kafka, the bucket and Logz.io.

    Attributes:
        position: None if Kafka did not answer, or for a folder that belongs to no configured partition.
        objects: number of objects in the days that were checked.
        newest: the object that sorts last.
        behind: number of objects after the last one that was found in Logz.io.
        behind_since: when the first of these was written.
        sampled: number of objects whose last event was searched.
        unread: objects that Logz.io cannot have read or has not read.
        not_examined: number of further such objects, whose events were not searched.
        foreign: objects that the connector did not write and that sort after a data object; Logz.io reads on after them.
        last_committed_is_archived: whether the last committed event is in the bucket; None if that is unknown.
    """

    topic: str
    partition: int
    position: Position | None = None
    objects: int = 0
    newest: SampledObject | None = None
    behind: int = 0
    behind_since: datetime | None = None
    sampled: int = 0
    unread: tuple[Unread, ...] = ()
    not_examined: int = 0
    foreign: tuple[str, ...] = ()
    last_committed_is_archived: bool | None = None


class RegistrationState(StrEnum):
    """The state of a registration."""

    FINE = "fine"
    MISSING = "missing"
    INACTIVE = "inactive"
    CHANGED = "changed"
    DOUBLE = "twice"


@dataclass(frozen=True)
class RegistrationReport:
    """The registration of a partition's folder; `created_at` is None if it was not recorded."""

    prefix: str
    state: RegistrationState
    id: int | None = None
    created_at: datetime | None = None
    difference: str = ""


@dataclass(frozen=True)
class IndexReport:
    """Events that Logz.io could not index or had to truncate, in the days that were checked.

    Attributes:
        total: number in the whole account.
        seen: number of those that Logz.io listed.
        ours: number of listed events that come from an audit log.
        reasons, ids: the most frequent reasons, and the first ids, among `ours`.
    """

    total: int
    seen: int
    ours: int
    reasons: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChainReport:
    """The report on one connector."""

    chain: Chain
    partitions: tuple[PartitionReport, ...]
    unknown_partitions: tuple[tuple[str, int], ...] = ()
    """Partitions that Kafka has and the settings do not."""


@dataclass(frozen=True)
class Report:
    """The whole report. `not_seen`: part that could not be checked -> why."""

    stack: str
    at: datetime
    days: float
    chains: tuple[ChainReport, ...]
    registrations: tuple[RegistrationReport, ...] = ()
    index: IndexReport | None = None
    not_seen: dict[str, str] = field(default_factory=dict)


class Level(StrEnum):
    """Severity of a finding."""

    BROKEN = "broken"
    UNKNOWN = "not seen"
    WAITING = "on its way"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """A problem with the chain in one sentence, and the section of the docs that tells how to repair it."""

    hop: str
    level: Level
    text: str
    section: str = ""
