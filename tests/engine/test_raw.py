"""Format `raw` against a real stack: the bucket has what no JSON archive can hold, byte for byte."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.archive import layout
from local.base.objects import content
from local.base.waiting import wait_until
from local.proofs import client
from local.proofs.history import reader
from local.proofs.history.places import Topic
from local.proofs.nemesis import poison
from local.proofs.nemesis.target import Target
from local.systems.kafka.client import TOPIC, client_config
from tests.local.booted import booted

POISON: Mapping[str, bytes | None] = {
    **poison.unreadable("0b5e0b1c-7a52-4b8e-9d0f-0a2f6f1c7f11"),
    "null": None,
    "nothing": b"",
    "a line break": b'{"id":\n"in two lines"}\r\n',
    "every byte": bytes(range(256)),
    "8 MB": b"x" * 8_000_000,
}
ORDINARY = 200


@dataclass(frozen=True)
class Seen:
    """What was in Kafka, in the bucket and in the journal when all was archived; bytes by partition."""

    offsets: Mapping[str, int]
    sent: Mapping[int, bytes]
    archived: Mapping[int, bytes]
    journal: list[str]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    state = tmp_path_factory.mktemp("raw")
    with booted(state, {"connector": {"format": "raw"}}) as stack:
        target = Target(stack)
        began = time.time()
        offsets = poison.produce(target, POISON)
        # After the poison: the sink must get past it.
        client.feed(state, client_config(state), ORDINARY)
        sent = sent_bytes(state)
        wait_until(lambda: size(archived_bytes(target)) >= size(sent), "all bytes are archived")
        # It counts once a minute what was skipped.
        archived_at = time.time()
        target.wait_for_journal('"TaskRunning": 1', archived_at)
        yield Seen(offsets, sent, archived_bytes(target), target.journal(began))


def sent_bytes(state: Path) -> dict[int, bytes]:
    """Each partition's values that are not null, a line break after each: what an archive of them is."""
    with closing(Topic(client_config(state), TOPIC)) as topic:
        records = sorted(topic.new_records())
    values: defaultdict[int, bytes] = defaultdict(bytes)
    for record in records:
        if record.value is not None:
            values[record.partition] += record.value + b"\n"
    return dict(values)


def archived_bytes(target: Target) -> dict[int, bytes]:
    """The content of each partition's objects, in their order."""
    bucket = reader.bucket(target.deployment)
    bodies: defaultdict[int, bytes] = defaultdict(bytes)
    for listed in bucket.listing():
        if (key := layout.parse_data_key(listed.key)) is not None:
            bodies[key.partition] += content(listed.key, bucket.read(listed.key))
    return dict(bodies)


def size(by_partition: Mapping[int, bytes]) -> int:
    return sum(map(len, by_partition.values()))


def test_every_partition_is_archived_byte_for_byte(seen: Seen) -> None:
    assert seen.archived.keys() == seen.sent.keys()
    # Not the bytes themselves: a failure would print megabytes.
    different = [partition for partition, sent in seen.sent.items() if seen.archived[partition] != sent]
    assert different == []


@pytest.mark.parametrize("name", [name for name, value in POISON.items() if value])
def test_the_archive_has_a_record_that_is_not_an_event(seen: Seen, name: str) -> None:
    assert (POISON[name] or b"") + b"\n" in seen.archived[poison.PARTITION]


def test_only_the_null_is_skipped_and_the_task_never_stops(seen: Seen) -> None:
    assert poison.named_offsets(seen.journal, poison.PARTITION) == {seen.offsets["null"]}
    assert poison.counted(seen.journal) == 1
    assert not any("Task is being killed" in line for line in seen.journal)
