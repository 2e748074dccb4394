"""What of a stack is followed: each connector has a consumer group and a folder of its own."""

from dataclasses import dataclass

from components import layout
from components.settings import Settings


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


def chains(settings: Settings) -> list[Chain]:
    """The connectors of a stack: the one place that knows their groups and folders."""
    connector = settings.connector
    return [
        Chain(
            name="events",
            group=f"connect-{connector.name}",
            folder=connector.topics_dir,
            is_json=connector.format == "json",
            delivered=True,
            rotation_seconds=connector.rotation_seconds,
        )
    ]
