"""Reads the three places that events pass: Kafka, the bucket, and what Logz.io indexed."""

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


class Record(NamedTuple):
    """A record of the topic; `at`: when it was produced, in seconds since the epoch."""

    partition: int
    offset: int
    value: bytes | None
    at: float


class StoredObject(NamedTuple):
    """An entry of the bucket's listing; `modified` in seconds since the epoch."""

    key: str
    etag: str
    modified: float


class DeliveredLine(NamedTuple):
    """A row of Logz.io's store; `received_at` in seconds since the epoch."""

    key: str
    line: int
    event: str
    received_at: float


class Records(Protocol):
    """A topic, as far as the history needs it."""

    def new_records(self) -> Iterator[Record]:
        """What came since the last call."""


class Objects(Protocol):
    """A bucket, as far as the history needs it."""

    def listing(self) -> Iterator[StoredObject]:
        """Every object of the bucket."""

    def read(self, key: str) -> bytes:
        """An object's content."""


_SILENCE_SECONDS = 120
"""After so long without an answer, the topic counts as unreadable."""

# The library's own name. It fails requests to a broker that the metadata has no more (librdkafka, pull request 4557).
_BROKER_LEFT = KafkaError._DESTROY_BROKER


class PlaceError(RuntimeError):
    """One of the places could not be read to its end."""


class Bucket:
    """An S3 bucket."""

    def __init__(self, s3: "S3Client", name: str) -> None:
        self._s3 = s3
        self._name = name

    def listing(self, prefix: str = "") -> Iterator[StoredObject]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=prefix):
            for entry in page.get("Contents", ()):
                yield StoredObject(entry["Key"], entry["ETag"], entry["LastModified"].timestamp())

    def read(self, key: str) -> bytes:
        return self._s3.get_object(Bucket=self._name, Key=key)["Body"].read()


class Topic:
    """The topic of the local stack; each record is handed out once."""

    def __init__(self, kafka: Mapping[str, str | int | float | bool], topic: str) -> None:
        self._topic = topic
        self._next: dict[int, int] = {}
        # Chaos stops the broker on purpose. The client would print each connection that fails meanwhile.
        quiet = {**kafka, "log_level": 0}
        self._consumer = Consumer({**quiet, "group.id": "local-check", "enable.auto.commit": False})

    def close(self) -> None:
        self._consumer.close()

    def new_records(self) -> Iterator[Record]:
        """From where the last call ended to the end of each partition.

        Raises:
            PlaceError: a partition could not be read for two minutes.
        """
        ends = self._answered_ends()
        if all(self._next[partition] >= end for partition, end in ends.items()):
            return
        self._consumer.assign([TopicPartition(self._topic, p, offset) for p, offset in self._next.items()])
        heard = time.monotonic()
        while any(self._next[partition] < end for partition, end in ends.items()):
            for message in self._consumer.consume(num_messages=1000, timeout=1.0):
                heard = time.monotonic()
                yield self._record(message)
            if time.monotonic() - heard > _SILENCE_SECONDS:
                raise PlaceError(f"topic {self._topic} could not be read to its end: {ends} at {self._next}")
        self._consumer.unassign()

    def _answered_ends(self) -> dict[int, int]:
        """Asks again if the broker was in the metadata no more: on a busy machine its controller misses heartbeats."""
        deadline = time.monotonic() + _SILENCE_SECONDS
        while True:
            try:
                return self._ends()
            except KafkaException as error:
                if error.args[0].code() != _BROKER_LEFT or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def _ends(self) -> dict[int, int]:
        ends = {}
        known = self._consumer.list_topics(self._topic, timeout=_SILENCE_SECONDS).topics[self._topic]
        for partition in known.partitions:
            place = TopicPartition(self._topic, partition)
            found = self._consumer.get_watermark_offsets(place, timeout=_SILENCE_SECONDS)
            if found is None:
                raise PlaceError(f"topic {self._topic} does not say where partition {partition} ends")
            low, ends[partition] = found
            self._next[partition] = max(self._next.get(partition, 0), low)
        return ends

    def _record(self, message: Message) -> Record:
        error = message.error()
        partition, offset, value = message.partition(), message.offset(), message.value()
        if error is not None or partition is None or offset is None:
            raise PlaceError(f"topic {self._topic} could not be read: {error}")
        self._next[partition] = offset + 1
        encoded = value.encode() if isinstance(value, str) else value
        return Record(partition, offset, encoded, message.timestamp()[1] / 1000)


class DeliveredStore:
    """What the Logz.io emulator indexed from one bucket or was sent; each row is handed out once."""

    def __init__(self, file: Path, bucket: str) -> None:
        self._file = file
        self._bucket = bucket
        self._last_seq = -1

    def skip(self) -> None:
        """Leaves out the rows that are there now."""
        if newest := self._query("SELECT coalesce(max(seq), -1) FROM events"):
            self._last_seq = newest[0][0]

    def new_rows(self) -> Iterator[DeliveredLine]:
        """The rows since the last call; none while there is no store yet."""
        while rows := self._read():
            for seq, key, line, event, received_at in rows:
                self._last_seq = seq
                yield DeliveredLine(key, line, event, received_at)

    def _read(self) -> list[tuple[int, str, int, str, float]]:
        """The next rows, in one short read: a long one would keep the emulator from writing."""
        query = (
            "SELECT seq, key, line, event, received_at FROM events"
            " WHERE seq > ? AND (bucket = ? OR bucket IS NULL) ORDER BY seq LIMIT 5000"
        )
        return self._query(query, self._last_seq, self._bucket)

    def _query(self, query: str, *parameters: int | str) -> list[Any]:
        if not self._file.exists():
            return []
        database = sqlite3.connect(f"{self._file.absolute().as_uri()}?mode=ro", uri=True, timeout=120)
        with closing(database):
            return database.execute(query, parameters).fetchall()
