"""How large things are: objects, parts of uploads, heaps and instance types."""

import math

from components.logzio import facts as logzio_facts

# The bytes that one archived event is taken to need at most when objects are sized (8 KiB, uncompressed), and
# the round number of them that stays under what Logz.io fetches: 6,100 x 8 KiB = 49,971,200 bytes.
EVENT_BYTES = 8192
MAX_FLUSH_SIZE = logzio_facts.MAX_OBJECT_BYTES // EVENT_BYTES // 100 * 100

MIB = 1024 * 1024
MIN_PART_SIZE = 5 * MIB  # S3's own lower bound for a part of an upload

# MiB of memory of instance types (AWS's tables): the burstable ones by size, the others by what their
# `large` has. A type that is not here is not checked.
_BURSTABLE = {"nano": 512, "micro": 1024, "small": 2048, "medium": 4096, "large": 8192, "xlarge": 16384}
_BURSTABLE_FAMILIES = {"t2", "t3", "t3a", "t4g"}
_LARGE = {
    **dict.fromkeys(("c5", "c5a", "c6i", "c6a", "c7i", "c7a", "c7i-flex", "c6g", "c7g", "c8g"), 4096),
    **dict.fromkeys(("m5", "m5a", "m6i", "m6a", "m7i", "m7a", "m7i-flex", "m6g", "m7g", "m8g"), 8192),
    **dict.fromkeys(("r5", "r5a", "r6i", "r6a", "r7i", "r7a", "r6g", "r7g", "r8g"), 16384),
}
_TIMES_LARGE = {"large": 1, "xlarge": 2, "2xlarge": 4, "4xlarge": 8}

# What the system, the JVM's own needs and a package upgrade take beside the heap.
OTHER_MEMORY_MB = 640

# Measured for one connector, with the elastic buffer on and parts of 5 MiB: 12 partitions run with 128 MiB of heap, 50
# are comfortable with 512. `least_heap_mb` draws the line through both. Two connectors and 12 partitions take 256 MiB:
# with 192 the collector runs all the time.
MEASURED_PARTITIONS = (12, 50)
MEASURED_HEAP_MB = (128, 512)
LEAST_HEAP_MB = MEASURED_HEAP_MB[0]


def least_heap_mb(partitions: int, part_size: int = MIN_PART_SIZE, connectors: int = 1) -> int:
    """The least heap in MiB for a number of partitions, with the elastic buffer on.

    A line through what was measured with parts of 5 MiB. A larger part (`part_size`, in bytes) may fill up in
    each partition at once, so that what it has more comes on top for each of them. Each connector has buffers of its
    own for all partitions.
    """
    few, many = MEASURED_PARTITIONS
    slope = (MEASURED_HEAP_MB[1] - MEASURED_HEAP_MB[0]) / (many - few)
    larger_parts = partitions * (part_size - MIN_PART_SIZE) / MIB
    return connectors * math.ceil(LEAST_HEAP_MB + max(0, partitions - few) * slope + larger_parts)


def instance_memory_mb(instance_type: str) -> int | None:
    """MiB of memory of an instance type; None for one that is not in the tables."""
    family, _, size = instance_type.partition(".")
    if family in _BURSTABLE_FAMILIES:
        return _BURSTABLE.get(size)
    if family in _LARGE and size in _TIMES_LARGE:
        return _LARGE[family] * _TIMES_LARGE[size]
    return None
