"""A bucket that lists as S3 does: ascending, after a key, at most so many."""

import gzip
import io
import json
from dataclasses import dataclass, field
from typing import Any

from components import layout

BUCKET, TOPICS_DIR, TOPIC = "logexporter-ccloud", "topics", "confluent-audit-log-events"


@dataclass
class PlayedBucket:
    """Key -> body; `listings` counts what was asked."""

    objects: dict[str, bytes] = field(default_factory=dict)
    listings: int = 0

    def put(
        self, partition: int, offset: int, *lines: str | dict[str, Any], extension: str = ".json.gz"
    ) -> None:
        """An archived object."""
        text = "".join(
            (line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines
        ).encode()
        key = layout.key_start(TOPICS_DIR, TOPIC, partition, offset) + extension
        self.objects[key] = gzip.compress(text) if extension.endswith(".gz") else text

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
