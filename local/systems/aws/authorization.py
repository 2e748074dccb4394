"""Replaces moto's authorization with AWS's.

moto (5.2.5) finds the key and verifies the signature; that is kept. It lacks the following, which this module adds:

- resources other than S3's, e.g. `ssm:GetParameter` on one parameter; condition keys, e.g.
  `cloudwatch:namespace` (moto takes the service's name from the signature, where CloudWatch is
  `monitoring`); wildcards; conditions that do not match are neutral;
- resource policies of buckets, KMS keys and topics, trust policies with `sts:ExternalId` and principals of other
  accounts;
- S3 operations under their right actions (HeadBucket is s3:ListBucket), SSE-KMS's rights on the key, and
  403 instead of 404 for a missing object where the caller may not list the bucket;
- the rights on the key of a SecureString that is put, or read decrypted;
- the right to tag what is made with tags, to pass a role to EC2, and the tags of EC2's resources as condition keys;
- deactivated keys and expired role credentials are refused;
- the signature of a compressed request: a client signs what it sends, moto verifies what it has decompressed.

Two allowances, as the endpoint is plain HTTP: a request over loopback counts as `aws:SecureTransport`, with
`s3:TlsVersion` 1.3. The server listens on no other interface.

Stricter than AWS: a role is assumed only if the caller's own policy allows it too, also in the same account.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, NoReturn

from botocore.credentials import Credentials
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.exceptions import (
    AuthFailureError,
    InvalidClientTokenIdError,
    ServiceException,
    SignatureDoesNotMatchError,
)
from moto.core.responses import ActionResult, BaseResponse
from moto.core.routing import get_service_router
from moto.core.utils import utcnow
from moto.iam.access_control import IAMRequest, PermissionResult, S3IAMRequest
from moto.iam.models import iam_backends
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket, s3_backends
from moto.sns.models import sns_backends
from moto.sts.models import sts_backends
from werkzeug.exceptions import HTTPException

from local.systems.aws import keys, permissions
from local.systems.aws.policy import Access, Decision, decide

PARTITION = "aws"


class Refusal(ServiceException):
    """A refused request of any service but S3; moto renders it in the service's protocol."""


@dataclass(frozen=True)
class Caller:
    """Who signed a request.

    Attributes:
        account: the account of the user or role, 12 digits.
        name: of the user or role, without its path.
        arn: of the user, or of the role session.
        principals: every ARN by which a policy's Principal element may name the caller.
    """

    account: str
    name: str
    arn: str
    principals: frozenset[str]
    policies: tuple[dict[str, Any], ...]

    def is_meant_by(self, element: Any) -> bool:
        """Whether a `Principal` element names this caller: itself, its account or everybody."""
        return bool(_named(element) & {"*", self.account, *self.principals})

    def is_named_by(self, element: Any) -> bool:
        """As `is_meant_by`, but the account alone does not name its callers."""
        account = {self.account, f"arn:aws:iam::{self.account}:root"}
        return bool(_named(element) & ({"*", *self.principals} - account))


def _named(element: Any) -> set[str]:
    """The users, roles and accounts of a `Principal` element; `*` is everybody."""
    if element == "*":
        return {"*"}
    named = element.get("AWS", []) if isinstance(element, dict) else []
    return {named} if isinstance(named, str) else set(named)


def install() -> None:
    """Replaces moto's authorization in this process; enforcement is on from here."""
    mixin: Any = ActionAuthenticatorMixin
    mixin._authenticate_and_authorize_normal_action = _authorize_normal
    mixin._authenticate_and_authorize_s3_action = _authorize_s3
    # moto calls this in addition to the authorization, with its own evaluation; bucket policies are evaluated here.
    bucket: Any = FakeBucket
    bucket.get_permission = lambda *_: PermissionResult.NEUTRAL
    _keep_compressed_bodies()


def _keep_compressed_bodies() -> None:
    """Makes each response keep the body of its request as it was sent, if that is compressed.

    botocore compresses the body of PutMetricData from 10,240 bytes on, then signs it (`botocore.compress`; AWS SDKs and
    Tools reference guide, "Request compression").
    """
    base: Any = BaseResponse
    decompress = base.decompress_request_body

    def keep_and_decompress(response: Any, request: Any) -> None:
        if request.content_encoding == "gzip":
            response.sent_body = request.get_data(cache=False)
            request.stream = BytesIO(response.sent_body)
        decompress(response, request)

    base.decompress_request_body = keep_and_decompress


def caller_of(access_key_id: str) -> Caller | None:
    """The active user or role session that an access key belongs to."""
    for account, partitions in list(iam_backends.items()):
        iam = partitions[PARTITION]
        for user in list(iam.users.values()):
            if any(key.access_key_id == access_key_id and key.status == "Active" for key in user.access_keys):
                return Caller(
                    account=account,
                    name=user.name,
                    arn=user.arn,
                    principals=frozenset({user.arn, f"arn:aws:iam::{account}:root"}),
                    policies=user_policies(account, user),
                )
        for session in list(sts_backends[account][PARTITION].assumed_roles):
            if session.access_key_id == access_key_id:
                return _role_session(account, session)
    return None


def _role_session(account: str, session: Any) -> Caller | None:
    iam = iam_backends[account][PARTITION]
    name = session.role_arn.rpartition("/")[2]
    role = next((role for role in iam.roles.values() if role.name == name), None)
    if role is None:
        return None
    arn = f"arn:aws:sts::{account}:assumed-role/{name}/{session.session_name}"
    return Caller(
        account=account,
        name=name,
        arn=arn,
        principals=frozenset({arn, role.arn, f"arn:aws:iam::{account}:root"}),
        policies=role_policies(account, role),
    )


def user_policies(account: str, user: Any) -> tuple[dict[str, Any], ...]:
    """The parsed policies of a user of moto's: inline and managed."""
    iam = iam_backends[account][PARTITION]
    inline = [
        iam.get_user_policy(user.name, name)["policy_document"] for name in iam.list_user_policies(user.name)
    ]
    return tuple([json.loads(document) for document in inline] + _attached(user))


def role_policies(account: str, role: Any) -> tuple[dict[str, Any], ...]:
    """The parsed policies of a role of moto's: inline and managed."""
    iam = iam_backends[account][PARTITION]
    inline = [iam.get_role_policy(role.name, name)[1] for name in iam.list_role_policies(role.name)]
    return tuple([json.loads(document) for document in inline] + _attached(role))


def _attached(entity: Any) -> list[dict[str, Any]]:
    return [_managed(policy) for policy in entity.managed_policies.values()]


def _managed(policy: Any) -> dict[str, Any]:
    version = next(version for version in policy.versions if version.is_default)
    document: dict[str, Any] = json.loads(version.document)
    return document


def _authorize_normal(response: Any, _resource: str = "*") -> None:
    caller = _authenticate(response, IAMRequest)
    action = response._get_action()
    if (response.service_name, action) == ("sts", "GetCallerIdentity"):
        return  # AWS always allows it, even against an explicit deny
    params = permissions.parameters(
        response.data, response.raw_body, response.headers.get("Content-Type", "")
    ) | dict(getattr(response, "params", None) or {})
    where = {"region": response.region, "account": response.current_account}
    context = _context(caller, response)
    accesses = [*permissions.other(response.service_name, action, params, **where, context=context)]
    if response.service_name == "ssm":
        accesses += keys.for_parameters(action, params, **where, context=context)
    for access in accesses:
        if not allows(caller, access):
            _refuse(response, caller, access)
        if access.action == "sts:AssumeRole" and not role_trusts(access, caller):
            _refuse(response, caller, access)


def allows(caller: Caller, access: Access) -> bool:
    """Identity policies, and for a KMS key its policy.

    A key's policy that names the caller is enough in the key's own account. One that names the account leaves it to the
    account's IAM policies (AWS KMS developer guide, "Default key policy"). Another account needs both.
    """
    by_identity = decide(caller.policies, access)
    if access.resource.startswith("arn:aws:sns:"):
        return _topic_allows(caller, by_identity, access)
    key_policy = keys.policy_of(access.resource) if access.resource.startswith("arn:aws:kms:") else None
    if key_policy is None or by_identity is Decision.DENY:
        return by_identity is Decision.ALLOW
    if decide([key_policy], access, caller.is_meant_by) is not Decision.ALLOW:
        return False
    own_account = access.resource.split(":")[4] == caller.account
    named = own_account and decide([key_policy], access, caller.is_named_by) is Decision.ALLOW
    return named or by_identity is Decision.ALLOW


def _topic_allows(caller: Caller, by_identity: Decision, access: Access) -> bool:
    """Identity and topic policy together, as `_together` says."""
    account, region = access.resource.split(":")[4], access.resource.split(":")[3]
    topic = sns_backends[account][region].topics.get(access.resource)
    documents = [] if topic is None else [json.loads(topic.policy)]
    by_topic = decide(documents, access, caller.is_meant_by)
    return _together(by_identity, by_topic, own_account=account == caller.account)


def _together(by_identity: Decision, by_resource: Decision, *, own_account: bool) -> bool:
    """Identity and resource policy: in the resource's own account one allow is enough, else both."""
    verdicts = {by_identity, by_resource}
    if Decision.DENY in verdicts:
        return False
    return Decision.ALLOW in verdicts if own_account else verdicts == {Decision.ALLOW}


def role_trusts(access: Access, caller: Caller) -> bool:
    """Whether the role's trust policy lets the caller assume it."""
    account, _, path = access.resource.partition("::")[2].partition(":")
    if account not in iam_backends:
        return False
    roles = iam_backends[account][PARTITION].roles.values()
    role = next((role for role in roles if role.arn == access.resource), None)
    if role is None or not path:
        return False
    trust = json.loads(role.assume_role_policy_document)
    return decide([trust], access, caller.is_meant_by) is Decision.ALLOW


def _authorize_s3(response: Any, bucket_name: str | None = None, key_name: str | None = None) -> None:
    caller = _authenticate(response, S3IAMRequest)
    operation = get_service_router("s3").match(response.normalized_request)[0].name
    bucket = _bucket(bucket_name)
    accesses = permissions.s3(
        operation,
        bucket=bucket_name,
        key=key_name,
        query=response.normalized_request.args,
        headers=response.headers,
        body=response.raw_body,
        context=_context(caller, response),
        kms_key=_kms_key(bucket, key_name, operation, response.headers),
    )
    for access in accesses:
        if not s3_allows(caller, bucket, access):
            raise _s3_refusal()
    if operation in {"GetObject", "HeadObject"} and bucket is not None and key_name not in bucket.keys:
        listing = Access("s3:ListBucket", f"arn:aws:s3:::{bucket_name}", _context(caller, response))
        if not s3_allows(caller, bucket, listing):
            raise _s3_refusal()


def s3_allows(caller: Caller, bucket: Any, access: Access) -> bool:
    """Identity and bucket policy together, as `_together` says."""
    if bucket is None or access.action.startswith("kms:"):
        return allows(caller, access)
    by_identity = decide(caller.policies, access)
    documents = [] if bucket.policy is None else [json.loads(bucket.policy)]
    by_bucket = decide(documents, access, caller.is_meant_by)
    return _together(by_identity, by_bucket, own_account=caller.account == bucket.account_id)


def _s3_refusal() -> S3ClientError:
    return S3ClientError("AccessDenied", "Access Denied")


def _bucket(name: str | None) -> Any:
    if name is None or name not in s3_backends.bucket_accounts:
        return None
    partition, account = s3_backends.bucket_accounts[name]
    return s3_backends[account][partition].buckets.get(name)


def _kms_key(bucket: Any, key: str | None, operation: str, headers: Any) -> str | None:
    """The KMS key of the object that is read, or will be written (by header or bucket default)."""
    if bucket is None:
        return None
    if operation in {"GetObject", "HeadObject"}:
        found = bucket.keys.get(key)
        encrypted = found is not None and found.encryption == "aws:kms"
        return _key_arn(found.kms_key_id, bucket) if encrypted else None
    if wanted := headers.get("x-amz-server-side-encryption"):
        key_id = headers.get("x-amz-server-side-encryption-aws-kms-key-id")
        return _key_arn(key_id, bucket) if wanted == "aws:kms" else None
    rule = (bucket.encryption or {}).get("Rule", {}).get("ApplyServerSideEncryptionByDefault", {})
    return _key_arn(rule.get("KMSMasterKeyID"), bucket) if rule.get("SSEAlgorithm") == "aws:kms" else None


def _key_arn(key_id: str | None, bucket: Any) -> str | None:
    """None for the AWS-managed key aws/s3, whose policy lets everybody in the account use it through S3."""
    if not key_id or key_id.endswith("alias/aws/s3"):
        return None
    if key_id.startswith("arn:"):
        return key_id
    return f"arn:aws:kms:{bucket.region_name}:{bucket.account_id}:key/{key_id}"


def _authenticate(response: Any, request_class: type) -> Caller:
    """Checks key and signature as moto does, then that the key is active and not expired."""
    if "Authorization" not in response.headers:
        _fail(
            response, "AccessDenied" if request_class is S3IAMRequest else "MissingAuthenticationToken", 403
        )
    url = response.normalized_request.raw_url
    query = url.partition("?")[2]
    try:
        request = _verified(response, request_class, response.raw_path + (f"?{query}" if query else ""))
    except (SignatureDoesNotMatchError, InvalidClientTokenIdError, AuthFailureError) as error:
        # moto answers with XML here, to clients of JSON services too.
        _fail(response, error.error_type, error.code, error.message)
    credentials: Credentials = request._access_key.create_credentials()
    caller = caller_of(credentials.access_key)
    if caller is None:
        code = "InvalidAccessKeyId" if request_class is S3IAMRequest else "InvalidClientTokenId"
        _fail(response, code, 403)
    if credentials.token is not None and _is_expired(response.current_account, credentials.access_key):
        code = "ExpiredToken" if request_class is S3IAMRequest else "ExpiredTokenException"
        _fail(response, code, 400)
    return caller


def _verified(response: Any, request_class: type, path: str) -> Any:
    """moto's request with its access key, once the signature is verified."""
    is_s3 = request_class is S3IAMRequest
    request = request_class(
        account_id=response.current_account,
        method=response.method,
        path=path,
        data=response.data,
        body=getattr(response, "sent_body", response.raw_body),
        headers=response.headers,
        action=response.data.get("Action", "") if is_s3 else response._get_action(),
    )
    request.check_signature()
    return request


def _is_expired(account: str, access_key_id: str) -> bool:
    sessions: Iterable[Any] = list(sts_backends[account][PARTITION].assumed_roles)
    return any(
        session.access_key_id == access_key_id and session.expiration < utcnow() for session in sessions
    )


def _context(caller: Caller, response: Any) -> permissions.Context:
    return dict(_context_items(caller, response))


def _context_items(caller: Caller, response: Any) -> Iterator[tuple[str, list[str]]]:
    role_arns = [arn for arn in caller.principals if ":role/" in arn]
    yield "aws:securetransport", ["true"]
    yield "s3:tlsversion", ["1.3"]
    yield "aws:sourceip", ["127.0.0.1"]
    yield "aws:principalaccount", [caller.account]
    yield "aws:principalarn", role_arns or [caller.arn]
    yield "aws:requestedregion", [response.region]
    if not role_arns:
        yield "aws:username", [caller.name]


def _refuse(response: Any, caller: Caller, access: Access) -> NoReturn:
    service = response.service_name
    message = (
        f"User: {caller.arn} is not authorized to perform: {access.action} on resource: {access.resource}"
    )
    if service == "ec2":
        _fail(response, "UnauthorizedOperation", 403, message)
    speaks_json = "json" in response.headers.get("Content-Type", "")
    _fail(
        response,
        "AccessDeniedException" if speaks_json else "AccessDenied",
        400 if speaks_json else 403,
        message,
    )


def _fail(response: Any, code: str, status: int, message: str = "Access denied.") -> NoReturn:
    """Ends a request with an error in the protocol of its service."""
    if response.service_name == "s3":
        raise S3ClientError(code, message)
    _, headers, body = response.serialized(ActionResult(Refusal(code, message)))
    response.response_headers.update(headers)
    failure = HTTPException(description=body)
    failure.code = status
    raise failure
