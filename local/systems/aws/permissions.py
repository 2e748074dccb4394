"""Which permissions a request needs: IAM actions, resource ARNs and condition keys.

Source of the tables: the Service Authorization Reference (pages of Amazon S3, Systems Manager, CloudWatch, SNS,
KMS, STS, IAM) and "Required permissions for Amazon S3 API operations".
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import xmltodict  # type: ignore[import-untyped]  # ships no types
from moto.iam.models import iam_backends

from local.systems.aws.policy import Access

Context = dict[str, list[str]]

# Operations whose IAM action has another name than the operation.
S3_ACTIONS: Mapping[str, str] = {
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteObjects": "DeleteObject",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
}

_OF_A_VERSION = {
    "GetObject": "GetObjectVersion",
    "HeadObject": "GetObjectVersion",
    "DeleteObject": "DeleteObjectVersion",
}

# The rights on the KMS key that an upload or a download needs, "Protecting data with SSE-KMS", S3 user guide.
_KMS_ACTIONS = {
    "PutObject": ("kms:GenerateDataKey",),
    "CopyObject": ("kms:GenerateDataKey", "kms:Decrypt"),
    "CreateMultipartUpload": ("kms:GenerateDataKey", "kms:Decrypt"),
    "UploadPart": ("kms:GenerateDataKey", "kms:Decrypt"),
    "GetObject": ("kms:Decrypt",),
    "HeadObject": ("kms:Decrypt",),
}

# Query parameters and headers that are condition keys.
_S3_QUERY_KEYS = {"prefix": "s3:prefix", "delimiter": "s3:delimiter", "max-keys": "s3:max-keys"}
_S3_HEADER_KEYS = (
    "x-amz-acl",
    "x-amz-copy-source",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class",
)


def s3(
    operation: str,
    *,
    bucket: str | None,
    key: str | None,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes,
    context: Context,
    kms_key: str | None,
) -> Iterator[Access]:
    """The permissions of an S3 operation.

    Args:
        operation: its name in the S3 API, as in `UploadPart`.
        kms_key: ARN of the KMS key that the object is or will be encrypted with, None for SSE-S3.
    """
    context = context | {name: [query[param]] for param, name in _S3_QUERY_KEYS.items() if param in query}
    context |= {f"s3:{name}": [headers[name]] for name in _S3_HEADER_KEYS if name in headers}
    if "If-None-Match" in headers:
        context["s3:if-none-match"] = [headers["If-None-Match"]]
    action = S3_ACTIONS.get(operation, operation)
    if "versionId" in query:
        action = _OF_A_VERSION.get(operation, action)
    bucket_arn = f"arn:aws:s3:::{bucket}"
    if operation == "DeleteObjects":
        for deleted in _deleted_keys(body):
            yield Access(f"s3:{action}", f"{bucket_arn}/{deleted}", context)
        return
    resource = "*" if bucket is None else f"{bucket_arn}/{key}" if key else bucket_arn
    yield Access(f"s3:{action}", resource, context)
    if operation in {"PutObject", "CreateMultipartUpload"} and "x-amz-tagging" in headers:
        yield Access("s3:PutObjectTagging", resource, context)
    if operation in {"CopyObject", "UploadPartCopy"}:
        source = unquote(headers["x-amz-copy-source"]).lstrip("/").partition("?")[0]
        yield Access("s3:GetObject", f"arn:aws:s3:::{source}", context)
    if kms_key is not None:
        for kms_action in _KMS_ACTIONS.get(operation, ()):
            yield Access(kms_action, kms_key, context)


def _deleted_keys(body: bytes) -> list[str]:
    entries = xmltodict.parse(body, force_list=("Object",))["Delete"]["Object"]
    return [str(entry["Key"]) for entry in entries]


def other(
    service: str, action: str, params: Mapping[str, Any], *, region: str, account: str, context: Context
) -> Iterator[Access]:
    """The permissions of an operation of any other service.

    An unknown resource is `*`: a statement scoped to a resource does not grant it.

    Args:
        service: the IAM prefix, as in `ssm`.
        params: the request's parameters under their API names.
    """
    if service == "cloudwatch" and "Namespace" in params:
        context = context | {"cloudwatch:namespace": [str(params["Namespace"])]}
    if service == "sts":
        names = {"ExternalId": "sts:externalid", "RoleSessionName": "sts:rolesessionname"}
        context = context | {key: [str(params[name])] for name, key in names.items() if name in params}
    for resource in _resources(service, params, region, account):
        yield Access(f"{service}:{action}", resource, context)


def _resources(service: str, params: Mapping[str, Any], region: str, account: str) -> list[str]:
    if service == "ssm":
        return [_ssm_arn(name, region, account) for name in _parameter_names(params)] or ["*"]
    if service == "sts" and "RoleArn" in params:
        return [str(params["RoleArn"])]
    if service == "kms" and "KeyId" in params:
        key = str(params["KeyId"])
        return [key if key.startswith("arn:") else f"arn:aws:kms:{region}:{account}:key/{key}"]
    if service in ("cloudwatch", "sns"):
        find = _topics if service == "sns" else _alarms_and_dashboards
        return find(params, region, account) or ["*"]
    if service == "iam":
        kinds = {"UserName": "user", "InstanceProfileName": "instance-profile"}
        found = [
            f"arn:aws:iam::{account}:{kind}/{params[name]}" for name, kind in kinds.items() if name in params
        ]
        if "RoleName" in params:
            found.append(_role_arn(str(params["RoleName"]), account))
        return found or ["*"]
    return ["*"]


def _role_arn(name: str, account: str) -> str:
    """With the role's path, which a request does not name."""
    roles = iam_backends[account]["aws"].roles.values()
    path = next((str(role.path) for role in roles if role.name == name), "/")
    return f"arn:aws:iam::{account}:role{path}{name}"


def _topics(params: Mapping[str, Any], region: str, account: str) -> list[str]:
    """The topic. The actions on a subscription know no resource."""
    if "Name" in params:
        return [f"arn:aws:sns:{region}:{account}:{params['Name']}"]
    return [str(params[name]) for name in ("TopicArn", "ResourceArn") if name in params]


def _alarms_and_dashboards(params: Mapping[str, Any], region: str, account: str) -> list[str]:
    if "ResourceARN" in params:
        return [str(params["ResourceARN"])]
    kinds = {
        "Alarm": f"arn:aws:cloudwatch:{region}:{account}:alarm:",
        "Dashboard": f"arn:aws:cloudwatch::{account}:dashboard/",
    }
    found = []
    for kind, prefix in kinds.items():
        single = [params[f"{kind}Name"]] if f"{kind}Name" in params else []
        found += [f"{prefix}{name}" for name in (*single, *params.get(f"{kind}Names", []))]
    return found


def _parameter_names(params: Mapping[str, Any]) -> list[str]:
    for single in ("Name", "Path", "ResourceId"):
        if isinstance(params.get(single), str):
            return [params[single]]
    return [str(name) for name in params.get("Names", [])]


def _ssm_arn(name: str, region: str, account: str) -> str:
    if name.startswith("arn:"):
        return name
    # `name:3` and `name:label` choose a version; the right is on the parameter.
    path = name.partition(":")[0].strip("/")
    owner = "" if path.startswith("aws/service/") else account
    return f"arn:aws:ssm:{region}:{owner}:parameter/{path}"


def parameters(data: Mapping[str, Any], body: bytes, content_type: str) -> dict[str, Any]:
    """From a JSON body, or else from the form fields as moto parsed them (`{name: [value]}`)."""
    if "json" in content_type:
        return dict(json.loads(body or b"{}"))
    return {name: value[0] if isinstance(value, list) and value else value for name, value in data.items()}
