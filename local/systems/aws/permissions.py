"""Which permissions a request needs: IAM actions, resource ARNs and condition keys.

Source of the tables: the Service Authorization Reference (pages of Amazon S3, Systems Manager, CloudWatch, SNS, EC2,
KMS, STS, IAM) and "Required permissions for Amazon S3 API operations".
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import xmltodict  # type: ignore[import-untyped]  # ships no types

from local.systems.aws import inventory
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


# A creation with tags needs the right to tag, too ("Dependent actions" in the reference; for EC2 "Grant permission to
# tag resources during creation" in its user guide).
_TAGGING = {
    "cloudwatch:PutMetricAlarm": "cloudwatch:TagResource",
    "iam:CreateInstanceProfile": "iam:TagInstanceProfile",
    "iam:CreateRole": "iam:TagRole",
    "iam:CreateUser": "iam:TagUser",
    "kms:CreateKey": "kms:TagResource",
    "ssm:PutParameter": "ssm:AddTagsToResource",
}
_TAG_PARAMETERS = ("Tags", "TagSpecification", "TagSpecifications")

_IAM_KINDS = {"RoleName": "role", "UserName": "user", "InstanceProfileName": "instance-profile"}
_BOUNDED = ("CreateRole", "CreateUser", "PutRolePermissionsBoundary", "PutUserPermissionsBoundary")


def other(
    service: str, action: str, params: Mapping[str, Any], *, region: str, account: str, context: Context
) -> Iterator[Access]:
    """The permissions of an operation of any other service.

    An unknown resource is `*`: a statement scoped to a resource does not grant it.

    Args:
        service: the IAM prefix, as in `ssm`.
        params: the request's parameters under their API names.
    """
    context = context | _conditions(service, action, params, account)
    name = f"{service}:{action}"
    if service == "ec2":
        yield from _of_ec2(action, params, region, account, context)
    else:
        for resource in _resources(service, action, params, region, account):
            yield Access(name, resource, context)
    if _has_tags(params):
        tagging = "ec2:CreateTags" if service == "ec2" and action != "CreateTags" else _TAGGING.get(name)
        for resource in _resources(service, action, params, region, account) if tagging else ():
            yield Access(str(tagging), resource, context)
    for role in _passed_roles(service, action, params, account):
        arn = inventory.iam_arn(account, "role", role, "/")
        yield Access("iam:PassRole", arn, context | {"iam:passedtoservice": ["ec2.amazonaws.com"]})


def _conditions(service: str, action: str, params: Mapping[str, Any], account: str) -> Context:
    """The condition keys of a request that depend on its parameters."""
    if service == "cloudwatch" and "Namespace" in params:
        return {"cloudwatch:namespace": [str(params["Namespace"])]}
    if service == "sts":
        names = {"ExternalId": "sts:externalid", "RoleSessionName": "sts:rolesessionname"}
        return {key: [str(params[name])] for name, key in names.items() if name in params}
    if service == "kms":
        return {
            f"aws:requesttag/{tag['TagKey']}".lower(): [tag["TagValue"]] for tag in params.get("Tags", ())
        }
    if service == "iam" and action in _BOUNDED and "PermissionsBoundary" in params:
        return {"iam:permissionsboundary": [str(params["PermissionsBoundary"])]}
    if service == "iam" and action in ("PutRolePolicy", "DeleteRolePolicy"):
        role = inventory.iam_entity(account, "role", str(params["RoleName"]))
        boundary = getattr(role, "permissions_boundary_arn", None)
        return {"iam:permissionsboundary": [boundary]} if boundary else {}
    return {}


def _of_ec2(
    action: str, params: Mapping[str, Any], region: str, account: str, context: Context
) -> Iterator[Access]:
    """Each resource that the request names, with its tags; AWS knows no resource for EC2's reads."""
    found = {} if action.startswith("Describe") else inventory.ec2_resources(params, region, account)
    for arn, tags in found.items():
        of_resource = {f"aws:resourcetag/{name}".lower(): [value] for name, value in tags.items()}
        yield Access(f"ec2:{action}", arn, context | of_resource)
    if not found:
        yield Access(f"ec2:{action}", "*", context)


def _has_tags(params: Mapping[str, Any]) -> bool:
    return any(name.partition(".")[0] in _TAG_PARAMETERS and params[name] for name in params)


def _passed_roles(service: str, action: str, params: Mapping[str, Any], account: str) -> list[str]:
    """Names of the roles that a request gives to EC2."""
    if (service, action) == ("iam", "AddRoleToInstanceProfile"):
        return [str(params["RoleName"])]
    profile = params.get("IamInstanceProfile.Name")
    if (service, action) != ("ec2", "RunInstances") or profile is None:
        return []
    found = inventory.iam_entity(account, "instance-profile", str(profile))
    return [] if found is None else [str(role.name) for role in found.roles]


def _resources(service: str, action: str, params: Mapping[str, Any], region: str, account: str) -> list[str]:
    if service == "ssm":
        return [_ssm_arn(name, region, account) for name in _parameter_names(params)] or ["*"]
    if service == "sts" and "RoleArn" in params:
        return [str(params["RoleArn"])]
    if service in _FINDERS and action != "DescribeAlarms":
        return _FINDERS[service](params, region, account) or ["*"]
    if service == "iam":
        path = str(params.get("Path", "/"))
        named = [
            inventory.iam_arn(account, kind, str(params[name]), path)
            for name, kind in _IAM_KINDS.items()
            if name in params
        ]
        # IAM checks this call on the instance profile; the role is checked by iam:PassRole.
        is_membership = action in ("AddRoleToInstanceProfile", "RemoveRoleFromInstanceProfile")
        return [arn for arn in named if not is_membership or ":instance-profile/" in arn] or ["*"]
    return ["*"]


def _kms_arns(params: Mapping[str, Any], region: str, account: str) -> list[str]:
    """The key and the alias that a request names: AWS checks a change of an alias on both."""
    found = []
    if key := params.get("KeyId") or params.get("TargetKeyId"):
        found.append(str(key) if str(key).startswith("arn:") else f"arn:aws:kms:{region}:{account}:key/{key}")
    if alias := params.get("AliasName"):
        found.append(f"arn:aws:kms:{region}:{account}:{alias}")
    return found


def _topic_arns(params: Mapping[str, Any], region: str, account: str) -> list[str]:
    """The topic. The actions on a subscription know no resource."""
    if "Name" in params:
        return [f"arn:aws:sns:{region}:{account}:{params['Name']}"]
    return [str(params[name]) for name in ("TopicArn", "ResourceArn") if name in params]


def _alarm_and_dashboard_arns(params: Mapping[str, Any], region: str, account: str) -> list[str]:
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


_FINDERS: Mapping[str, Callable[[Mapping[str, Any], str, str], list[str]]] = {
    "kms": _kms_arns,
    "sns": _topic_arns,
    "cloudwatch": _alarm_and_dashboard_arns,
}
"""Service -> what a request to it is on, from its parameters, region and account."""


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
