"""Format `raw` against a real stack: what no JSON archive can hold stands in the bucket, byte for byte."""

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
from local.proofs import producer
from local.proofs.chaos import poison
from local.proofs.chaos.stage import Stage
from local.proofs.checker.places import Topic
from local.proofs.demo import stages
from local.systems.kafka import client
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
    """What stood in Kafka, in the bucket and in the journal when all was archived; bytes by partition."""

    offsets: Mapping[str, int]
    sent: Mapping[int, bytes]
    archived: Mapping[int, bytes]
    journal: list[str]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    state = tmp_path_factory.mktemp("raw")
    with booted(state, {"connector": {"format": "raw"}}) as stack:
        stage = Stage(stack)
        began = time.time()
        offsets = poison.produce(stage, POISON)
        # After it: what passes the poison by is archived, too.
        producer.feed(state, client.client_config(state), ORDINARY)
        sent = sent_bytes(state)
        wait_until(lambda: size(archived_bytes(stage)) >= size(sent), "all bytes are archived")
        # It counts once a minute what was skipped.
        archived_at = time.time()
        stage.wait_for_journal('"TaskRunning": 1', archived_at)
        yield Seen(offsets, sent, archived_bytes(stage), stage.journal(began))


def sent_bytes(state: Path) -> dict[int, bytes]:
    """Each partition's values that are not null, a line break after each: what an archive of them is."""
    with closing(Topic(client.client_config(state), client.TOPIC)) as topic:
        records = sorted(topic.new_records())
    values: defaultdict[int, bytes] = defaultdict(bytes)
    for record in records:
        if record.value is not None:
            values[record.partition] += record.value + b"\n"
    return dict(values)


def archived_bytes(stage: Stage) -> dict[int, bytes]:
    """All that stands in each partition's objects, in their order."""
    bucket = stages.bucket(stage.deployment)
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
def test_a_record_that_is_no_event_stands_in_the_archive(seen: Seen, name: str) -> None:
    assert (POISON[name] or b"") + b"\n" in seen.archived[poison.PARTITION]


def test_nothing_but_the_null_is_skipped_and_the_task_never_stops(seen: Seen) -> None:
    assert poison.named_offsets(seen.journal, poison.PARTITION) == {seen.offsets["null"]}
    assert poison.counted(seen.journal) == 1
    assert not any("Task is being killed" in line for line in seen.journal)
