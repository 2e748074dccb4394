"""Looks into the bucket as far as a proof needs it: which object of a partition is the newest, what came after it.

S3 lists keys in ascending order only, and an archive of months has millions of them. Keys tell when their files were
opened, or with which offset they begin, which makes the newest one easy to find: ask for what comes after a time.
"""

import gzip
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from components.archive import layout

_PAGE = 1000
"""The most keys that S3 lists at once."""

_FIRST_STEP = 60_000
"""Milliseconds: as often as a busy partition gets an object by default."""


def object_lines(key: str, body: bytes) -> list[bytes]:
    """The lines of an archived object, without their ends and without empty ones.

    Raises:
        OSError, EOFError, zlib.error: its gzip data are damaged.
    """
    text = gzip.decompress(body) if key.endswith(".gz") else body
    # Not splitlines(): format raw keeps other line ends inside a record.
    return [line for line in text.split(b"\n") if line.strip()]


@dataclass(frozen=True)
class Archive:
    """A bucket, read with the caller's rights. `clock`: seconds since the epoch."""

    s3: Any
    bucket: str
    topics_dir: str
    clock: Callable[[], float] = time.time

    def newest_key(self, topic: str, partition: int) -> str | None:
        """The key of a partition's newest object, which sorts last; None if it has none."""
        if not self._keys_after(topic, partition, self._stamped(topic, partition, None), most=1):
            return self._newest_without_stamp(topic, partition)
        return self._newest_stamped(topic, partition)

    def first_key_after(self, topic: str, partition: int, key: str | None) -> str | None:
        """The key of the first object that sorts after this one; of the partition's first if it is None."""
        start = layout.sentinel_key(self.topics_dir, topic, partition) if key is None else key
        return next(iter(self._keys_after(topic, partition, start, most=1)), None)

    def events(self, key: str) -> Iterator[dict[str, Any]]:
        """The events of an object; lines that are not JSON objects (format raw) are left out."""
        for line in object_lines(key, self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()):
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                yield event

    def _newest_stamped(self, topic: str, partition: int) -> str:
        """Something was opened after `low`, nothing after `high`, until one listing holds all that came after `low`."""

        def opened_after(moment: int) -> Sequence[str]:
            return self._keys_after(topic, partition, self._stamped(topic, partition, moment))

        # A clock may have been ahead: then `low` is already early enough.
        low = high = int(self.clock() * 1000)
        step = _FIRST_STEP
        while not (found := opened_after(low)):
            low, high, step = max(0, low - step), low, 2 * step
        while len(found) == _PAGE and high - low > 1:
            middle = (low + high) // 2
            if later := opened_after(middle):
                low, found = middle, later
            else:
                high = middle
        while later := self._keys_after(topic, partition, found[-1]):
            found = later
        return found[-1]

    def _newest_without_stamp(self, topic: str, partition: int) -> str | None:
        def first_from(offset: int) -> tuple[int, str] | None:
            start = layout.key_start(self.topics_dir, topic, partition, offset)
            key = next(iter(self._keys_after(topic, partition, start, most=1)), None)
            found = layout.parse_data_key(key) if key is not None else None
            return (found.start_offset, key) if found is not None and key is not None else None

        newest = first_from(0)
        if newest is None:
            return None
        step = 1
        while (found := first_from(newest[0] + step)) is not None:
            newest, step = found, 2 * step
        low, high = newest[0], newest[0] + step
        while high - low > 1:
            middle = (low + high) // 2
            found = first_from(middle)
            if found is None:
                high = middle
            else:
                low, newest = middle, found
        return newest[1]

    def _stamped(self, topic: str, partition: int, opened: int | None) -> str:
        return layout.stamped_start(self.topics_dir, topic, partition, opened)

    def _keys_after(self, topic: str, partition: int, start: str, most: int | None = None) -> Sequence[str]:
        """The first data keys of a partition that sort after `start`."""
        listed = self.s3.list_objects_v2(
            Bucket=self.bucket,
            Prefix=layout.partition_prefix(self.topics_dir, topic, partition),
            StartAfter=start,
            MaxKeys=most or _PAGE,
        )
        return [str(one["Key"]) for one in listed.get("Contents", ())]
