"""Which objects a reader in key order cannot have read (pure).

Logz.io reads a prefix in alphabetical order and never looks back, so an object is unread if it came after one that
sorts later. S3 tells when an object's upload began, in whole seconds: what is equal is taken for right.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from components.archive import layout
from components.logzio.facts import MAX_OBJECT_BYTES
from scripts.verification.model import StoredObject, Why


@dataclass
class Prefix:
    """What a listing of one prefix came to. Objects older than `since` are only remembered as ones that were read.

    Attributes:
        objects: data objects since then, in key order.
        newest: the data object that sorts last, however old it is.
        suspects: those that cannot have been read, and why.
        foreign: objects that the connector did not write and that sort after one that it did.
    """

    objects: list[StoredObject] = field(default_factory=list)
    newest: StoredObject | None = None
    suspects: dict[str, Why] = field(default_factory=dict)
    foreign: list[str] = field(default_factory=list)

    @property
    def plain(self) -> list[StoredObject]:
        """The objects that can have been read."""
        return [stored for stored in self.objects if stored.key not in self.suspects]


def read_listing(
    listed: Iterable[StoredObject], *, since: datetime, created_at: datetime | None, registered: bool = True
) -> Prefix:
    """Takes a listing in key order.

    Args:
        created_at: when the prefix was registered; None if nobody knows.
        registered: whether anything reads the prefix at all.
    """
    found = Prefix()
    out_of_order: set[str] = set()
    # Ascending by time: whatever sorts later and is older takes away those that came after it.
    waiting: list[StoredObject] = []
    for one in listed:
        while waiting and waiting[-1].modified > one.modified:
            out_of_order.add(waiting.pop().key)
        if layout.parse_data_key(one.key) is None:
            if found.newest is not None:
                found.foreign.append(one.key)
            continue
        found.newest = one
        if one.modified >= since:
            found.objects.append(one)
            waiting.append(one)
    for one in found.objects:
        why = _own_reason(one, created_at, registered=registered)
        if why is None and one.key in out_of_order:
            why = Why.ORDER
        if why is not None:
            found.suspects[one.key] = why
    return found


def _own_reason(one: StoredObject, created_at: datetime | None, *, registered: bool) -> Why | None:
    if not registered:
        return Why.PREFIX
    if created_at is not None and one.modified < created_at:
        return Why.BEFORE
    return Why.SIZE if one.size > MAX_OBJECT_BYTES else None


def spread(objects: Sequence[StoredObject], most: int) -> list[StoredObject]:
    """At most so many of them, evenly spread, the last one among them."""
    if len(objects) <= most:
        return list(objects)
    step = len(objects) / most
    return [objects[len(objects) - 1 - int(number * step)] for number in reversed(range(most))]


def nearest(objects: Iterable[StoredObject], committed: int) -> list[StoredObject]:
    """The objects that may hold the record before this offset, the most likely one first.

    A name has the first offset of its object, or one that follows it (after a rewind).
    """
    starts = [
        (key.start_offset, stored)
        for stored in objects
        if (key := layout.parse_data_key(stored.key)) is not None
    ]
    before = sorted((pair for pair in starts if pair[0] <= committed), key=lambda pair: pair[0], reverse=True)
    return [one for _, one in before]
