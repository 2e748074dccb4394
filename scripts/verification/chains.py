"""What of a stack is followed: each connector has a consumer group and a folder of its own."""

from dataclasses import dataclass

from components.archive import layout
from components.owner import Owner
from components.settings import Settings
from components.worker.connect import originals_group
from components.worker_settings import consumer_group


@dataclass(frozen=True)
class Chain:
    """A connector's way from Kafka into the bucket. `is_json`: it leaves out records that are not JSON objects.

    `delivered`: Logz.io reads the folder. `rotation_seconds`: the most that an event waits for its object.
    """

    name: str
    group: str
    folder: str
    is_json: bool
    delivered: bool
    rotation_seconds: int

    def prefix(self, topic: str, partition: int) -> str:
        """Where a partition's objects are."""
        return layout.partition_prefix(self.folder, topic, partition)


def chains(settings: Settings, project: str, stack: str) -> list[Chain]:
    """The connectors of a stack."""
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
