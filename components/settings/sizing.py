"""Sizes of objects, of parts of uploads, of heaps, and of instance types' memory."""

import math

from components.logzio import facts as logzio_facts

# The assumed upper bound of an archived event's size (8 KiB, uncompressed), and the round number of such events that
# Logz.io still fetches in an object: 6,100 x 8 KiB = 49,971,200 bytes.
EVENT_BYTES = 8192
MAX_FLUSH_SIZE = logzio_facts.MAX_OBJECT_BYTES // EVENT_BYTES // 100 * 100

MIB = 1024 * 1024
MIN_PART_SIZE = 5 * MIB  # S3's own lower bound for a part of an upload

# MiB of memory of instance types (AWS's tables): burstable types by size, others by the memory of their `large`. A type
# that is not in these tables is not checked.
_BURSTABLE = {"nano": 512, "micro": 1024, "small": 2048, "medium": 4096, "large": 8192, "xlarge": 16384}
_BURSTABLE_FAMILIES = {"t2", "t3", "t3a", "t4g"}
_LARGE = {
    **dict.fromkeys(("c5", "c5a", "c6i", "c6a", "c7i", "c7a", "c7i-flex", "c6g", "c7g", "c8g"), 4096),
    **dict.fromkeys(("m5", "m5a", "m6i", "m6a", "m7i", "m7a", "m7i-flex", "m6g", "m7g", "m8g"), 8192),
    **dict.fromkeys(("r5", "r5a", "r6i", "r6a", "r7i", "r7a", "r6g", "r7g", "r8g"), 16384),
}
_TIMES_LARGE = {"large": 1, "xlarge": 2, "2xlarge": 4, "4xlarge": 8}

# Memory for the system, for a package upgrade, and for the JVM outside of its heap.
OTHER_MEMORY_MB = 640

# Measured for one connector, with the elastic buffer on and parts of 5 MiB: 12 partitions run with 128 MiB of heap, and
# 50 run well with 512. `least_heap_mb` interpolates between both. Two connectors and 12 partitions need 256 MiB: with
# 192 the garbage collector runs all the time.
MEASURED_PARTITIONS = (12, 50)
MEASURED_HEAP_MB = (128, 512)
LEAST_HEAP_MB = MEASURED_HEAP_MB[0]


def least_heap_mb(partitions: int, part_size: int = MIN_PART_SIZE, connectors: int = 1) -> int:
    """The least heap in MiB for a number of partitions, with the elastic buffer on.

    Interpolated from the measurements with parts of 5 MiB. Larger parts (`part_size`, in bytes) may fill up in all
    partitions at once, so each partition adds the bytes beyond 5 MiB. Each connector has its own buffers for all
    partitions.
    """
    few, many = MEASURED_PARTITIONS
    slope = (MEASURED_HEAP_MB[1] - MEASURED_HEAP_MB[0]) / (many - few)
    larger_parts = partitions * (part_size - MIN_PART_SIZE) / MIB
    return connectors * math.ceil(LEAST_HEAP_MB + max(0, partitions - few) * slope + larger_parts)


def instance_memory_mb(instance_type: str) -> int | None:
    """MiB of memory of an instance type; None if it is not in the tables."""
    family, _, size = instance_type.partition(".")
    if family in _BURSTABLE_FAMILIES:
        return _BURSTABLE.get(size)
    if family in _LARGE and size in _TIMES_LARGE:
        return _LARGE[family] * _TIMES_LARGE[size]
    return None
