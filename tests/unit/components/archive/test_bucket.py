import json
from typing import Any

import pytest

from components import policies
from components.archive.bucket import AuditLogArchive, AuditLogArchiveArgs
from tests.unit.components.recorder import Recorder, record

KEY = "arn:aws:kms:us-west-2:111122223333:key/0d6f5b0e-2f6e-4a35-9a53-2b8c7d1f0a11"
GUARDS = [
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketPolicy:BucketPolicy",
]
BUCKET = "aws:s3/bucket:Bucket"
COMPONENT = "logexporter:archive:AuditLogArchive"
SENTINEL = "aws:s3/bucketObjectv2:BucketObjectv2"


def archive(**changed: Any) -> Recorder:
    given: dict[str, Any] = {
        "bucket": "logexporter-ccloud",
        "sentinel_keys": ["topics/t/partition=0/!logzio-init", "topics/t/partition=1/!logzio-init"],
        "tags": {"Project": "ccloud-logexporter"},
        "retention_days": {},
    }
    return record(lambda: AuditLogArchive("archive", AuditLogArchiveArgs(**{**given, **changed})))


def lifecycle(recorder: Recorder) -> dict[str, Any]:
    rules = recorder.one(GUARDS[3]).inputs["rules"]
    return {rule["id"]: rule for rule in rules}


def test_a_bucket_outlives_its_stack_with_all_its_guards_by_default() -> None:
    recorder = archive()

    for type_ in [BUCKET, *GUARDS]:
        assert recorder.one(type_).retain_on_delete, type_
    assert recorder.one(BUCKET).inputs["forceDestroy"] is False


def test_a_bucket_that_is_to_go_with_its_data_goes_with_all_its_guards() -> None:
    recorder = archive(destroy_with_data=True)

    for type_ in [BUCKET, *GUARDS]:
        assert not recorder.one(type_).retain_on_delete, type_
    assert recorder.one(BUCKET).inputs["forceDestroy"] is True


@pytest.mark.parametrize("days", [None, 400])
def test_adopting_a_bucket_imports_the_bucket_alone(
    days: int | None,
) -> None:
    recorder = archive(adopt_existing=True, object_lock_days=days)

    assert {registration.type for registration in recorder.registrations if registration.import_id} == {
        BUCKET
    }
    assert recorder.one(BUCKET).import_id == "logexporter-ccloud"


def test_nothing_is_taken_over_unasked() -> None:
    recorder = archive()

    assert {registration.import_id for registration in recorder.registrations} == {""}


def test_nothing_of_the_bucket_is_ever_public() -> None:
    inputs = archive().one(GUARDS[0]).inputs

    assert {inputs[name] for name in inputs if name != "bucket"} == {True}
    assert len(inputs) == 5


def test_the_owner_of_the_bucket_owns_every_object() -> None:
    assert archive().one(GUARDS[1]).inputs["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


def test_objects_are_encrypted_with_s3s_own_key_by_default() -> None:
    (rule,) = archive().one(GUARDS[2]).inputs["rules"]

    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}


def test_objects_are_encrypted_with_the_organisations_key_when_one_is_given() -> None:
    (rule,) = archive(kms_key_arn=KEY).one(GUARDS[2]).inputs["rules"]

    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}
    assert rule["bucketKeyEnabled"] is True


def test_unfinished_uploads_are_dropped_after_a_week_and_events_are_kept_by_default() -> None:
    rules = lifecycle(archive())

    assert list(rules) == ["drop-unfinished-uploads"]
    assert rules["drop-unfinished-uploads"]["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}


def test_retention_expires_events_and_leaves_the_empty_sentinels_and_the_vms_files() -> None:
    retention = lifecycle(archive(retention_days={"topics/": 400}))["retention-topics"]

    assert retention["expiration"] == {"days": 400}
    assert retention["filter"] == {"and": {"prefix": "topics/", "objectSizeGreaterThan": 1}}


def test_each_prefix_of_events_has_a_retention_rule_of_its_own() -> None:
    rules = lifecycle(archive(retention_days={"a/b/": 400, "c/": 30}))

    expiring = {rule: content for rule, content in rules.items() if "days" in content.get("expiration", {})}
    assert {
        rule: (content["filter"]["and"]["prefix"], content["expiration"]["days"])
        for rule, content in expiring.items()
    } == {"retention-a/b": ("a/b/", 400), "retention-c": ("c/", 30)}


def test_the_bucket_policy_comes_after_the_public_access_block() -> None:
    recorder = archive()

    assert recorder.one(GUARDS[0]).urn in recorder.needs(recorder.one(GUARDS[4]))


VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"


def test_nothing_is_locked_and_no_version_is_kept_by_default() -> None:
    recorder = archive()

    assert recorder.of_type(VERSIONING) + recorder.of_type(LOCK) == []
    assert "objectLockEnabled" not in recorder.one(BUCKET).inputs


def test_a_lock_holds_every_event_for_its_days_against_everybody() -> None:
    recorder = archive(object_lock_days=400)

    assert recorder.one(BUCKET).inputs["objectLockEnabled"] is True
    assert recorder.one(VERSIONING).inputs["versioningConfiguration"] == {"status": "Enabled"}
    assert recorder.one(LOCK).inputs["rule"] == {"defaultRetention": {"mode": "COMPLIANCE", "days": 400}}
    assert recorder.one(VERSIONING).urn in recorder.needs(recorder.one(LOCK))


@pytest.mark.parametrize("days", [None, 400])
def test_a_later_lock_does_not_replace_the_bucket(days: int | None) -> None:
    assert archive(object_lock_days=days).one(BUCKET).ignore_changes == ("objectLockEnabled",)


def test_an_event_is_locked_from_the_first_one_on() -> None:
    recorder = archive(object_lock_days=400)

    for sentinel in recorder.of_type(SENTINEL):
        assert recorder.one(LOCK).urn in recorder.needs(sentinel)


def test_a_locked_bucket_outlives_its_stack_with_its_lock_and_its_locked_sentinels() -> None:
    recorder = archive(object_lock_days=400)

    for resource in [recorder.one(VERSIONING), recorder.one(LOCK), *recorder.of_type(SENTINEL)]:
        assert resource.retain_on_delete, resource.urn


def test_the_lock_that_a_sentinel_takes_from_its_bucket_is_no_change() -> None:
    ignored = {sentinel.ignore_changes for sentinel in archive(object_lock_days=400).of_type(SENTINEL)}

    assert ignored == {("objectLockMode", "objectLockRetainUntilDate")}


def test_sentinels_stay_in_a_kept_bucket() -> None:
    assert {sentinel.retain_on_delete for sentinel in archive().of_type(SENTINEL)} == {True}
    assert {sentinel.retain_on_delete for sentinel in archive(destroy_with_data=True).of_type(SENTINEL)} == {
        False
    }


@pytest.mark.parametrize(("lock", "later"), [(400, 1), (None, 400)])
def test_retention_deletes_versions_also_after_the_lock_that_brought_them(
    lock: int | None, later: int
) -> None:
    rules = lifecycle(archive(retention_days={"topics/": 400}, object_lock_days=lock))

    assert rules["retention-topics"]["noncurrentVersionExpiration"] == {"noncurrentDays": later}
    # In a rule of its own: S3 takes it in none with a size.
    assert rules["drop-markers"]["expiration"] == {"expiredObjectDeleteMarker": True}
    assert rules["drop-markers"]["filter"] == {"prefix": ""}


def test_without_retention_nothing_expires() -> None:
    assert list(lifecycle(archive(object_lock_days=400))) == ["drop-unfinished-uploads"]


@pytest.mark.parametrize("key", [None, KEY])
def test_the_bucket_has_the_policy_of_its_encryption(key: str | None) -> None:
    policy = json.loads(archive(kms_key_arn=key).one(GUARDS[4]).inputs["policy"])

    assert policy == json.loads(policies.to_json(policies.bucket("logexporter-ccloud", key)))


def test_each_prefix_gets_an_empty_sentinel_after_the_buckets_guards() -> None:
    recorder = archive()
    sentinels = recorder.of_type(SENTINEL)

    assert [sentinel.inputs["key"] for sentinel in sentinels] == [
        "topics/t/partition=0/!logzio-init",
        "topics/t/partition=1/!logzio-init",
    ]
    for sentinel in sentinels:
        assert sentinel.inputs["content"] == ""
        assert {recorder.one(guard).urn for guard in GUARDS} <= recorder.needs(sentinel)


@pytest.mark.parametrize("destroy", [True, False])
def test_nothing_is_protected_since_destroy_would_fail(destroy: bool) -> None:
    assert not any(registration.protect for registration in archive(destroy_with_data=destroy).registrations)


def test_nothing_is_replaced_for_another_bucket() -> None:
    """A replaced bucket would wait to be deleted, even after an `up` that takes the change back."""
    first, second = (archive(bucket=name, object_lock_days=400) for name in ("first", "second"))

    assert len(first.registrations) == len(second.registrations)
    assert {made.name for made in first.registrations if made.type != COMPONENT}.isdisjoint(
        made.name for made in second.registrations
    )


def test_a_stack_whose_logical_names_lack_the_buckets_keeps_everything() -> None:
    for made in archive(bucket="audit", object_lock_days=400).registrations:
        if made.type != COMPONENT:
            assert made.name.replace("-audit", "", 1) in made.aliases
