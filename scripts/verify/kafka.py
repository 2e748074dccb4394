"""Asks the audit-log cluster for the offsets of its partitions and the offsets that a consumer group has committed.

It never joins the group, so no partition is reassigned. Of the records that it reads, it keeps the time and the id.
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
"""Most records of a partition that are read to find a record that the connector archives."""

Config = Mapping[str, str | int | float | bool]
_ORIGINAL = Names("id", "time")


class KafkaUnavailableError(RuntimeError):
    """The cluster did not answer as expected; the message has the error of the cluster or of the network."""


def went_to_a_broker_that_left(error: KafkaException) -> bool:
    """Whether the request failed as its broker was in the cluster's metadata no more: the same request goes to another.

    Brokers leave when a cluster is updated. Source: confluentinc/librdkafka, pull request 4557.
    """
    code: int = error.args[0].code()
    return code == KafkaError._DESTROY_BROKER  # the library's own name


def client_config(bootstrap_servers: str, key: str, secret: str, environ: Mapping[str, str]) -> Config:
    """librdkafka's settings for a client of the audit-log cluster. SSL_CERT_FILE names additional CA certificates."""
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
    """The state of reading one partition, from one record before the committed offset."""

    position: Position
    last_offset: int
    read: int = 0


@dataclass
class Cluster:
    """The cluster, for one consumer group. `is_json`: the connector archives only JSON objects."""

    config: Config
    group: str
    is_json: bool
    clock: Callable[[], float] = time.monotonic
    _connection_errors: list[str] = field(default_factory=list, repr=False)

    def positions(self, topics: Sequence[str]) -> dict[tuple[str, int], Position]:
        """The position of every partition of the topics: (topic, partition number) -> position.

        Raises:
            KafkaUnavailableError: the cluster cannot be reached, refuses the key or has no such topic.
        """
        options = {"group.id": self.group, "enable.auto.commit": False, "enable.partition.eof": True}
        # librdkafka would print connection errors on the terminal; they are kept for the error's message.
        quiet = {"log_level": 0, "error_cb": self._remember}
        deadline = self.clock() + REQUEST_SECONDS
        while True:
            try:
                with closing(Consumer({**self.config, **options, **quiet})) as consumer:
                    found = self._positions(consumer, topics)
                    return self._with_records(consumer, found)
            except KafkaException as error:
                if not went_to_a_broker_that_left(error) or self.clock() > deadline:
                    raise KafkaUnavailableError(self._text(error)) from None

    def _remember(self, error: KafkaError) -> None:
        self._connection_errors.append(error.str())

    def _text(self, exception: KafkaException) -> str:
        """The error's text. After a timeout, the connection's earlier error says more, so that is added."""
        cause = exception.args[0] if exception.args else exception
        text = cause.str() if isinstance(cause, KafkaError) else str(cause)
        earlier = [
            error for error in dict.fromkeys(self._connection_errors) if "brokers are down" not in error
        ]
        return f"{text} ({earlier[-1]})" if earlier else text

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
        for partition in partitions:
            marks = consumer.get_watermark_offsets(partition, timeout=REQUEST_SECONDS)
            key = (partition.topic, partition.partition)
            if marks is None:
                raise KafkaUnavailableError(f"no offsets of {key[0]} partition {key[1]} in time")
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
        """Adds to each position the last committed record and the first waiting record."""
        reading = {
            key: _Reading(position, last_offset=position.end - 1)
            for key, position in positions.items()
            if position.end > position.start
        }
        open_partitions = set(reading)
        consumer.assign([TopicPartition(*key, _begin(reading[key].position)) for key in open_partitions])
        last_message = self.clock()
        while open_partitions and self.clock() - last_message < SILENCE_SECONDS:
            for message in consumer.consume(num_messages=500, timeout=1.0):
                last_message = self.clock()
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
        return {**positions, **{key: state.position for key, state in reading.items()}}

    def _is_done(self, reading: _Reading, message: Message) -> bool:
        """Takes a record into account. Returns whether its partition needs no more reading."""
        error = message.error()
        if error is not None:
            # The end of the partition: only transaction markers are left.
            return error.code() == KafkaError._PARTITION_EOF  # the library's own name
        offset, position = message.offset(), reading.position
        assert offset is not None  # noqa: S101  # a record has one
        reading.read += 1
        record = self._record(message)
        if record is None and reading.read >= MOST_READ:
            # The connector rarely skips so many records in a row, so the next record counts as waiting.
            record = Record(_produced_at(message), None)
        if record is not None and offset < (position.committed or 0):
            reading.position = replace(position, last=record)
        elif record is not None:
            reading.position = replace(position, waiting=record)
            return True
        return offset >= reading.last_offset

    def _record(self, message: Message) -> Record | None:
        """The record; None if the connector skips it."""
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
    """The offset to read from: one record before the committed offset, if Kafka still has it."""
    if position.committed is None:
        return position.start
    return min(max(position.committed - 1, position.start), position.end)


def credentials_in(environ: Mapping[str, str] = os.environ) -> tuple[str, str] | None:
    """Key and secret from the environment (KAFKA_API_KEY, KAFKA_API_SECRET), which override the stack's."""
    key, secret = environ.get("KAFKA_API_KEY"), environ.get("KAFKA_API_SECRET")
    return (key, secret) if key and secret else None
