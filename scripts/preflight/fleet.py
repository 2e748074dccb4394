"""Asks the organisation's own Kafka cluster as the VMs of `worker.mode: distributed` will, with the given key."""

from collections.abc import Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them, without __all__
    AdminClient,
    ConfigResource,
    ResourceType,
)

from scripts.preflight.model import CheckError, FleetTopics, State
from scripts.verify.kafka import Config

SECONDS = 8.0
"""Time limit of each request."""


def topics(config: Config, names: Mapping[str, str]) -> FleetTopics:
    """The topics with Connect's state, as far as they are there. `names`: what Connect keeps -> topic.

    Raises:
        CheckError: the cluster does not answer, or refuses the key.
    """
    errors: list[KafkaError] = []
    # librdkafka would print connection errors on the terminal.
    quiet: dict[str, Any] = {
        "log_level": 0,
        "error_cb": errors.append,
        "socket.connection.setup.timeout.ms": 5000,
    }
    admin = AdminClient({**config, **quiet})
    try:
        known = admin.list_topics(timeout=SECONDS).topics
        present = {name: len(known[name].partitions) for name in names.values() if name in known}
        return FleetTopics(present, {name: _policy(admin, name) for name in present})
    except KafkaException as error:
        # The connection's errors come by a callback, which only `poll` calls.
        admin.poll(1.0)
        raise _explained(error, errors) from None


def _policy(admin: AdminClient, topic: str) -> str | None:
    """`cleanup.policy`; None if the key may not look at it."""
    resource = ConfigResource(ResourceType.TOPIC, topic)
    try:
        return str(
            admin.describe_configs([resource])[resource].result(timeout=SECONDS)["cleanup.policy"].value
        )
    except KafkaException as error:
        if error.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            return None
        raise


def _explained(error: KafkaException, errors: list[KafkaError]) -> CheckError:
    found = [error.args[0], *errors]
    codes = {cause.code() for cause in found}
    texts = [cause.str() for cause in found if "brokers are down" not in cause.str()]
    if codes & {KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED}:
        return CheckError(
            f"your own cluster refuses the API key: {texts[-1]}",
            "correct fleet.apiKey and fleet.apiSecret",
            State.BROKEN,
        )
    return CheckError(
        f"your own cluster does not answer: {texts[-1]}",
        "check fleet.bootstrapServers, and that this machine may connect to its port; the VMs must, too",
    )
