"""Offset commits that the broker refuses while everything else goes on."""

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them, without __all__
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

_TOPIC = "__consumer_offsets"
"""Made with the first consumer group."""


def refuse(admin: AdminClient, *, refused: bool) -> None:
    """Lets the broker refuse every offset commit, or take them again, from a moment later on.

    A commit is a record of a topic that takes none of any size then: INVALID_COMMIT_OFFSET_SIZE
    (GroupMetadataManager.storeOffsets in Kafka's source). A member that joins meanwhile is refused, too.
    """
    how = AlterConfigOpType.SET if refused else AlterConfigOpType.DELETE
    size = ConfigEntry("max.message.bytes", "1", incremental_operation=how)
    changed = ConfigResource(ResourceType.TOPIC, _TOPIC, incremental_configs=[size])
    for done in admin.incremental_alter_configs([changed]).values():
        done.result()
