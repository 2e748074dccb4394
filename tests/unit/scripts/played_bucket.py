"""A bucket that lists as S3 does: ascending, after a key, at most so many."""

import gzip
import io
import json
from dataclasses import dataclass, field
from typing import Any

from components.archive import layout

BUCKET, TOPICS_DIR, TOPIC = "logexporter-ccloud", "topics", "confluent-audit-log-events"


@dataclass
class PlayedBucket:
    """Key -> body; `listings` counts what was asked."""

    objects: dict[str, bytes] = field(default_factory=dict)
    listings: int = 0

    def put(
        self,
        partition: int,
        offset: int,
        *lines: str | dict[str, Any],
        opened: int | None = None,
        extension: str = ".json.gz",
    ) -> str:
        """An archived object, with a stamp if it is said when it was `opened`; returns its key."""
        text = "".join(
            (line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines
        ).encode()
        key = layout.key_start(TOPICS_DIR, TOPIC, partition, offset) + extension
        if opened is not None:
            folder = layout.stamped_start(TOPICS_DIR, TOPIC, partition, opened)
            key = f"{folder}/{key.rpartition('/')[2]}"
        self.objects[key] = gzip.compress(text) if extension.endswith(".gz") else text
        return key

    def list_objects_v2(self, *, Bucket: str, Prefix: str, StartAfter: str, MaxKeys: int) -> dict[str, Any]:  # noqa: N803  # boto3's
        """The names of its arguments are boto3's."""
        assert Bucket == BUCKET
        self.listings += 1
        keys = sorted(key for key in self.objects if key.startswith(Prefix) and key > StartAfter)[:MaxKeys]
        return {"Contents": [{"Key": key} for key in keys]} if keys else {}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803  # boto3's
        """The names of its arguments are boto3's."""
        assert Bucket == BUCKET
        return {"Body": io.BytesIO(self.objects[Key])}
