"""A bucket outlives its stack, and the next stack takes it over."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.booting import RUNNING, booting, fail_to_boot
from tests.engine.program_stack import BUCKET, ProgramStack, program_stack

DAYS = 30
EVENT = "topics/confluent-audit-log-events/partition=0/confluent-audit-log-events+0+0000000000.json.gz"


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[ProgramStack]:
    """Brought up and destroyed by each test."""
    with program_stack(tmp_path) as stack:
        yield stack


def test_a_kept_bucket_stays_guarded_and_the_next_up_takes_it_over(stack: ProgramStack) -> None:
    stack.set("archive", destroyWithData=False)
    stack.up()
    stack.destroy()

    s3 = stack.aws("s3")
    assert s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]

    stack.set("archive", adoptExisting=True)
    stack.up()
    assert stack.planned() == {}

    stack.set("archive", adoptExisting=False, destroyWithData=True)
    stack.up()
    stack.destroy()
    assert s3.list_buckets()["Buckets"] == []


def test_a_kept_bucket_is_taken_over_with_its_lock_and_gets_changed_settings(stack: ProgramStack) -> None:
    stack.set("archive", objectLockDays=DAYS, retentionDays=DAYS, destroyWithData=False)
    stack.up()
    s3 = stack.aws("s3")
    s3.put_object(Bucket=BUCKET, Key=EVENT, Body=b"1", ChecksumAlgorithm="CRC32")
    stack.destroy()
    assert _default_lock(stack) == ("COMPLIANCE", DAYS)

    stack.set("archive", adoptExisting=True, objectLockDays=2 * DAYS, retentionDays=2 * DAYS)
    stack.up()

    assert stack.planned() == {}
    rules = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    (retention,) = (rule for rule in rules if rule["ID"] == "retention-topics")
    assert retention["Expiration"]["Days"] == 2 * DAYS
    assert _default_lock(stack) == ("COMPLIANCE", 2 * DAYS)
    assert s3.get_object(Bucket=BUCKET, Key=EVENT)["Body"].read() == b"1"


def test_another_bucket_that_failed_can_be_taken_back(stack: ProgramStack) -> None:
    """With `destroyWithData`: what waits to be deleted would be deleted with all events."""
    stack.up()
    s3 = stack.aws("s3")
    s3.put_object(Bucket=BUCKET, Key=EVENT, Body=b"1")
    stack.set("archive", bucket=f"{BUCKET}-2")
    stack.set("worker", bootMinutes=5)
    fail_to_boot(stack)
    assert {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]} == {BUCKET, f"{BUCKET}-2"}

    stack.set("archive", bucket=BUCKET)
    with booting(stack, lambda _: RUNNING):
        stack.up()

    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == [BUCKET]
    assert s3.get_object(Bucket=BUCKET, Key=EVENT)["Body"].read() == b"1"
    assert s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    stack.refresh()
    assert stack.planned() == {}
    stack.destroy()


def _default_lock(stack: ProgramStack) -> tuple[str, int]:
    lock = stack.aws("s3").get_object_lock_configuration(Bucket=BUCKET)["ObjectLockConfiguration"]
    retention = lock["Rule"]["DefaultRetention"]
    return retention["Mode"], retention["Days"]
