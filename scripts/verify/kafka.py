"""Asks the audit-log cluster where its partitions stand and what a consumer group has committed.

The group is asked, never joined: no partition moves. Records that are read are looked at for their id and dropped.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from scripts.verify.events import Fields as Names
from scripts.verify.events import event_id, parsed
from scripts.verify.model import Position, Record

REQUEST_SECONDS = 30.0
SILENCE_SECONDS = 30.0
MOST_READ = 500
"""Records of a partition that are read to find one that the connector archives."""

Config = Mapping[str, str | int | float | bool]
_ORIGINAL = Names("id", "time")


class KafkaUnavailableError(RuntimeError):
    """The cluster did not answer as it should; the message says what it, or the network, said."""


def client_config(bootstrap_servers: str, key: str, secret: str, environ: Mapping[str, str]) -> Config:
    """librdkafka's settings of a client of the audit-log cluster. SSL_CERT_FILE names further authorities."""
    authority = environ.get("SSL_CERT_FILE")
    return {
        "bootstrap.servers": bootstrap_servers,
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": key,
        "sasl.password": secret,
        "client.id": "ccloud-logexporter-verify",
        **({"ssl.ca.location": authority} if authority else {}),
    }


@dataclass
class _Reading:
    """A partition that is being read from one record before the committed offset."""

    position: Position
    last_offset: int
    read: int = 0


@dataclass
class Cluster:
    """The cluster as one consumer group sees it. `is_json`: the connector archives JSON objects only."""

    config: Config
    group: str
    is_json: bool
    clock: Callable[[], float] = time.monotonic
    _said: list[str] = field(default_factory=list, repr=False)

    def positions(self, topics: Sequence[str]) -> dict[tuple[str, int], Position]:
        """Every partition of the topics, as Kafka has them.

        Raises:
            KafkaUnavailableError: the cluster cannot be reached, refuses the key or has no such topic.
        """
        options = {"group.id": self.group, "enable.auto.commit": False, "enable.partition.eof": True}
        # A cluster that cannot be reached would write lines to the terminal; they are kept for the error.
        quiet = {"log_level": 0, "error_cb": self._hear}
        try:
            with closing(Consumer({**self.config, **options, **quiet})) as consumer:
                found = self._positions(consumer, topics)
                return self._with_records(consumer, found)
        except KafkaException as error:
            raise KafkaUnavailableError(self._text(error)) from None

    def _hear(self, error: KafkaError) -> None:
        self._said.append(error.str())

    def _text(self, error: KafkaException) -> str:
        """A request that timed out says little; what the connection said before tells more."""
        cause = error.args[0] if error.args else error
        text = cause.str() if isinstance(cause, KafkaError) else str(cause)
        heard = [one for one in dict.fromkeys(self._said) if "brokers are down" not in one]
        return f"{text} ({heard[-1]})" if heard else text

    def _positions(self, consumer: Consumer, topics: Sequence[str]) -> dict[tuple[str, int], Position]:
        partitions = [
            TopicPartition(topic, partition)
            for topic in topics
            for partition in self._partitions(consumer, topic)
        ]
        answers = consumer.committed(partitions, timeout=REQUEST_SECONDS)
        if refused := [answer.error for answer in answers if answer.error is not None]:
            raise KafkaUnavailableError(f"group {self.group}: {refused[0].str()}")
        committed = {
            (answer.topic, answer.partition): answer.offset if answer.offset >= 0 else None
            for answer in answers
        }
        found = {}
        for one in partitions:
            marks = consumer.get_watermark_offsets(one, timeout=REQUEST_SECONDS)
            if marks is None:
                raise KafkaUnavailableError(f"no offsets of {one.topic} partition {one.partition} in time")
            key = (one.topic, one.partition)
            found[key] = Position(start=marks[0], end=marks[1], committed=committed[key])
        return found

    def _partitions(self, consumer: Consumer, topic: str) -> list[int]:
        known = consumer.list_topics(topic, timeout=REQUEST_SECONDS).topics[topic]
        if known.error is not None:
            raise KafkaUnavailableError(f"topic {topic}: {known.error.str()}")
        return sorted(known.partitions)

    def _with_records(
        self, consumer: Consumer, positions: Mapping[tuple[str, int], Position]
    ) -> dict[tuple[str, int], Position]:
        """Reads, of each partition, the last committed record and the first that waits."""
        reading = {
            key: _Reading(position, last_offset=position.end - 1)
            for key, position in positions.items()
            if position.end > position.start
        }
        open_partitions = set(reading)
        consumer.assign([TopicPartition(*key, _begin(reading[key].position)) for key in open_partitions])
        heard = self.clock()
        while open_partitions and self.clock() - heard < SILENCE_SECONDS:
            for message in consumer.consume(num_messages=500, timeout=1.0):
                heard = self.clock()
                key = (str(message.topic()), int(message.partition() or 0))
                if key in open_partitions and self._is_done(reading[key], message):
                    open_partitions.remove(key)
                    consumer.pause([TopicPartition(*key)])
        consumer.unassign()
        if open_partitions:
            topic, partition = min(open_partitions)
            raise KafkaUnavailableError(
                f"{topic} partition {partition} could not be read for {SILENCE_SECONDS:.0f} s"
            )
        return {**positions, **{key: one.position for key, one in reading.items()}}

    def _is_done(self, reading: _Reading, message: Message) -> bool:
        """Takes a record in; whether nothing more is to be read of its partition."""
        error = message.error()
        if error is not None:
            # The end of the partition: what is left are marks of transactions.
            return error.code() == KafkaError._PARTITION_EOF  # the library's own name
        offset, position = message.offset(), reading.position
        assert offset is not None  # noqa: S101  # a record has one
        reading.read += 1
        record = self._record(message)
        if record is None and reading.read >= MOST_READ:
            # That many records that are left out in a row are no rule: what comes then counts as waiting.
            record = Record(_produced_at(message), None)
        if record is not None and offset < (position.committed or 0):
            reading.position = replace(position, last=record)
        elif record is not None:
            reading.position = replace(position, waiting=record)
            return True
        return offset >= reading.last_offset

    def _record(self, message: Message) -> Record | None:
        """None for a record that the connector leaves out."""
        value = message.value()
        if value is None:
            return None
        event = parsed(value)
        if event is None and self.is_json:
            return None
        found = event_id(event, _ORIGINAL) if event is not None else None
        return Record(_produced_at(message), found)


def _produced_at(message: Message) -> datetime:
    return datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)


def _begin(position: Position) -> int:
    """One record before the committed offset, if Kafka still has it."""
    if position.committed is None:
        return position.start
    return min(max(position.committed - 1, position.start), position.end)


def credentials_in(environ: Mapping[str, str] = os.environ) -> tuple[str, str] | None:
    """Key and secret of the environment (KAFKA_API_KEY, KAFKA_API_SECRET), which win over the stack's own."""
    key, secret = environ.get("KAFKA_API_KEY"), environ.get("KAFKA_API_SECRET")
    return (key, secret) if key and secret else None
