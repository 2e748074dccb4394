"""Which objects a reader in key order cannot have read (pure).

Logz.io reads a prefix in alphabetical order and never goes back, so an object is unread if it was written after an
object that sorts later. S3 gives the time at which an object's upload began, in whole seconds; equal times count as in
order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from components.archive import layout
from components.logzio.facts import MAX_OBJECT_BYTES
from scripts.verify.model import StoredObject, UnreadReason


@dataclass
class Listing:
    """The objects of one prefix. Objects older than `since` count as read, and are not in it.

    Attributes:
        objects: data objects since then, in key order.
        newest: the data object that sorts last, however old it is.
        suspects: key of each object that cannot have been read -> why.
        foreign: keys of objects that the connector did not write and that sort after one that it wrote.
    """

    objects: list[StoredObject] = field(default_factory=list)
    newest: StoredObject | None = None
    suspects: dict[str, UnreadReason] = field(default_factory=dict)
    foreign: list[str] = field(default_factory=list)

    @property
    def plain(self) -> list[StoredObject]:
        """The objects that can have been read."""
        return [stored for stored in self.objects if stored.key not in self.suspects]


def read_listing(
    listed: Iterable[StoredObject], *, since: datetime, created_at: datetime | None, registered: bool = True
) -> Listing:
    """Reads a listing, which must be in key order.

    Args:
        created_at: when the prefix was registered; None if unknown.
        registered: whether any registration reads the prefix.
    """
    found = Listing()
    out_of_order: set[str] = set()
    # A stack in ascending order of time: an object that sorts later but is older removes those written after it.
    in_order: list[StoredObject] = []
    for stored in listed:
        while in_order and in_order[-1].modified > stored.modified:
            out_of_order.add(in_order.pop().key)
        if layout.parse_data_key(stored.key) is None:
            if found.newest is not None:
                found.foreign.append(stored.key)
            continue
        found.newest = stored
        if stored.modified >= since:
            found.objects.append(stored)
            in_order.append(stored)
    for stored in found.objects:
        why = _own_reason(stored, created_at, registered=registered)
        if why is None and stored.key in out_of_order:
            why = UnreadReason.ORDER
        if why is not None:
            found.suspects[stored.key] = why
    return found


def _own_reason(
    stored: StoredObject, created_at: datetime | None, *, registered: bool
) -> UnreadReason | None:
    if not registered:
        return UnreadReason.PREFIX
    if created_at is not None and stored.modified < created_at:
        return UnreadReason.BEFORE
    return UnreadReason.SIZE if stored.size > MAX_OBJECT_BYTES else None


def spread(objects: Sequence[StoredObject], most: int) -> list[StoredObject]:
    """At most `most` of the objects, evenly spread, with the last one."""
    if len(objects) <= most:
        return list(objects)
    step = len(objects) / most
    return [objects[len(objects) - 1 - int(number * step)] for number in reversed(range(most))]


def nearest(objects: Iterable[StoredObject], committed: int) -> list[StoredObject]:
    """The objects that may hold the record before this offset, the most likely object first.

    A key has the first offset of its object, or a later one (after a rewind).
    """
    starts = [
        (key.start_offset, stored)
        for stored in objects
        if (key := layout.parse_data_key(stored.key)) is not None
    ]
    before = sorted((pair for pair in starts if pair[0] <= committed), key=lambda pair: pair[0], reverse=True)
    return [stored for _, stored in before]
