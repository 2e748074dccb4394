"""Asks the organisation's own Kafka cluster as the VMs of `worker.mode: distributed` will, with the given key."""

from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them, without __all__
    AdminClient,
    ConfigResource,
    ResourceType,
)

from scripts.preflight import kafka_client
from scripts.preflight.kafka_client import REFUSES_KEY, KafkaClient
from scripts.preflight.model import CheckError, FleetTopics, State


def topics(client: KafkaClient, names: Mapping[str, str]) -> FleetTopics:
    """The topics with Connect's state, as far as they are there. `names`: what Connect keeps -> topic.

    Raises:
        CheckError: the cluster does not answer, or refuses the key.
    """

    def present(admin: AdminClient) -> FleetTopics:
        known = admin.list_topics(timeout=kafka_client.SECONDS).topics
        partitions = {name: len(known[name].partitions) for name in names.values() if name in known}
        return FleetTopics(partitions, {name: _policy(admin, name) for name in partitions})

    return client.ask(AdminClient, present, _explained)


def _policy(admin: AdminClient, topic: str) -> str | None:
    """`cleanup.policy`; None if the key may not look at it."""
    resource = ConfigResource(ResourceType.TOPIC, topic)
    try:
        return str(
            admin.describe_configs([resource])[resource]
            .result(timeout=kafka_client.SECONDS)["cleanup.policy"]
            .value
        )
    except KafkaException as error:
        if error.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            return None
        raise


def _explained(codes: set[int], text: str) -> CheckError:
    if codes & REFUSES_KEY:
        return CheckError(
            f"your own cluster refuses the API key: {text}",
            "correct fleet.apiKey and fleet.apiSecret",
            State.BROKEN,
        )
    return CheckError(
        f"your own cluster does not answer: {text}",
        "check fleet.bootstrapServers, and that this machine may connect to its port; the VMs must, too",
    )
