"""The keys of all objects in the bucket. No other module knows the S3 sink's key layout.

The connector writes (file delimiter `+`, pad width 20), by `connector.partitioner`::

    ordered  <topics_dir>/<topic>/partition=<n>/<topic>-<stamp>/<topic>+<n>+<start offset, 20 digits>.json.gz
    default  <topics_dir>/<topic>/partition=<n>/<topic>+<n>+<start offset, 20 digits>.json.gz

Logz.io reads each prefix in alphabetical order and never looks back, so a prefix must hold keys of one Kafka
partition only, and each new key must sort after those before it. The stamp, the time (UTC) at which the sink opened
the object's file, sees to that; without it an object that begins at an earlier offset sorts earlier. `-` sorts after
`+`, so a prefix that was filled without stamps goes on being read with them, but never the other way round.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

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

# components/worker/files: OrderedPartitioner.java writes it, check_keys.py reads it. Of fixed width, so that it sorts.
STAMP_FORMAT = "%Y%m%dT%H%M%S.%fZ"
_STAMP = r"\d{8}T\d{6}\.\d{3}Z"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_DATA_KEY = re.compile(
    r"^(?P<prefix>.+/)?(?P<topic>[A-Za-z0-9._-]+)/partition=(?P<partition>\d+)/"
    rf"(?:(?P=topic)-(?P<stamp>{_STAMP})/)?"
    r"(?P=topic)\+(?P=partition)\+(?P<offset>\d{20})(?P<extension>\.[a-z.]+)$"
)


@dataclass(frozen=True)
class DataKey:
    """One archived object: the topic and partition it came from and the offset of its first record.

    `opened` is when its file was opened, in whole milliseconds since the epoch; None without a stamp.
    """

    topic: str
    partition: int
    start_offset: int
    extension: str
    opened: int | None = None


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


def stamp(opened: int) -> str:
    """The stamp of a time (milliseconds since the epoch). Stamps sort in the order of their times."""
    at = (_EPOCH + timedelta(milliseconds=opened)).strftime(STAMP_FORMAT)
    # %f has six digits; Java's pattern has three.
    return f"{at[:-4]}Z"


def stamped_start(topics_dir: str, topic: str, partition: int, opened: int | None = None) -> str:
    """What the key of an object begins with whose file was opened at this time; at any time if None.

    All keys with an earlier stamp, and all without one, sort before it.
    """
    start = f"{partition_prefix(topics_dir, topic, partition)}{topic}-"
    return start if opened is None else start + stamp(opened)


def stamped_template(topics_dir: str) -> str:
    """`stamped_start` of any partition, with `{topic}` and `{partition}` for str.format: check_keys.py on the VM."""
    return f"{topics_dir}/{{topic}}/partition={{partition}}/{{topic}}-"


def key_start(topics_dir: str, topic: str, partition: int, offset: int) -> str:
    """What the key of an object without a stamp begins with whose first record has this offset.

    That is all but the extension.
    """
    prefix = partition_prefix(topics_dir, topic, partition)
    return f"{prefix}{topic}{FILE_DELIMITER}{partition}{FILE_DELIMITER}{offset:0{OFFSET_DIGITS}d}"


def parse_data_key(key: str) -> DataKey | None:
    """Parses a key; None if it is not a data object's (a sentinel's, a foreign object's)."""
    match = _DATA_KEY.match(key)
    if match is None:
        return None
    try:
        opened = None if match["stamp"] is None else _milliseconds(match["stamp"])
    except ValueError:
        # Digits that are no date: nothing of the sink's.
        return None
    return DataKey(
        topic=match["topic"],
        partition=int(match["partition"]),
        start_offset=int(match["offset"]),
        extension=match["extension"],
        opened=opened,
    )


def _milliseconds(stamp: str) -> int:
    at = datetime.strptime(stamp, STAMP_FORMAT).replace(tzinfo=UTC)
    return (at - _EPOCH) // timedelta(milliseconds=1)
