"""Holds the originals in the bucket against Kafka's records, byte for byte, whatever they are.

An object is the bytes of consecutive records from the offset in its name on, a line break after each; a null leaves
none. Since Kafka's records are known, it is clear where one ends, also where it holds line breaks of its own.
"""

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from components.archive import layout
from local.base import objects

SEPARATOR = b"\n"


class _Value(NamedTuple):
    length: int
    digest: bytes


@dataclass
class _Partition:
    """`offsets`: ascending, of the records that have bytes; `kept`: those whose bytes stand in an object."""

    offsets: list[int] = field(default_factory=list)
    values: list[_Value] = field(default_factory=list)
    kept: set[int] = field(default_factory=set)


@dataclass
class _Object:
    """Read up to byte `read`; the record at `next_offset`, or a later one, comes next."""

    etag: str
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

    def put_object(self, name: str, etag: str, body: bytes) -> None:
        """The content of an object; none is ever written anew."""
        key = layout.parse_data_key(name)
        assert key is not None  # noqa: S101 -- only data objects are taken in
        taken = _Object(etag, key.start_offset, key.start_offset)
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
        """How many records stand in no object."""
        self._read()
        return sum(len(partition.offsets) - len(partition.kept) for partition in self._partitions.values())

    def missing(self) -> list[tuple[int, int]]:
        """Partition and offset of each record whose bytes stand in no object."""
        self._read()
        return [
            (number, offset)
            for number, partition in sorted(self._partitions.items())
            for offset in partition.offsets
            if offset not in partition.kept
        ]

    def faults(self) -> list[tuple[str, str]]:
        """Each object that holds something else than the records from its offset on: its key, what is wrong."""
        self._read()
        told = []
        for name, one in sorted(self._objects.items()):
            if one.wrong is not None:
                told.append((name, one.wrong))
            elif one.read < len(one.body):
                told.append((name, f"holds {len(one.body) - one.read} bytes that are no record of Kafka's"))
        return told

    def _read(self) -> None:
        """Reads the objects on, as far as the records are known by now."""
        for one, partition in self._unread:
            at = bisect_left(partition.offsets, one.next_offset)
            while one.wrong is None and one.read < len(one.body) and at < len(partition.offsets):
                one.wrong = _read_record(one, partition.offsets[at], partition.values[at])
                if one.wrong is None:
                    partition.kept.add(partition.offsets[at])
                at += 1
        self._unread = [
            (one, partition)
            for one, partition in self._unread
            if one.wrong is None and one.read < len(one.body)
        ]


def _read_record(one: _Object, offset: int, value: _Value) -> str | None:
    """Goes past the record, which must come next; what is wrong if it does not."""
    if one.read == 0 and offset != one.start_offset:
        return f"is named after offset {one.start_offset}, where Kafka has no bytes"
    end = one.read + value.length
    same = _value(one.body[one.read : end]) == value
    if not same or one.body[end : end + len(SEPARATOR)] != SEPARATOR:
        return f"differs from Kafka's record at offset {offset}"
    one.read, one.next_offset = end + len(SEPARATOR), offset + 1
    return None


def _value(value: bytes) -> _Value:
    return _Value(len(value), blake2b(value, digest_size=16).digest())
