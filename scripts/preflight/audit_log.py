"""Asks the audit-log cluster as the worker will: with its API key, for its topics and its consumer group."""

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from scripts.preflight.model import CheckError, Group, State, Topics
from scripts.verify.kafka import Config, went_to_a_broker_that_left

SECONDS = 8.0
"""Time limit of each request."""

_T = TypeVar("_T")

_MOVING = (
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
)

_KEY = (
    "KAFKA_API_KEY and KAFKA_API_SECRET, or source.apiKey and source.apiSecret, must be an API key of the audit-log "
    "cluster (`confluent api-key list --resource lkc-...`)"
)


@dataclass
class AuditLog:
    """The cluster, for one consumer group."""

    config: Config
    group: str
    _errors: list[KafkaError] = field(default_factory=list, repr=False)

    def topics(self, names: Iterable[str]) -> Topics:
        """The number of partitions of each topic, once a record of each could be read.

        Raises:
            CheckError: the cluster does not answer, refuses the key, or does not let it read a topic.
        """
        options = {"group.id": self.group, "enable.auto.commit": False, "enable.partition.eof": True}
        return self._asked(
            lambda: Consumer({**self.config, **options, **self._quiet()}),
            lambda consumer: Topics({name: self._partitions(consumer, name) for name in names}),
        )

    def members(self) -> Group:
        """The members of the consumer group.

        Raises:
            CheckError: the cluster does not answer, or refuses the key.
        """
        return self._asked(lambda: AdminClient({**self.config, **self._quiet()}), self._members)

    def _members(self, admin: AdminClient) -> Group:
        deadline = time.monotonic() + SECONDS
        while True:
            asked = admin.describe_consumer_groups([self.group], request_timeout=SECONDS)
            try:
                members = asked[self.group].result(timeout=SECONDS).members
                break
            except KafkaException as error:
                # The group may be moving to another broker.
                if error.args[0].code() not in _MOVING or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
        return Group(self.group, tuple(sorted(f"{member.client_id} on {member.host}" for member in members)))

    def _partitions(self, consumer: Consumer, topic: str) -> int:
        known = consumer.list_topics(topic, timeout=SECONDS).topics[topic]
        if known.error is not None:
            raise KafkaException(known.error)
        self._read(consumer, topic, min(known.partitions))
        return len(known.partitions)

    def _read(self, consumer: Consumer, topic: str, partition: int) -> None:
        """Reads the newest record of a partition, or its end: the key may see a topic that it may not read."""
        marks = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=SECONDS)
        if marks is None:
            return
        consumer.assign([TopicPartition(topic, partition, max(marks[0], marks[1] - 1))])
        message = consumer.poll(SECONDS)
        consumer.unassign()
        error = message.error() if message is not None else None
        if error is not None and error.code() != KafkaError._PARTITION_EOF:  # the library's own name
            raise KafkaException(error)

    def _quiet(self) -> dict[str, Any]:
        # librdkafka would print connection errors on the terminal.
        return {"log_level": 0, "error_cb": self._errors.append, "socket.connection.setup.timeout.ms": 5000}

    def _asked(self, make: Callable[[], Any], ask: Callable[[Any], _T]) -> _T:
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                client = make()
                with closing(client) if hasattr(client, "close") else _Open():
                    return ask(client)
            except (KafkaException, TimeoutError) as error:
                again = isinstance(error, KafkaException) and went_to_a_broker_that_left(error)
                # The connection's error arrives by a callback, sometimes just after the timeout.
                time.sleep(0.1)
                if not again or time.monotonic() > deadline:
                    raise self._explained(error) from None

    def _explained(self, error: Exception) -> CheckError:
        cause = error.args[0] if error.args else None
        errors = [*([cause] if isinstance(cause, KafkaError) else []), *self._errors]
        codes = {found.code() for found in errors}
        texts = [found.str() for found in errors if "brokers are down" not in found.str()]
        text = texts[-1] if texts else f"no answer in {SECONDS:g} s"
        if codes & {KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED}:
            return CheckError(f"the audit-log cluster refuses the API key: {text}", _KEY, State.BROKEN)
        if codes & {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED}:
            return CheckError(
                f"the API key may not read it: {text}",
                "use a key of the audit log's own service account",
                State.BROKEN,
            )
        if codes & {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC}:
            return CheckError(f"the cluster has no such topic: {text}", "correct source.topics", State.BROKEN)
        if KafkaError._RESOLVE in codes:
            return CheckError(
                f"the endpoint's name does not resolve: {text}",
                "correct source.bootstrapServers",
                State.BROKEN,
            )
        return CheckError(
            f"the audit-log cluster does not answer: {text}",
            "check source.bootstrapServers, and that this machine may connect to its port",
        )


class _Open:
    """A client that has no end of its own."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...
