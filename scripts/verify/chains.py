"""The chains of a stack: each connector has its own consumer group and its own folder in the bucket."""

from dataclasses import dataclass

from components.archive import layout
from components.owner import Owner
from components.settings import Settings
from components.worker.connect import originals_group
from components.worker_settings import consumer_group


@dataclass(frozen=True)
class Chain:
    """A connector with its source in Kafka and its folder in the bucket.

    Attributes:
        is_json: whether the connector skips records that are not JSON objects.
        delivered: whether Logz.io reads the folder.
        rotation_seconds: the longest time that an event waits for its object.
    """

    name: str
    group: str
    folder: str
    is_json: bool
    delivered: bool
    rotation_seconds: int

    def prefix(self, topic: str, partition: int) -> str:
        """The prefix of a partition's objects."""
        return layout.partition_prefix(self.folder, topic, partition)


def chains(settings: Settings, project: str, stack: str) -> list[Chain]:
    """The chains of a stack: that of the events, and that of the originals if they are archived."""
    connector, archive = settings.connector, settings.archive
    found = [
        Chain(
            name="events",
            group=consumer_group(settings, Owner(project, stack)),
            folder=connector.topics_dir,
            is_json=connector.format == "json",
            delivered=True,
            rotation_seconds=connector.rotation_seconds,
        )
    ]
    if settings.originals:
        found.append(
            Chain(
                name="originals",
                group=originals_group(Owner(project, stack), archive.bucket),
                folder=layout.ORIGINALS,
                is_json=False,
                delivered=False,
                rotation_seconds=archive.originals_rotation_seconds,
            )
        )
    return found
