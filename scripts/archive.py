"""Looks into the bucket as far as a proof needs it: which object of a partition is the newest, what came after it.

S3 lists keys in ascending order only, and an archive of months has millions of them. The offset in a key makes the
newest one easy to find: ask for what comes after larger and larger offsets.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from components import layout


@dataclass(frozen=True)
class Archive:
    """A bucket, read with the caller's rights."""

    s3: Any
    bucket: str
    topics_dir: str

    def last_offset(self, topic: str, partition: int) -> int | None:
        """The start offset of a partition's newest object; None if it has none."""
        low = self._offset_from(topic, partition, 0)
        if low is None:
            return None
        step = 1
        while (found := self._offset_from(topic, partition, low + step)) is not None:
            low, step = found, 2 * step
        high = low + step
        while high - low > 1:
            middle = (low + high) // 2
            found = self._offset_from(topic, partition, middle)
            low, high = (low, middle) if found is None else (found, high)
        return low

    def first_key_from(self, topic: str, partition: int, offset: int) -> str | None:
        """The key of the first object that starts at this offset or later."""
        listed = self.s3.list_objects_v2(
            Bucket=self.bucket,
            Prefix=layout.partition_prefix(self.topics_dir, topic, partition),
            StartAfter=layout.key_start(self.topics_dir, topic, partition, offset),
            MaxKeys=1,
        )
        return next((str(one["Key"]) for one in listed.get("Contents", ())), None)

    def events(self, key: str) -> Iterator[dict[str, Any]]:
        """The events of an object; what is no JSON object (format raw) is left out."""
        body: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        text = gzip.decompress(body) if key.endswith(".gz") else body
        for line in text.splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                yield event

    def _offset_from(self, topic: str, partition: int, offset: int) -> int | None:
        key = self.first_key_from(topic, partition, offset)
        found = layout.parse_data_key(key) if key is not None else None
        return found.start_offset if found is not None else None
