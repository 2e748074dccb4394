"""Lists and reads the archive with the caller's rights."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from components.archive import layout
from scripts.archive import object_lines
from scripts.verification.model import StoredObject


@dataclass(frozen=True)
class Bucket:
    """An S3 bucket. Safe to share between threads, as boto3's clients are."""

    s3: Any
    name: str

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """Everything below a prefix, in the order of the keys."""
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix):
            for found in page.get("Contents", ()):
                yield StoredObject(str(found["Key"]), int(found["Size"]), found["LastModified"])

    def partitions(self, folder: str, topic: str) -> list[int]:
        """The partitions of a topic that have a prefix of their own below a folder."""
        prefix = layout.topic_prefix(folder, topic)
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix, Delimiter="/"
        )
        found = (str(one["Prefix"]) for page in pages for one in page.get("CommonPrefixes", ()))
        numbers = (one.removeprefix(f"{prefix}partition=").strip("/") for one in found)
        return sorted(int(number) for number in numbers if number.isdecimal())

    def head(self, key: str) -> StoredObject:
        """One object's entry.

        Raises:
            botocore.exceptions.ClientError: there is none.
        """
        found = self.s3.head_object(Bucket=self.name, Key=key)
        return StoredObject(key, int(found["ContentLength"]), found["LastModified"])

    def lines(self, key: str) -> list[bytes]:
        """The lines of a data object, without their ends and without empty ones."""
        return object_lines(key, self.s3.get_object(Bucket=self.name, Key=key)["Body"].read())
