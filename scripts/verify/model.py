"""What was seen of a stack, and what it means."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from scripts.verify.chains import Chain


@dataclass(frozen=True)
class StoredObject:
    """An entry of the bucket's listing."""

    key: str
    size: int
    modified: datetime


@dataclass(frozen=True)
class Record:
    """What is kept of a record that was read from Kafka: when it was produced, and its id if it has one."""

    at: datetime
    id: str | None


@dataclass(frozen=True)
class Position:
    """Where a partition stands in Kafka. `start` and `end`: the offsets that Kafka holds, `end` not included.

    Attributes:
        committed: the next offset that the consumer group reads; None before its first commit.
        last: the record before that, if Kafka still has it and it can be archived.
        waiting: the first record from there on that can be archived; None if there is none.
    """

    start: int
    end: int
    committed: int | None
    last: Record | None = None
    waiting: Record | None = None

    @property
    def lag(self) -> int:
        """Offsets that are not committed. Some hold no event: marks of transactions, records that are skipped."""
        return max(0, self.end - max(self.committed or 0, self.start))

    @property
    def expired(self) -> int:
        """Offsets that Kafka deleted before the group read them."""
        return 0 if self.committed is None else max(0, self.start - self.committed)


class UnreadReason(StrEnum):
    """Why Logz.io cannot have read an object, or that it has not."""

    ORDER = "written after an object that sorts later"
    BEFORE = "older than their registration"
    PREFIX = "in a folder that no registration reads"
    SIZE = "larger than Logz.io fetches"
    GAP = "passed over, as later ones were read"


@dataclass(frozen=True)
class Unread:
    """An object that Logz.io has not read. `missing` of its `events` are found nowhere in Logz.io."""

    key: str
    why: UnreadReason
    modified: datetime
    events: int
    missing: int


@dataclass(frozen=True)
class SampledObject:
    """An object whose last event was looked for; `found` is None if that event has no id."""

    key: str
    modified: datetime
    last: str | None
    last_at: datetime | None
    found: bool | None


@dataclass(frozen=True)
class PartitionReport:
    """A partition's way through the chain.

    Attributes:
        position: None if Kafka could not be asked, or for a folder that belongs to no configured partition.
        objects: objects of the days that were looked at.
        newest: the object that sorts last.
        behind: how many objects came after the last one that was found in Logz.io.
        behind_since: when the first of these was written.
        sampled: how many objects were looked for.
        unread: objects that cannot have been read, or were not, with their events.
        not_examined: further ones whose events were not looked for.
        foreign: objects of somebody else that sort after a data object: Logz.io reads on after them.
        last_committed_is_archived: whether the last committed event is in the bucket; None if that cannot be told.
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
    """How a registration is."""

    FINE = "fine"
    MISSING = "missing"
    INACTIVE = "inactive"
    CHANGED = "changed"
    DOUBLE = "twice"


@dataclass(frozen=True)
class RegistrationReport:
    """The registration of a partition's folder; `created_at` is None if nobody noted it."""

    prefix: str
    state: RegistrationState
    id: int | None = None
    created_at: datetime | None = None
    difference: str = ""


@dataclass(frozen=True)
class IndexReport:
    """Events that Logz.io could not index or had to cut, of the days looked at.

    `total` is of the whole account; of those that were `seen`, `ours` come from an audit log. `reasons` and `ids` are of
    some of these.
    """

    total: int
    seen: int
    ours: int
    reasons: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChainReport:
    """One connector's way."""

    chain: Chain
    partitions: tuple[PartitionReport, ...]
    unknown_partitions: tuple[tuple[str, int], ...] = ()
    """Partitions that Kafka has and the settings do not."""


@dataclass(frozen=True)
class Report:
    """All that was seen. `not_seen`: what could not be looked at -> why."""

    stack: str
    at: datetime
    days: float
    chains: tuple[ChainReport, ...]
    registrations: tuple[RegistrationReport, ...] = ()
    index: IndexReport | None = None
    not_seen: dict[str, str] = field(default_factory=dict)


class Level(StrEnum):
    """How bad a finding is."""

    BROKEN = "broken"
    UNKNOWN = "not seen"
    WAITING = "on its way"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """Where the chain is broken, in a sentence, and the page that mends it (`section`)."""

    hop: str
    level: Level
    text: str
    section: str = ""
