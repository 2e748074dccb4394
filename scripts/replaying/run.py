"""Reads archived events, asks Logz.io which of them it has, and sends the others."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from itertools import islice
from typing import Protocol

from components.archive import layout
from components.logzio.facts import MAX_AGGREGATED, MAX_LINE_BYTES, event_time
from components.logzio.listener import Receipt
from scripts.replaying.batches import Batch
from scripts.replaying.form import Form, line
from scripts.replaying.progress import Progress
from scripts.replaying.selection import Selection
from scripts.verification.bucket import Bucket
from scripts.verification.chains import Chain
from scripts.verification.events import EventRef, parsed
from scripts.verification.model import StoredObject


class Sends(Protocol):
    """The listener, as far as it is needed here."""

    def send(self, lines: Sequence[bytes]) -> Receipt:
        """Sends lines without their ends."""


class QuotaError(RuntimeError):
    """The plan's daily quota would be used up."""


@dataclass
class Counts:
    """What a run came to. `bytes`: of the events that were sent, or would be."""

    objects: int = 0
    events: int = 0
    present: int = 0
    twice: int = 0
    without_id: int = 0
    oversized: int = 0
    unreadable: int = 0
    sent: int = 0
    refused: int = 0
    bytes: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    named: list[str] = field(default_factory=list)
    """Objects with events that cannot be sent, the first of them."""

    @property
    def left(self) -> int:
        """Chosen events that Logz.io does not get."""
        return self.without_id + self.oversized + self.unreadable + self.refused


@dataclass(frozen=True)
class _Item:
    """A line of an object. `body`: what is sent at most; empty if it cannot be, or is not chosen.

    `at`: the event's time. `reference`: None for an event without an id.
    """

    key: str
    number: int
    at: datetime
    reference: EventRef | None = None
    body: bytes = b""


@dataclass
class Replay:
    """One run.

    Attributes:
        found: which of these events Logz.io has.
        listener: None to count only.
        again: sends also what Logz.io has.
        most_bytes: the most that may be sent.
    """

    bucket: Bucket
    selection: Selection
    form: Form
    found: Callable[[Iterable[EventRef]], set[str]]
    listener: Sends | None
    progress: Progress
    again: bool = False
    most_bytes: float | None = None
    say: Callable[[str], None] = lambda _: None
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        self._batch = Batch()
        self._reached: dict[str, int] = {}
        self._sent: set[bytes] = set()

    def run(self, objects: Iterable[StoredObject]) -> Counts:
        """Goes through the objects.

        Raises:
            LogzioError, QuotaError, botocore.exceptions.ClientError: it ended before its time; the next run goes on.
        """
        items = self._items(objects)
        while chunk := list(islice(items, MAX_AGGREGATED)):
            self._take(chunk)
        self._flush()
        if self.listener is not None:
            self.progress.finish()
        return self.counts

    def _items(self, objects: Iterable[StoredObject]) -> Iterator[_Item]:
        for one in objects:
            lines = self.bucket.lines(one.key)
            self.counts.objects += 1
            begin = self.progress.lines(one.key)
            for number, text in enumerate(lines[begin:], begin + 1):
                yield self._item(one, number, text)

    def _item(self, one: StoredObject, number: int, text: bytes) -> _Item:
        """A line as it is sent; counts why it is not."""
        event = parsed(text)
        if event is None:
            self._count_left("unreadable", one.key)
            return _Item(one.key, number, one.modified)
        shaped = self.form.apply(event, one.key)
        # An event without a readable time is indexed by when it arrives.
        item = _Item(one.key, number, event_time(shaped.get(self.form.time_field)) or one.modified)
        if not self.selection.holds(item.at):
            return item
        self.counts.events += 1
        body, found = line(shaped), shaped.get(self.form.id_field)
        has_id = isinstance(found, str) and bool(found)
        if len(body) > MAX_LINE_BYTES:
            self._count_left("oversized", one.key)
        elif not has_id and self.selection.is_unread:
            # Nobody can tell whether Logz.io has it, and each run would send it once more.
            self._count_left("without_id", one.key)
        else:
            reference = EventRef(str(found), item.at) if has_id else None
            return replace(item, reference=reference, body=body)
        return item

    def _count_left(self, why: str, key: str) -> None:
        setattr(self.counts, why, getattr(self.counts, why) + 1)
        if key not in self.counts.named and len(self.counts.named) < 5:
            self.counts.named.append(key)

    def _take(self, chunk: Sequence[_Item]) -> None:
        asked = [one.reference for one in chunk if one.reference is not None]
        present = set() if self.again else self.found(asked)
        for one in chunk:
            if one.body and not self._is_known(one.reference, present):
                self._send(one)
            self._reached[one.key] = one.number
        self.say(
            f"{self.counts.objects:,} objects, {self.counts.events:,} events, {self.counts.present:,} there already, "
            f"{self.counts.sent:,} sent"
        )

    def _is_known(self, reference: EventRef | None, present: set[str]) -> bool:
        if reference is None:
            return False
        if reference.id in present:
            self.counts.present += 1
            return True
        # An event may be archived twice; eight bytes tell ids apart, and millions of them fit into memory.
        digest = blake2b(reference.id.encode(), digest_size=8).digest()
        if digest in self._sent:
            self.counts.twice += 1
            return True
        self._sent.add(digest)
        return False

    def _send(self, item: _Item) -> None:
        if not self._batch.has_room(item.body):
            self._flush()
        if self.most_bytes is not None and self.counts.bytes + len(item.body) > self.most_bytes:
            self._flush()
            raise QuotaError(
                f"{self.counts.sent:,} events were sent; more would use up the plan's daily quota"
            )
        self._batch.add(item.body)
        self.counts.bytes += len(item.body)
        self.counts.oldest = min(self.counts.oldest or item.at, item.at)
        self.counts.newest = max(self.counts.newest or item.at, item.at)

    def _flush(self) -> None:
        """Sends what is collected; what was gone through before it is done then."""
        if self._batch.lines:
            receipt = Receipt(len(self._batch.lines))
            if self.listener is not None:
                receipt = self.listener.send(self._batch.lines)
            self.counts.sent += receipt.taken
            self.counts.refused += receipt.refused
            self._batch = Batch()
        if self.listener is not None:
            self.progress.mark(self._reached)
        self._reached = {}


def objects_of(
    bucket: Bucket, chain: Chain, partitions: Iterable[tuple[str, int]], selection: Selection
) -> Iterator[StoredObject]:
    """The objects that may hold a chosen event, partition after partition, in key order."""
    if selection.keys:
        yield from (bucket.head(key) for key in selection.keys)
        return
    for partition in partitions:
        for one in bucket.objects(chain.prefix(*partition)):
            if layout.parse_data_key(one.key) is not None and selection.may_hold(one):
                yield one
