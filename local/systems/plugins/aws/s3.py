"""Buckets, their sub-resources, and objects."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from local.systems.plugins.aws.connection import Connection, tag_list, tag_map, void
from local.systems.plugins.sources import NotVerified, Source, terraform_aws, terraform_aws_5
from local.systems.plugins.stand_in import Created, Kind, Property
from local.systems.plugins.values import Plain

TAGS = Property()


def _create_bucket(aws: Connection, inputs: Plain) -> Created:
    s3 = aws.client("s3")
    request: dict[str, Any] = {"Bucket": inputs["bucket"]}
    if aws.region != "us-east-1":
        request["CreateBucketConfiguration"] = {"LocationConstraint": aws.region}
    if inputs.get("objectLockEnabled"):
        request["ObjectLockEnabledForBucket"] = True
    s3.create_bucket(**request)
    _tag_bucket(aws, inputs)
    return Created(inputs["bucket"])


def _tag_bucket(aws: Connection, inputs: Plain) -> None:
    s3 = aws.client("s3")
    if inputs.get("tags"):
        s3.put_bucket_tagging(Bucket=inputs["bucket"], Tagging={"TagSet": tag_list(inputs["tags"])})
    else:
        s3.delete_bucket_tagging(Bucket=inputs["bucket"])


def _read_bucket(aws: Connection, bucket: str, state: Plain) -> Plain:
    s3 = aws.client("s3")
    s3.head_bucket(Bucket=bucket)
    region = s3.get_bucket_location(Bucket=bucket).get("LocationConstraint") or "us-east-1"
    return {
        "id": bucket,
        "bucket": bucket,
        "arn": f"arn:aws:s3:::{bucket}",
        "bucketDomainName": f"{bucket}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{bucket}.s3.{region}.amazonaws.com",
        "bucketRegion": region,
        "objectLockEnabled": _has_object_lock(aws, bucket),
        # Not a property of the bucket: what `destroy` does with the objects.
        "forceDestroy": state.get("forceDestroy", False),
        "tags": _bucket_tags(aws, bucket),
    }


def _has_object_lock(aws: Connection, bucket: str) -> bool:
    s3 = aws.client("s3")
    try:
        s3.get_object_lock_configuration(Bucket=bucket)
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "ObjectLockConfigurationNotFoundError":
            raise
        return False
    return True


def _bucket_tags(aws: Connection, bucket: str) -> dict[str, str]:
    s3 = aws.client("s3")
    try:
        return tag_map(s3.get_bucket_tagging(Bucket=bucket)["TagSet"])
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchTagSet":
            raise
        return {}


def _update_bucket(aws: Connection, _bucket: str, _state: Plain, inputs: Plain) -> None:
    _tag_bucket(aws, inputs)


def _delete_bucket(aws: Connection, bucket: str, state: Plain) -> None:
    if state.get("forceDestroy"):
        empty(aws, bucket)
    aws.client("s3").delete_bucket(Bucket=bucket)


def empty(aws: Connection, bucket: str) -> None:
    """Deletes all versions of all objects, and unfinished uploads."""
    s3 = aws.client("s3")
    # Always the first page. S3 also finds the page after a version that is deleted; moto does not.
    while versions := _versions(s3.list_object_versions(Bucket=bucket)):
        _delete_versions(aws, bucket, versions)
    while uploads := s3.list_multipart_uploads(Bucket=bucket).get("Uploads"):
        for upload in uploads:
            s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])


def _versions(page: Any) -> list[Any]:
    return [*page.get("Versions", []), *page.get("DeleteMarkers", [])]


def _delete_versions(aws: Connection, bucket: str, versions: list[Any]) -> None:
    objects: list[Any] = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions]
    if not objects:
        return
    answer = aws.client("s3").delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    for error in answer.get("Errors", []):
        raise RuntimeError(f"{bucket}/{error.get('Key')} cannot be deleted: {error.get('Message')}")


def _guard(
    properties: dict[str, Property],
    put: Callable[[Connection, str, Plain], object],
    get: Callable[[Connection, str, Plain], Plain],
    delete: Callable[[Connection, str], object],
    source: Source,
) -> Kind[Connection]:
    """A sub-resource of a bucket: its id is the bucket's name, and putting it again changes it.

    `get` returns its properties without `bucket`; it gets the former state.
    """

    def create(aws: Connection, inputs: Plain) -> Created:
        put(aws, inputs["bucket"], inputs)
        return Created(inputs["bucket"])

    def read(aws: Connection, bucket: str, state: Plain) -> Plain:
        return {"id": bucket, "bucket": bucket, **get(aws, bucket, state)}

    return Kind(
        properties={"bucket": Property(required=True, replaces=True), **properties},
        create=create,
        read=read,
        update=lambda aws, bucket, _state, inputs: void(put(aws, bucket, inputs)),
        delete=lambda aws, bucket, _state: void(delete(aws, bucket)),
        source=source,
    )


PUBLIC_ACCESS = {
    "blockPublicAcls": "BlockPublicAcls",
    "blockPublicPolicy": "BlockPublicPolicy",
    "ignorePublicAcls": "IgnorePublicAcls",
    "restrictPublicBuckets": "RestrictPublicBuckets",
}


def _put_public_access(aws: Connection, bucket: str, inputs: Plain) -> object:
    configuration: Any = {theirs: bool(inputs.get(ours)) for ours, theirs in PUBLIC_ACCESS.items()}
    return aws.client("s3").put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration=configuration
    )


def _get_public_access(aws: Connection, bucket: str, _state: Plain) -> Plain:
    found: Any = aws.client("s3").get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    return {ours: bool(found.get(theirs)) for ours, theirs in PUBLIC_ACCESS.items()}


def _put_ownership(aws: Connection, bucket: str, inputs: Plain) -> object:
    return aws.client("s3").put_bucket_ownership_controls(
        Bucket=bucket,
        OwnershipControls={"Rules": [{"ObjectOwnership": inputs["rule"]["objectOwnership"]}]},
    )


def _get_ownership(aws: Connection, bucket: str, _state: Plain) -> Plain:
    controls = aws.client("s3").get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]
    return {"rule": {"objectOwnership": controls["Rules"][0]["ObjectOwnership"]}}


def _put_encryption(aws: Connection, bucket: str, inputs: Plain) -> object:
    rules: list[Any] = []
    for rule in inputs["rules"]:
        default = rule.get("applyServerSideEncryptionByDefault") or {}
        by_default = {"SSEAlgorithm": default.get("sseAlgorithm", "AES256")}
        if default.get("kmsMasterKeyId"):
            by_default["KMSMasterKeyID"] = default["kmsMasterKeyId"]
        sent: dict[str, Any] = {
            "ApplyServerSideEncryptionByDefault": by_default,
            "BucketKeyEnabled": bool(rule.get("bucketKeyEnabled")),
        }
        if rule.get("blockedEncryptionTypes"):
            sent["BlockedEncryptionTypes"] = {"EncryptionType": rule["blockedEncryptionTypes"]}
        rules.append(sent)
    return aws.client("s3").put_bucket_encryption(
        Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules}
    )


def _get_encryption(aws: Connection, bucket: str, state: Plain) -> Plain:
    answer = aws.client("s3").get_bucket_encryption(Bucket=bucket)
    # moto does not keep what is blocked: the state's value is taken. S3 itself blocks SSE-C by default.
    blocked = [rule.get("blockedEncryptionTypes") or ["SSE-C"] for rule in state.get("rules") or [{}]]
    rules = []
    for number, rule in enumerate(answer["ServerSideEncryptionConfiguration"]["Rules"]):
        default: Any = rule.get("ApplyServerSideEncryptionByDefault", {})
        by_default = {
            "sseAlgorithm": default.get("SSEAlgorithm"),
            "kmsMasterKeyId": default.get("KMSMasterKeyID"),
        }
        rules.append(
            {
                "applyServerSideEncryptionByDefault": {k: v for k, v in by_default.items() if v},
                "bucketKeyEnabled": bool(rule.get("BucketKeyEnabled")),
                "blockedEncryptionTypes": blocked[min(number, len(blocked) - 1)],
            }
        )
    return {"rules": rules}


LIFECYCLE_ACTIONS = {
    "expiration": ("Expiration", "days", "Days"),
    "noncurrentVersionExpiration": ("NoncurrentVersionExpiration", "noncurrentDays", "NoncurrentDays"),
    "abortIncompleteMultipartUpload": (
        "AbortIncompleteMultipartUpload",
        "daysAfterInitiation",
        "DaysAfterInitiation",
    ),
}


def _sent_filter(chosen: Plain) -> dict[str, Any]:
    if "and" not in chosen:
        return {"Prefix": chosen.get("prefix", "")}
    both = chosen["and"]
    return {
        "And": {
            "Prefix": both.get("prefix", ""),
            "ObjectSizeGreaterThan": int(both["objectSizeGreaterThan"]),
        }
    }


def _read_filter(found: Plain, before: Plain) -> Plain:
    """moto does not keep a filter's size: the state's value is taken."""
    if "And" in found:
        return {"and": {**before.get("and", {}), "prefix": found["And"].get("Prefix", "")}}
    return {"prefix": found["Prefix"]} if found.get("Prefix") else before


def _put_lifecycle(aws: Connection, bucket: str, inputs: Plain) -> object:
    rules: list[Any] = []
    for rule in inputs["rules"]:
        sent: dict[str, Any] = {"ID": rule["id"], "Status": rule["status"]}
        sent["Filter"] = _sent_filter(rule.get("filter") or {})
        for ours, (theirs, our_days, their_days) in LIFECYCLE_ACTIONS.items():
            if our_days in (rule.get(ours) or {}):
                sent[theirs] = {their_days: int(rule[ours][our_days])}
        if (rule.get("expiration") or {}).get("expiredObjectDeleteMarker"):
            sent["Expiration"] = {"ExpiredObjectDeleteMarker": True}
        rules.append(sent)
    return aws.client("s3").put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": rules}
    )


def _get_lifecycle(aws: Connection, bucket: str, state: Plain) -> Plain:
    found: Any = aws.client("s3").get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    before = {rule["id"]: rule.get("filter") for rule in state.get("rules") or []}
    rules = []
    for rule in found:
        read: dict[str, Any] = {"id": rule["ID"], "status": rule["Status"]}
        read["filter"] = _read_filter(rule.get("Filter") or {}, before.get(rule["ID"]) or {})
        for ours, (theirs, our_days, their_days) in LIFECYCLE_ACTIONS.items():
            if their_days in rule.get(theirs, {}):
                read[ours] = {our_days: int(rule[theirs][their_days])}
        if rule.get("Expiration", {}).get("ExpiredObjectDeleteMarker"):
            read["expiration"] = {"expiredObjectDeleteMarker": True}
        rules.append(read)
    return {"rules": rules}


def _put_versioning(aws: Connection, bucket: str, inputs: Plain) -> object:
    return aws.client("s3").put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": inputs["versioningConfiguration"]["status"]}
    )


def _get_versioning(aws: Connection, bucket: str, _state: Plain) -> Plain:
    status = aws.client("s3").get_bucket_versioning(Bucket=bucket).get("Status", "Disabled")
    return {"versioningConfiguration": {"status": status}}


def _suspend_versioning(aws: Connection, bucket: str) -> None:
    """Versioning cannot be removed: the real plugin suspends it, except where objects are locked."""
    s3 = aws.client("s3")
    try:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "InvalidBucketState":
            raise


def _put_object_lock(aws: Connection, bucket: str, inputs: Plain) -> object:
    retention = inputs["rule"]["defaultRetention"]
    return aws.client("s3").put_object_lock_configuration(
        Bucket=bucket,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": retention["mode"], "Days": int(retention["days"])}},
        },
    )


def _get_object_lock(aws: Connection, bucket: str, _state: Plain) -> Plain:
    found: Any = aws.client("s3").get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    retention = (found.get("Rule") or {}).get("DefaultRetention")
    if retention is None:
        return {}
    return {"rule": {"defaultRetention": {"mode": retention["Mode"], "days": int(retention["Days"])}}}


def _no_object_lock(aws: Connection, bucket: str) -> object:
    return aws.client("s3").put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
    )


def _put_policy(aws: Connection, bucket: str, inputs: Plain) -> object:
    policy = inputs["policy"]
    return aws.client("s3").put_bucket_policy(
        Bucket=bucket, Policy=policy if isinstance(policy, str) else json.dumps(policy)
    )


def _get_policy(aws: Connection, bucket: str, _state: Plain) -> Plain:
    return {"policy": aws.client("s3").get_bucket_policy(Bucket=bucket)["Policy"]}


def _body(inputs: Plain) -> bytes:
    if "contentBase64" in inputs:
        return base64.b64decode(inputs["contentBase64"])
    return str(inputs.get("content", "")).encode()


def _create_object(aws: Connection, inputs: Plain) -> Created:
    request: dict[str, Any] = {
        "Bucket": inputs["bucket"],
        "Key": inputs["key"],
        "Body": _body(inputs),
        # S3's own default differs; the real plugin sends this value.
        "ContentType": inputs.get("contentType", "application/octet-stream"),
    }
    aws.client("s3").put_object(**request)
    _tag_object(aws, inputs)
    return Created(f"{inputs['bucket']}/{inputs['key']}")


def _tag_object(aws: Connection, inputs: Plain) -> None:
    s3 = aws.client("s3")
    if inputs.get("tags"):
        tags: Any = {"TagSet": tag_list(inputs["tags"])}
        s3.put_object_tagging(Bucket=inputs["bucket"], Key=inputs["key"], Tagging=tags)


def _read_object(aws: Connection, object_id: str, state: Plain) -> Plain:
    bucket, _, key = object_id.partition("/")
    s3 = aws.client("s3")
    head = s3.head_object(Bucket=bucket, Key=key)
    etag = head["ETag"].strip('"')
    if "contentBase64" in state:
        # Like the real plugin, which does not read the content back.
        content = {"contentBase64": state["contentBase64"]}
    else:
        content = {"content": s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()}
    # As in the real plugin: the retention that the bucket's lock sets differs from inputs that do not name it.
    lock: dict[str, str] = {}
    if "ObjectLockMode" in head:
        lock["objectLockMode"] = head["ObjectLockMode"]
        lock["objectLockRetainUntilDate"] = head["ObjectLockRetainUntilDate"].isoformat()
    return {
        **lock,
        "id": object_id,
        "bucket": bucket,
        "key": key,
        "arn": f"arn:aws:s3:::{bucket}/{key}",
        "etag": etag,
        "contentType": head["ContentType"],
        **content,
        "forceDestroy": state.get("forceDestroy", False),
        # Not a property of the object: which tags the plugin adds.
        "overrideProvider": state.get("overrideProvider"),
        "versionId": head.get("VersionId"),
        "tags": tag_map(s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]),
    }


def _update_object(aws: Connection, _object_id: str, state: Plain, inputs: Plain) -> None:
    content = ("content", "contentBase64", "contentType")
    if any(inputs.get(name, state.get(name)) != state.get(name) for name in content):
        _create_object(aws, inputs)
    elif inputs.get("tags"):
        _tag_object(aws, inputs)
    else:
        aws.client("s3").delete_object_tagging(Bucket=inputs["bucket"], Key=inputs["key"])


def _delete_object(aws: Connection, object_id: str, _state: Plain) -> None:
    bucket, _, key = object_id.partition("/")
    s3 = aws.client("s3")
    answer = s3.list_object_versions(Bucket=bucket, Prefix=key)
    _delete_versions(aws, bucket, [version for version in _versions(answer) if version["Key"] == key])


_DAYS = Property(required=True)
_LEGACY = Property(
    source=NotVerified(
        "s3/bucket_lifecycle_configuration.go declares it optional and computed, with a plan modifier for values of "
        "before; what its absence means then was not tried"
    )
)

KINDS: dict[str, Kind[Connection]] = {
    "aws:s3/bucket:Bucket": Kind(
        properties={
            "bucket": Property(replaces=True),
            "forceDestroy": Property(),
            "objectLockEnabled": Property(replaces=True, computed=True),
            "tags": TAGS,
        },
        auto_name="bucket",
        outputs=("arn", "bucketDomainName", "bucketRegion", "bucketRegionalDomainName", "tagsAll"),
        create=_create_bucket,
        read=_read_bucket,
        update=_update_bucket,
        delete=_delete_bucket,
        source=terraform_aws_5("s3/bucket.go"),
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _guard(
        {name: Property() for name in PUBLIC_ACCESS},
        _put_public_access,
        _get_public_access,
        lambda aws, bucket: aws.client("s3").delete_public_access_block(Bucket=bucket),
        terraform_aws_5("s3/bucket_public_access_block.go"),
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _guard(
        {"rule": Property(required=True, fields={"objectOwnership": Property(required=True)})},
        _put_ownership,
        _get_ownership,
        lambda aws, bucket: aws.client("s3").delete_bucket_ownership_controls(Bucket=bucket),
        terraform_aws_5("s3/bucket_ownership_controls.go"),
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _guard(
        {
            "rules": Property(
                required=True,
                unordered=True,
                fields={
                    "applyServerSideEncryptionByDefault": Property(
                        fields={"sseAlgorithm": Property(required=True), "kmsMasterKeyId": Property()}
                    ),
                    "bucketKeyEnabled": Property(),
                    "blockedEncryptionTypes": Property(),
                },
            )
        },
        _put_encryption,
        _get_encryption,
        lambda aws, bucket: aws.client("s3").delete_bucket_encryption(Bucket=bucket),
        terraform_aws("s3/bucket_server_side_encryption_configuration.go", "v6.31 or later"),
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _guard(
        {
            "rules": Property(
                required=True,
                fields={
                    "id": Property(required=True),
                    "status": Property(required=True),
                    "filter": Property(
                        fields={
                            "prefix": _LEGACY,
                            "and": Property(
                                fields={
                                    "prefix": _LEGACY,
                                    "objectSizeGreaterThan": replace(_LEGACY, required=True),
                                }
                            ),
                        }
                    ),
                    "expiration": Property(fields={"days": _LEGACY, "expiredObjectDeleteMarker": _LEGACY}),
                    "noncurrentVersionExpiration": Property(fields={"noncurrentDays": _DAYS}),
                    "abortIncompleteMultipartUpload": Property(fields={"daysAfterInitiation": _DAYS}),
                },
            )
        },
        _put_lifecycle,
        _get_lifecycle,
        lambda aws, bucket: aws.client("s3").delete_bucket_lifecycle(Bucket=bucket),
        terraform_aws_5("s3/bucket_lifecycle_configuration.go"),
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _guard(
        {"versioningConfiguration": Property(required=True, fields={"status": Property(required=True)})},
        _put_versioning,
        _get_versioning,
        _suspend_versioning,
        terraform_aws_5("s3/bucket_versioning.go", "01f4311"),
    ),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": _guard(
        {
            "rule": Property(
                required=True,
                fields={
                    "defaultRetention": Property(
                        required=True,
                        fields={"mode": Property(required=True), "days": Property(required=True)},
                    )
                },
            )
        },
        _put_object_lock,
        _get_object_lock,
        _no_object_lock,
        terraform_aws_5("s3/bucket_object_lock_configuration.go"),
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _guard(
        {"policy": Property(required=True, document=True)},
        _put_policy,
        _get_policy,
        lambda aws, bucket: aws.client("s3").delete_bucket_policy(Bucket=bucket),
        terraform_aws("s3/bucket_policy.go", "v6.9 or later"),
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": Kind(
        properties={
            "bucket": Property(required=True, replaces=True),
            "key": Property(required=True, replaces=True),
            "content": Property(),
            "contentBase64": Property(),
            "contentType": Property(computed=True),
            "forceDestroy": Property(),
            "objectLockMode": Property(),
            "objectLockRetainUntilDate": Property(),
            "overrideProvider": Property(fields={"defaultTags": Property(fields={"tags": Property()})}),
            "tags": TAGS,
        },
        outputs=("arn", "etag", "versionId", "tagsAll"),
        create=_create_object,
        read=_read_object,
        update=_update_object,
        delete=_delete_object,
        source=terraform_aws_5("s3/object.go"),
    ),
}
