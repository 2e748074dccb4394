"""Topics, made on the broker by the API key of the resource."""

from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them, without __all__
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from local.base.waiting import wait_until
from local.systems.plugins.confluentcloud import rest
from local.systems.plugins.confluentcloud.cloud import Cloud
from local.systems.plugins.sources import terraform_confluent
from local.systems.plugins.stand_in import Created, Kind, Property, RefusedError
from local.systems.plugins.values import Plain

PARTITIONS = 6
"""The real plugin's default."""

EDITABLE = frozenset(
    {
        "cleanup.policy",
        "delete.retention.ms",
        "max.compaction.lag.ms",
        "max.message.bytes",
        "message.timestamp.after.max.ms",
        "message.timestamp.before.max.ms",
        "message.timestamp.difference.max.ms",
        "message.timestamp.type",
        "min.compaction.lag.ms",
        "min.insync.replicas",
        "retention.bytes",
        "retention.ms",
        "segment.bytes",
        "segment.ms",
    }
)
"""What the real plugin changes in place (resource_kafka_topic.go), without the settings of Confluent's own brokers."""


def _create(cloud: Cloud, inputs: Plain) -> Created:
    name = inputs["topicName"]
    admin = rest.admin(cloud, inputs)
    topic = NewTopic(
        name,
        num_partitions=inputs.get("partitionsCount", PARTITIONS),
        replication_factor=1,
        config=inputs.get("config") or {},
    )
    with rest.refused("creating Kafka Topic"):
        admin.create_topics([topic])[name].result()
        # The controller has it; the broker learns of it a moment later.
        wait_until(
            lambda: _partitions(admin, name), f"topic {name} is there", seconds=rest.SECONDS, poll=0.05
        )
    return Created(f"{inputs['kafkaCluster']['id']}/{name}")


def _read(cloud: Cloud, topic_id: str, state: Plain) -> Plain | None:
    if not state:
        raise RefusedError(f"the stand-in does not import {topic_id}: the real plugin has variables for that")
    name = state["topicName"]
    admin = rest.admin(cloud, state)
    with rest.refused("reading Kafka Topic"):
        partitions = _partitions(admin, name)
        if not partitions:
            return None
        return {
            **{kept: state[kept] for kept in ("kafkaCluster", "restEndpoint", "credentials")},
            "id": topic_id,
            "topicName": name,
            "partitionsCount": partitions,
            "config": _config(admin, name),
        }


def _update(cloud: Cloud, _id: str, state: Plain, inputs: Plain) -> None:
    name = inputs["topicName"]
    admin = rest.admin(cloud, inputs)
    before, wanted = state.get("config") or {}, inputs.get("config") or state.get("config") or {}
    changed = {setting: value for setting, value in wanted.items() if before.get(setting) != value}
    _refuse_uneditable(before, wanted, changed)
    partitions = inputs.get("partitionsCount", PARTITIONS)
    with rest.refused("updating Kafka Topic"):
        if partitions != state["partitionsCount"]:
            admin.create_partitions([NewPartitions(name, partitions)])[name].result()
            wait_until(
                lambda: _partitions(admin, name) == partitions,
                f"topic {name} has {partitions} partitions",
                seconds=rest.SECONDS,
                poll=0.05,
            )
        if changed:
            _alter(admin, name, changed)


def _refuse_uneditable(before: Plain, wanted: Plain, changed: Plain) -> None:
    for setting in sorted(set(before) - set(wanted)):
        raise RefusedError(
            f"error updating Kafka Topic: reset to topic setting's default value ({setting}) is not supported"
        )
    for setting in sorted(set(changed) - EDITABLE):
        raise RefusedError(f'error updating Kafka Topic: "{setting}" topic setting is read-only')


def _alter(admin: AdminClient, name: str, changed: Plain) -> None:
    entries = [
        ConfigEntry(setting, value, incremental_operation=AlterConfigOpType.SET)
        for setting, value in changed.items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
    for done in admin.incremental_alter_configs([resource]).values():
        done.result()

    def is_applied() -> bool:
        current = _config(admin, name)
        return all(current.get(setting) == value for setting, value in changed.items())

    wait_until(is_applied, f"topic {name} has its settings", seconds=rest.SECONDS, poll=0.05)


def _delete(cloud: Cloud, _id: str, state: Plain) -> None:
    name = state["topicName"]
    admin = rest.admin(cloud, state)
    with rest.refused("deleting Kafka Topic"):
        try:
            admin.delete_topics([name])[name].result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise
        wait_until(
            lambda: not _partitions(admin, name), f"topic {name} is gone", seconds=rest.SECONDS, poll=0.05
        )


def _partitions(admin: AdminClient, name: str) -> int:
    """How many the topic has; 0 if there is no such topic.

    Raises:
        KafkaException: the API key may not see it.
    """
    topic = admin.list_topics(name, timeout=rest.SECONDS).topics[name]
    if topic.error is None:
        return len(topic.partitions)
    if topic.error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.LEADER_NOT_AVAILABLE):
        return 0
    raise KafkaException(topic.error)


def _config(admin: AdminClient, name: str) -> dict[str, Any]:
    """What was set for the topic itself, as the real plugin reads it."""
    resource = ConfigResource(ResourceType.TOPIC, name)
    found = admin.describe_configs([resource])[resource].result()
    return {
        setting: entry.value
        for setting, entry in found.items()
        if entry.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    }


def _fewer_partitions(_cloud: Cloud, state: Plain, inputs: Plain) -> set[str]:
    fewer = inputs.get("partitionsCount", PARTITIONS) < state["partitionsCount"]
    return {"partitionsCount"} if fewer else set()


KINDS: dict[str, Kind[Cloud]] = {
    "confluentcloud:index/kafkaTopic:KafkaTopic": Kind(
        properties={
            **rest.IN_CLUSTER,
            "topicName": Property(required=True, replaces=True),
            "partitionsCount": Property(default=PARTITIONS, replaces_if="if there are to be fewer"),
            "restEndpoint": Property(required=True),
            "config": Property(computed=True),
            "credentials": rest.CREDENTIALS,
        },
        secrets=frozenset({"credentials"}),
        create=_create,
        read=_read,
        update=_update,
        delete=_delete,
        replaces_with=_fewer_partitions,
        source=terraform_confluent("resource_kafka_topic.go", "v2, 0570377"),
    ),
}
