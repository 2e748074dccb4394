"""What a measurement finds in Kafka (pure)."""

from dataclasses import dataclass

MB = 1_000_000

MOST_PER_PARTITION = 50_000
"""So that the connector for originals, too, makes full objects: one of each partition."""

BATCH_BYTES = 16_384
"""Of a batch at most: the default of Kafka's Java producer (`batch.size`). The size of Confluent's is not known."""


@dataclass(frozen=True)
class Backlog:
    """Events in Kafka. All objects of them are full, so that no run waits for a rotation.

    Attributes:
        flush_size: most events in an object; it divides `per_partition`.
        batch_bytes: of a batch at most; a producer sends events in batches, and Kafka keeps them so.
    """

    partitions: int
    per_partition: int
    flush_size: int
    batch_bytes: int = BATCH_BYTES

    @property
    def events(self) -> int:
        """Of all partitions."""
        return self.partitions * self.per_partition

    def objects(self, flush_size: int) -> int:
        """That it takes to archive them with a connector's flush size."""
        return self.events // flush_size


def backlog(events: int, partitions: int, flush_size: int, batch_bytes: int = BATCH_BYTES) -> Backlog:
    """About so many events, the same number in each partition; objects of `flush_size`, or of fewer events at most."""
    share = min(MOST_PER_PARTITION, max(1, events // partitions))
    size = min(flush_size, share)
    return Backlog(partitions, share // size * size, size, batch_bytes)
