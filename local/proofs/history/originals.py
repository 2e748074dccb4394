"""Compares the originals in the bucket with Kafka's records, byte for byte, whatever they are.

An object is the bytes of consecutive records from the offset in its name on, a line break after each; a null leaves
none. Kafka's records say where each one ends, also where it holds line breaks of its own.
"""

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from components.archive import layout
from local.base import objects
from local.proofs.history.places import StoredObject

SEPARATOR = b"\n"


class _Value(NamedTuple):
    length: int
    digest: bytes


@dataclass
class _Partition:
    """`offsets`: ascending, of the records that have bytes; `kept`: since when an object has them (epoch seconds)."""

    offsets: list[int] = field(default_factory=list)
    values: list[_Value] = field(default_factory=list)
    kept: dict[int, float] = field(default_factory=dict)


@dataclass
class _Object:
    """Read up to byte `read`; the record at `next_offset`, or a later one, comes next."""

    etag: str
    modified: float
    start_offset: int
    next_offset: int
    body: bytes = b""
    read: int = 0
    wrong: str | None = None


class Originals:
    """Takes in records, ascending in each partition, and objects, in any order."""

    def __init__(self) -> None:
        self._partitions: defaultdict[int, _Partition] = defaultdict(_Partition)
        self._objects: dict[str, _Object] = {}
        self._unread: list[tuple[_Object, _Partition]] = []

    def add_record(self, partition: int, offset: int, value: bytes | None) -> None:
        """A record of the topic, each offset once."""
        if value is not None:
            known = self._partitions[partition]
            known.offsets.append(offset)
            known.values.append(_value(value))

    def has_object(self, name: str, etag: str) -> bool:
        """Whether this very content was taken in already."""
        known = self._objects.get(name)
        return known is not None and known.etag == etag

    def put_object(self, listed: StoredObject, body: bytes) -> None:
        """The content of an object; the connector never writes one anew."""
        name = listed.key
        key = layout.parse_data_key(name)
        assert key is not None  # noqa: S101 -- only data objects are taken in
        taken = _Object(listed.etag, listed.modified, key.start_offset, key.start_offset)
        if name in self._objects:
            taken.wrong = "was written anew"
        try:
            taken.body = objects.content(name, body)
        except objects.UnreadableError as error:
            taken.wrong = f"cannot be unpacked: {error}"
        self._objects[name] = taken
        self._unread.append((taken, self._partitions[key.partition]))

    @property
    def objects(self) -> int:
        """How many objects were taken in."""
        return len(self._objects)

    def behind(self) -> int:
        """How many records are in no object."""
        self._read()
        return sum(len(partition.offsets) - len(partition.kept) for partition in self._partitions.values())

    def missing(self) -> list[tuple[int, int]]:
        """Partition and offset of each record whose bytes are in no object."""
        self._read()
        return [
            (number, offset)
            for number, partition in sorted(self._partitions.items())
            for offset in partition.offsets
            if offset not in partition.kept
        ]

    def kept_at(self, partition: int, offset: int) -> float | None:
        """Since when an object has the record's bytes, in seconds since the epoch; None if none has them."""
        self._read()
        return self._partitions[partition].kept.get(offset)

    def defects(self) -> list[tuple[str, str]]:
        """Each object that holds something else than the records from its offset on: its key, what is wrong."""
        self._read()
        found = []
        for name, stored in sorted(self._objects.items()):
            if stored.wrong is not None:
                found.append((name, stored.wrong))
            elif stored.read < len(stored.body):
                rest = len(stored.body) - stored.read
                found.append((name, f"holds {rest} bytes that are no record of Kafka's"))
        return found

    def _read(self) -> None:
        """Reads the objects on, as far as the records are known by now."""
        for stored, partition in self._unread:
            at = bisect_left(partition.offsets, stored.next_offset)
            while stored.wrong is None and stored.read < len(stored.body) and at < len(partition.offsets):
                stored.wrong = _read_record(stored, partition.offsets[at], partition.values[at])
                if stored.wrong is None:
                    partition.kept.setdefault(partition.offsets[at], stored.modified)
                at += 1
        self._unread = [
            (stored, partition)
            for stored, partition in self._unread
            if stored.wrong is None and stored.read < len(stored.body)
        ]


def _read_record(stored: _Object, offset: int, value: _Value) -> str | None:
    """Goes past the record, which must come next; what is wrong if it does not."""
    if stored.read == 0 and offset != stored.start_offset:
        return f"is named after offset {stored.start_offset}, where Kafka has no bytes"
    end = stored.read + value.length
    same = _value(stored.body[stored.read : end]) == value
    if not same or stored.body[end : end + len(SEPARATOR)] != SEPARATOR:
        return f"differs from Kafka's record at offset {offset}"
    stored.read, stored.next_offset = end + len(SEPARATOR), offset + 1
    return None


def _value(value: bytes) -> _Value:
    return _Value(len(value), blake2b(value, digest_size=16).digest())
