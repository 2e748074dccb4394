"""Where an object stands in the bucket: the one place that knows the S3 sink's key layout.

The connector writes (DefaultPartitioner, file delimiter `+`, pad width 20)::

    <topics_dir>/<topic>/partition=<n>/<topic>+<n>+<start offset, 20 digits>.json.gz

Logz.io reads each prefix in alphabetical order and never looks back, so a prefix must hold keys of one
Kafka partition only, and the padding must never change.
"""

import re
from dataclasses import dataclass

OFFSET_DIGITS = 20

FILE_DELIMITER = "+"

# `!` sorts before every character that a Kafka topic name may hold ([A-Za-z0-9._-]).
SENTINEL_NAME = "!logzio-init"

# Beside the topics directory, where Logz.io does not read: the files of the VM, and each record as Confluent sent it,
# under keys of the same form as in the topics directory.
WORKER_FILES = "worker-files"
ORIGINALS = "originals"
RESERVED = (WORKER_FILES, ORIGINALS)
"""First parts of keys that are not for the topics directory."""

_DATA_KEY = re.compile(
    r"^(?P<prefix>.+/)?(?P<topic>[A-Za-z0-9._-]+)/partition=(?P<partition>\d+)/"
    r"(?P=topic)\+(?P=partition)\+(?P<offset>\d{20})(?P<extension>\.[a-z.]+)$"
)


@dataclass(frozen=True)
class DataKey:
    """One archived object: the topic and partition it came from and the offset of its first record."""

    topic: str
    partition: int
    start_offset: int
    extension: str


def topic_prefix(topics_dir: str, topic: str) -> str:
    """The prefix of all objects of a topic, with its trailing slash."""
    return f"{topics_dir}/{topic}/"


def partition_prefix(topics_dir: str, topic: str, partition: int) -> str:
    """The prefix of all objects of one partition.

    The trailing slash matters: `partition=1` would match partitions 10 and 11 too.
    """
    return f"{topic_prefix(topics_dir, topic)}partition={partition}/"


def sentinel_key(topics_dir: str, topic: str, partition: int) -> str:
    """The key of the empty object that stands under a prefix before Logz.io is told of it."""
    return partition_prefix(topics_dir, topic, partition) + SENTINEL_NAME


def worker_files_key(sha256: str) -> str:
    """The key of the archive of the VM's files that has this SHA-256 (64 hexadecimal digits)."""
    return f"{WORKER_FILES}/{sha256}.tar.bz2"


def key_start(topics_dir: str, topic: str, partition: int, offset: int) -> str:
    """What the key of an object begins with whose first record has this offset: all but the extension."""
    prefix = partition_prefix(topics_dir, topic, partition)
    return f"{prefix}{topic}{FILE_DELIMITER}{partition}{FILE_DELIMITER}{offset:0{OFFSET_DIGITS}d}"


def parse_data_key(key: str) -> DataKey | None:
    """Takes a key apart; None for what is no data object (a sentinel, a foreign object)."""
    match = _DATA_KEY.match(key)
    if match is None:
        return None
    return DataKey(
        topic=match["topic"],
        partition=int(match["partition"]),
        start_offset=int(match["offset"]),
        extension=match["extension"],
    )
