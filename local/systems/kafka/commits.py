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
    """Makes the broker refuse every offset commit, or accept them again, from a moment later on.

    A commit is a record of a topic whose largest record size is then too small for it: INVALID_COMMIT_OFFSET_SIZE
    (GroupMetadataManager.storeOffsets in Kafka's source). A member that joins then is refused, too.
    """
    how = AlterConfigOpType.SET if refused else AlterConfigOpType.DELETE
    size = ConfigEntry("max.message.bytes", "1", incremental_operation=how)
    changed = ConfigResource(ResourceType.TOPIC, _TOPIC, incremental_configs=[size])
    for done in admin.incremental_alter_configs([changed]).values():
        done.result()
