"""An archive with what few set: format `raw`, and Object Lock.

Of each partition the bucket has the very bytes that Kafka has, and nobody can delete them.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from components.archive import layout
from local.base.objects import content
from local.base.waiting import wait_until
from local.proofs import client
from local.proofs.history import reader
from local.proofs.history.places import Topic
from local.proofs.nemesis import poison
from local.proofs.nemesis.target import Target
from local.stack import deployment
from local.stack.deployment import LocalDeployment
from local.systems.kafka.client import TOPIC, client_config
from tests.local.booted import booted

DAYS = 30
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "connector": {"format": "raw"},
    "archive": {"objectLockDays": DAYS, "retentionDays": DAYS, "destroyWithData": False},
}
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

    running: LocalDeployment
    offsets: Mapping[str, int]
    sent: Mapping[int, bytes]
    archived: Mapping[int, bytes]
    journal: list[str]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    state = tmp_path_factory.mktemp("archive")
    with booted(state, SETTINGS) as stack:
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
        yield Seen(stack, offsets, sent, archived_bytes(target), target.journal(began))


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


@pytest.fixture
def running(seen: Seen) -> LocalDeployment:
    """The stack, with all events archived."""
    return seen.running


def test_logzio_reads_every_object_of_events(running: LocalDeployment) -> None:
    keys = {str(stored["Key"]) for stored in _data_objects(running)}
    events = {key for key in keys if key.startswith("topics/")}
    store, read = reader.delivered(running), set[str]()

    def is_read() -> bool:
        read.update(row.key for row in store.new_rows())
        return read >= events

    assert events
    wait_until(is_read, "Logz.io has lines of every object")


def _data_objects(running: LocalDeployment) -> list[dict[str, Any]]:
    """Every version of every archived object."""
    pages = running.aws("s3").get_paginator("list_object_versions").paginate(Bucket=deployment.BUCKET)
    return [
        version for page in pages for version in page["Versions"] if layout.parse_data_key(version["Key"])
    ]


def _default_lock(running: LocalDeployment) -> tuple[str, int]:
    lock = running.aws("s3").get_object_lock_configuration(Bucket=deployment.BUCKET)[
        "ObjectLockConfiguration"
    ]
    retention = lock["Rule"]["DefaultRetention"]
    return retention["Mode"], retention["Days"]


def test_every_object_is_locked_for_the_days_that_were_set(running: LocalDeployment) -> None:
    objects = _data_objects(running)

    assert objects
    for stored in objects:
        head = running.aws("s3").head_object(
            Bucket=deployment.BUCKET, Key=stored["Key"], VersionId=stored["VersionId"]
        )
        assert head["ObjectLockMode"] == "COMPLIANCE"
        assert (head["ObjectLockRetainUntilDate"] - stored["LastModified"]).days in (DAYS - 1, DAYS)


def test_not_even_who_runs_pulumi_can_delete_an_event(running: LocalDeployment) -> None:
    stored = _data_objects(running)[0]

    with pytest.raises(ClientError, match="AccessDenied"):
        running.aws("s3").delete_object(
            Bucket=deployment.BUCKET,
            Key=stored["Key"],
            VersionId=stored["VersionId"],
            BypassGovernanceRetention=True,
        )

    # Without a version, S3 hides it behind a marker: the event itself stays, and comes back without the marker.
    marker = running.aws("s3").delete_object(Bucket=deployment.BUCKET, Key=stored["Key"])
    running.aws("s3").delete_object(
        Bucket=deployment.BUCKET, Key=stored["Key"], VersionId=marker["VersionId"]
    )
    assert (
        running.aws("s3").head_object(Bucket=deployment.BUCKET, Key=stored["Key"])["VersionId"]
        == stored["VersionId"]
    )


def test_an_overwritten_event_keeps_its_earlier_version(running: LocalDeployment) -> None:
    stored = _data_objects(running)[0]
    before = running.aws("s3").get_object(Bucket=deployment.BUCKET, Key=stored["Key"])["Body"].read()

    other = running.aws("s3").put_object(
        Bucket=deployment.BUCKET, Key=stored["Key"], Body=b"", ChecksumAlgorithm="CRC32"
    )

    kept = running.aws("s3").get_object(
        Bucket=deployment.BUCKET, Key=stored["Key"], VersionId=stored["VersionId"]
    )
    assert kept["Body"].read() == before
    assert other["VersionId"] != stored["VersionId"]


def test_neither_a_preview_nor_a_refresh_shows_a_change(running: LocalDeployment) -> None:
    running.pulumi("preview", "--expect-no-changes")
    running.pulumi("refresh", "--yes", "--expect-no-changes")


def test_destroy_keeps_the_bucket_its_lock_and_every_event(running: LocalDeployment) -> None:
    before = {(stored["Key"], stored["VersionId"]) for stored in _data_objects(running)}

    running.destroy()

    assert {(stored["Key"], stored["VersionId"]) for stored in _data_objects(running)} == before
    assert _default_lock(running) == ("COMPLIANCE", DAYS)
