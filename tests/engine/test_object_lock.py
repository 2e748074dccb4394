"""An archive whose events nobody can delete: the program with archive.objectLockDays on the whole local stack."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from components.archive import layout
from local.proofs import client
from local.proofs.checker import following
from local.stack import deployment
from local.stack.deployment import LocalDeployment
from tests.local.booted import booted

DAYS = 30
LOCKED = {"archive": {"objectLockDays": DAYS, "retentionDays": DAYS, "destroyWithData": False}}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalDeployment]:
    """A stack that was brought up, with its VM booted and 300 events that are archived and delivered."""
    with booted(tmp_path_factory.mktemp("lock"), LOCKED) as stack:
        client.produce(stack, 300)
        result = following.check(stack)
        assert result.ok, result.explain()
        yield stack


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
    refresh = ("refresh", "--yes", "--expect-no-changes")
    running.pulumi(*refresh)


def test_destroy_keeps_the_bucket_its_lock_and_every_event(running: LocalDeployment) -> None:
    before = {(stored["Key"], stored["VersionId"]) for stored in _data_objects(running)}

    running.destroy()

    assert {(stored["Key"], stored["VersionId"]) for stored in _data_objects(running)} == before
    assert _default_lock(running) == ("COMPLIANCE", DAYS)
