"""Who is where: the copies of each event in the bucket and in Logz.io, and what one fault added to them.

An event stands in the bucket once Logz.io can read it there and its original is kept.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from components.logzio import facts as logzio_facts
from local.base import objects
from local.proofs.checker.comparison import PIPELINE, is_data, is_original
from local.proofs.checker.places import Bucket, DeliveredStore


class Ledger:
    """Counts the copies of every event id in both places. Values are compared elsewhere (`demo.comparison`)."""

    def __init__(self) -> None:
        self._archived: Counter[str] = Counter()
        self._originals: set[str] = set()
        self._delivered: Counter[str] = Counter()
        self._shown: set[str] = set()

    def add_object(self, key: str, body: bytes) -> None:
        """The content of a data object."""
        self._archived.update(_ids(lines_of(key, body)))

    def add_original(self, key: str, body: bytes) -> None:
        """The content of an object of originals. Several copies of one are of no interest: nobody indexes them."""
        self._originals.update(_ids(lines_of(key, body)))

    def add_delivered(self, line: str) -> None:
        """An event as Logz.io shows it. One that it could not index by its fields is not delivered."""
        ids = list(_ids([line]))
        self._shown.update(ids)
        self._delivered.update(ids if logzio_facts.failure(json.loads(line)) is None else [])

    def unarchived(self, ids: Iterable[str]) -> set[str]:
        """Those that the bucket does not have."""
        return {id_ for id_ in ids if id_ not in self._archived}

    def undelivered(self, ids: Iterable[str]) -> set[str]:
        """Those that Logz.io has not indexed."""
        return {id_ for id_ in ids if id_ not in self._delivered}

    def unshown(self, ids: Iterable[str]) -> set[str]:
        """Those that Logz.io does not have in any form."""
        return {id_ for id_ in ids if id_ not in self._shown}

    def unkept(self, ids: Iterable[str]) -> set[str]:
        """Those that have no original."""
        return {id_ for id_ in ids if id_ not in self._originals}

    def absent(self, ids: Collection[str]) -> set[str]:
        """Those that are missing from the bucket, its originals included, or that Logz.io has not indexed."""
        return self.unarchived(ids) | self.unkept(ids) | self.undelivered(ids)

    def duplicates(self) -> int:
        """Copies beyond the first of each event, in the place that has more of it."""
        places = (self._archived, self._delivered)
        several = {one for place in places for one, count in place.items() if count > 1}
        return sum(max(place[one] for place in places) - 1 for one in several)


@dataclass(frozen=True)
class Account:
    """What one row added: events that each place does not have, and copies too many of any event."""

    lost_in_bucket: int
    lost_in_logzio: int
    duplicates: int


class Books:
    """Closes the ledger's account after each fault: each loss and each duplicate is counted in one row."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lost_in_bucket: set[str] = set()
        self._lost_in_logzio: set[str] = set()
        self._duplicates = ledger.duplicates()

    @property
    def lost(self) -> set[str]:
        """All that earlier rows lost, in either place."""
        return self._lost_in_bucket | self._lost_in_logzio

    def close(self, ids: Collection[str]) -> Account:
        """Of these events: how many each place newly lacks; and how many copies too many are new, of any event."""
        in_bucket = (self._ledger.unarchived(ids) | self._ledger.unkept(ids)) - self._lost_in_bucket
        in_logzio = self._ledger.undelivered(ids) - self._lost_in_logzio
        self._lost_in_bucket |= in_bucket
        self._lost_in_logzio |= in_logzio
        before, self._duplicates = self._duplicates, self._ledger.duplicates()
        return Account(len(in_bucket), len(in_logzio), self._duplicates - before)


class Reader:
    """Brings a ledger up to date from the local stack."""

    def __init__(self, bucket: Bucket, delivered: DeliveredStore, ledger: Ledger) -> None:
        self._ledger = ledger
        self._bucket = bucket
        self._store = delivered
        self._read: set[str] = set()

    def read_delivered(self) -> None:
        """What Logz.io indexed since the last call; cheap."""
        for row in self._store.new_rows():
            self._ledger.add_delivered(row.event)

    def read_bucket(self) -> None:
        """The objects that are new since the last call. None is ever written anew (conditional writes)."""
        for listed in self._bucket.listing():
            if listed.key in self._read:
                continue
            if is_data(PIPELINE, listed.key):
                self._ledger.add_object(listed.key, self._bucket.read(listed.key))
            elif is_original(PIPELINE, listed.key):
                self._ledger.add_original(listed.key, self._bucket.read(listed.key))
            self._read.add(listed.key)


def lines_of(key: str, body: bytes) -> list[bytes]:
    """The lines of an object that are not empty; none of one that cannot be unpacked: it holds no event."""
    try:
        return [line for line in objects.lines(key, body) if line]
    except objects.UnreadableError:
        return []


def _ids(lines: Iterable[bytes | str]) -> Iterator[str]:
    for line in lines:
        event = objects.json_object(line)
        if event is not None and isinstance(event.get("id"), str):
            yield event["id"]
