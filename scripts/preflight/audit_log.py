"""Asks the audit-log cluster as the worker will: with its API key, for its topics and its consumer group."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from scripts.preflight import kafka_client
from scripts.preflight.kafka_client import REFUSES_KEY, KafkaClient
from scripts.preflight.model import CheckError, Group, State, Topics

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

    client: KafkaClient
    group: str

    def topics(self, names: Iterable[str]) -> Topics:
        """The number of partitions of each topic, once a record of each could be read.

        Raises:
            CheckError: the cluster does not answer, refuses the key, or does not let it read a topic.
        """
        options = {"group.id": self.group, "enable.auto.commit": False, "enable.partition.eof": True}
        return self.client.ask(
            lambda config: Consumer({**config, **options}),
            lambda consumer: Topics({name: self._partitions(consumer, name) for name in names}),
            _explained,
        )

    def members(self) -> Group:
        """The members of the consumer group.

        Raises:
            CheckError: the cluster does not answer, or refuses the key.
        """
        return self.client.ask(AdminClient, self._members, _explained)

    def _members(self, admin: AdminClient) -> Group:
        deadline = time.monotonic() + kafka_client.SECONDS
        while True:
            asked = admin.describe_consumer_groups([self.group], request_timeout=kafka_client.SECONDS)
            try:
                members = asked[self.group].result(timeout=kafka_client.SECONDS).members
                break
            except KafkaException as error:
                # The group may be moving to another broker.
                if error.args[0].code() not in _MOVING or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
        return Group(self.group, tuple(sorted(f"{member.client_id} on {member.host}" for member in members)))

    def _partitions(self, consumer: Consumer, topic: str) -> int:
        known = consumer.list_topics(topic, timeout=kafka_client.SECONDS).topics[topic]
        if known.error is not None:
            raise KafkaException(known.error)
        self._read(consumer, topic, min(known.partitions))
        return len(known.partitions)

    def _read(self, consumer: Consumer, topic: str, partition: int) -> None:
        """Reads the newest record of a partition, or its end: the key may see a topic that it may not read."""
        marks = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=kafka_client.SECONDS)
        if marks is None:
            return
        consumer.assign([TopicPartition(topic, partition, max(marks[0], marks[1] - 1))])
        message = consumer.poll(kafka_client.SECONDS)
        consumer.unassign()
        error = message.error() if message is not None else None
        if error is not None and error.code() != KafkaError._PARTITION_EOF:  # the library's own name
            raise KafkaException(error)


def _explained(codes: set[int], text: str) -> CheckError:
    if codes & REFUSES_KEY:
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
