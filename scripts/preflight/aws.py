"""Asks AWS, with the credentials that `pulumi up` uses. Each request has its own short time limit."""

import json
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotoConnectionError

from components import deployer
from components.logzio import redaction
from components.owner import Owner
from components.policies import Statement
from components.settings import Settings
from components.worker.images import UBUNTU_LTS_PARAMETERS, Architecture
from scripts.preflight.model import (
    BucketAnswer,
    CheckError,
    Identity,
    Image,
    Owned,
    Quota,
    Refused,
    State,
)

_TIMES = Config(connect_timeout=4, read_timeout=8, retries={"total_max_attempts": 2, "mode": "standard"})

SIMULATIONS_AT_ONCE = 4

_CREDENTIALS = (
    "set credentials as for every AWS tool (AWS_PROFILE, `aws sso login`, or aws:profile in the stack file)"
)

# Quota codes: as `aws service-quotas list-service-quotas` shows them. Names of the families: EC2 user guide, "On-Demand
# Instance quotas".
VPCS, BUCKETS, VCPUS = ("vpc", "L-F678F1CE"), ("s3", "L-DC2B2D3D"), ("ec2", "L-1216C47A")
_STANDARD_FAMILIES = frozenset("acdhimrtz")


@dataclass
class Aws:
    """Clients of one session, made once each: boto3 makes clients in one thread only."""

    session: boto3.Session
    _clients: dict[tuple[str, str | None], Any] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def of(cls, config: Mapping[str, Any], region: str | None) -> "Aws":
        """The session of the plugin's settings: `aws:profile`, `aws:accessKey`, `aws:assumeRoles`; else the environment.

        Raises:
            CheckError: the profile does not exist, or a role cannot be assumed.
        """
        redaction.remember(_text(config, "aws:secretKey"), _text(config, "aws:token"))
        try:
            session = boto3.Session(
                profile_name=_text(config, "aws:profile"),
                aws_access_key_id=_text(config, "aws:accessKey"),
                aws_secret_access_key=_text(config, "aws:secretKey"),
                aws_session_token=_text(config, "aws:token"),
                region_name=region,
            )
            for role in _roles(config):
                session = _assumed(session, role)
        except (BotoCoreError, ClientError) as error:
            raise _without_identity("no AWS session", error) from None
        return cls(session)

    def client(self, service: str, region: str | None = None) -> Any:
        """The client of a service, in the stack's region unless `region` is given."""
        with self._lock:
            if (service, region) not in self._clients:
                make: Any = self.session.client  # typed by literal service names only
                self._clients[service, region] = make(service, region_name=region, config=_TIMES)
            return self._clients[service, region]


def _text(config: Mapping[str, Any], name: str) -> str | None:
    found = config.get(name)
    return found if isinstance(found, str) and found else None


def _roles(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = config.get("aws:assumeRoles") or []
    roles = json.loads(found) if isinstance(found, str) else found
    return [role for role in roles if isinstance(role, Mapping) and role.get("roleArn")]


def _assumed(session: boto3.Session, role: Mapping[str, Any]) -> boto3.Session:
    sts: Any = session.client("sts", config=_TIMES)
    optional = {"ExternalId": role.get("externalId")}
    keys = sts.assume_role(
        RoleArn=str(role["roleArn"]),
        RoleSessionName=str(role.get("sessionName") or "preflight"),
        **{name: str(value) for name, value in optional.items() if value},
    )["Credentials"]
    return boto3.Session(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        region_name=session.region_name,
    )


def code_of(error: Exception) -> str:
    """AWS's code of an error; the name of its class if there was no answer."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__


def identity(aws: Aws) -> Identity:
    """Who calls. AWS allows this call to everybody with valid credentials.

    Raises:
        CheckError: there are no credentials, or they are refused.
    """
    try:
        found = aws.client("sts").get_caller_identity()
    except ClientError as error:
        raise _without_identity("the AWS credentials are refused", error) from None
    except BotoCoreError as error:
        raise _without_identity("no AWS credentials", error) from None
    return Identity(str(found["Account"]), str(found["Arn"]))


def _without_identity(what: str, error: Exception) -> CheckError:
    if isinstance(error, (HTTPClientError, BotoConnectionError)):
        return CheckError(f"AWS does not answer: {error}", "check the network and a proxy")
    return CheckError(f"{what}: {error}", _CREDENTIALS, State.BROKEN)


def refused(aws: Aws, who: Identity, settings: Settings, owner: Owner) -> tuple[Refused, ...]:
    """What the caller may not do of what `pulumi up` and `pulumi destroy` need, by simulation.

    Raises:
        CheckError: the simulation is not allowed, or the caller is neither a user nor a role.
    """
    source = _policy_source(aws, who)
    needed = [
        statement
        for policy in deployer.documents(settings, owner, who.account).values()
        for statement in policy
    ]
    with ThreadPoolExecutor(SIMULATIONS_AT_ONCE) as pool:
        found = pool.map(lambda statement: _refused_of(aws, source, statement), needed)
        return tuple(refusal for refusal in found if refusal is not None)


def _policy_source(aws: Aws, who: Identity) -> str:
    """The ARN whose policies are simulated: of the user, or of the role of a session, with its path."""
    kind, _, name = who.arn.split(":", 5)[5].partition("/")
    if kind == "user":
        return who.arn
    if kind != "assumed-role":
        raise CheckError(
            f"{who.arn} is neither an IAM user nor a role, and IAM simulates no other identity",
            "compare its rights with deployer-policy.json of `make render`",
        )
    role = name.partition("/")[0]
    try:
        return str(aws.client("iam").get_role(RoleName=role)["Role"]["Arn"])
    except (BotoCoreError, ClientError):
        # The ARN of a session does not show the path of its role.
        return f"arn:aws:iam::{who.account}:role/{role}"


def _refused_of(aws: Aws, source: str, statement: Statement) -> Refused | None:
    resources = [sample(pattern) for pattern in statement.resources]
    request = {
        "PolicySourceArn": source,
        "ActionNames": list(statement.actions),
        "ContextEntries": list(_context(statement)),
        **({} if resources == ["*"] else {"ResourceArns": resources}),
    }
    try:
        pages = aws.client("iam").get_paginator("simulate_principal_policy").paginate(**request)
        results = [result for page in pages for result in page["EvaluationResults"]]
    except ClientError as error:
        raise CheckError(
            f"the simulation is refused: {code_of(error)}",
            "allow iam:SimulatePrincipalPolicy, or compare with deployer-policy.json of `make render`",
        ) from None
    actions = {result["EvalActionName"] for result in results if result["EvalDecision"] != "allowed"}
    if not actions:
        return None
    return Refused(
        tuple(action for action in statement.actions if action in actions), tuple(statement.resources)
    )


def sample(pattern: str) -> str:
    """A resource that a pattern of the deployer's policy means: the simulation takes ARNs, no patterns."""
    if pattern == "*":
        return pattern
    return pattern.replace("*", "0000000")


def _context(statement: Statement) -> Iterator[dict[str, Any]]:
    for keys in statement.condition.values():
        for name, value in keys.items():
            values = [value] if isinstance(value, str) else list(value)
            yield {
                "ContextKeyName": name,
                "ContextKeyValues": [sample(text) for text in values],
                "ContextKeyType": "string",
            }


def quotas(aws: Aws, settings: Settings, *, has_vm: bool, has_bucket: bool) -> dict[str, Quota]:
    """The quotas that a new stack meets, by their names. It needs no elastic IP address.

    Args:
        aws: the caller.
        settings: of the stack.
        has_vm: whether the stack's VM and network are made already.
        has_bucket: the same of its bucket.
    """
    asked: dict[str, Callable[[], Quota]] = {
        "vCPUs of running standard instances": lambda: Quota(
            used=_used_vcpus(aws),
            # `pulumi up` makes the new VMs before it removes the former ones.
            needed=_needed_vcpus(aws, settings),
            for_a_while=has_vm,
            limit=_limit(aws, VCPUS),
        ),
        "buckets in the account": lambda: Quota(
            used=len(aws.client("s3").list_buckets()["Buckets"]),
            needed=0 if has_bucket else 1,
            # S3 keeps this quota in one region.
            limit=_limit(aws, BUCKETS, "us-east-1"),
        ),
    }
    if not settings.worker.subnets:
        asked["VPCs in the region"] = lambda: Quota(
            used=_count_vpcs(aws), needed=0 if has_vm else 1, limit=_limit(aws, VPCS)
        )
    return {name: _tried(ask) for name, ask in asked.items()}


def _tried(ask: Callable[[], Quota]) -> Quota:
    try:
        return ask()
    except (BotoCoreError, ClientError) as error:
        return Quota(why=code_of(error))
    except CheckError as error:
        return Quota(why=error.text)


def _limit(aws: Aws, quota: tuple[str, str], region: str | None = None) -> float:
    service, code = quota
    client = aws.client("service-quotas", region)
    try:
        found = client.get_service_quota(ServiceCode=service, QuotaCode=code)
    except ClientError as error:
        if code_of(error) != "NoSuchResourceException":
            raise
        # A quota that was never changed may have only a default.
        found = client.get_aws_default_service_quota(ServiceCode=service, QuotaCode=code)
    return float(found["Quota"]["Value"])


def _count_vpcs(aws: Aws) -> int:
    pages = aws.client("ec2").get_paginator("describe_vpcs").paginate()
    return sum(len(page["Vpcs"]) for page in pages)


def _instance_types(aws: Aws, types: Iterable[str]) -> list[dict[str, Any]]:
    wanted = sorted(set(types))
    answer = aws.client("ec2").describe_instance_types(InstanceTypes=wanted) if wanted else {}
    found: list[dict[str, Any]] = answer.get("InstanceTypes", [])
    return found


def _is_standard(instance_type: str) -> bool:
    return instance_type[0] in _STANDARD_FAMILIES


def _used_vcpus(aws: Aws) -> int:
    running = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    pages = aws.client("ec2").get_paginator("describe_instances").paginate(Filters=running)
    types = [
        str(instance["InstanceType"])
        for page in pages
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
        if _is_standard(instance["InstanceType"]) and instance.get("InstanceLifecycle") != "spot"
    ]
    vcpus = {
        found["InstanceType"]: found["VCpuInfo"]["DefaultVCpus"] for found in _instance_types(aws, types)
    }
    return sum(int(vcpus.get(name, 0)) for name in types)


def _needed_vcpus(aws: Aws, settings: Settings) -> int:
    instance_type = settings.worker.instance_type
    if not _is_standard(instance_type):
        raise CheckError(f"{instance_type} is of no standard family, and has a quota of its own")
    (found,) = _instance_types(aws, [instance_type])
    return int(found["VCpuInfo"]["DefaultVCpus"]) * settings.worker.count


def image(aws: Aws, settings: Settings, kept: Collection[str], kept_architecture: str | None) -> Image:
    """The image that a new VM would have today, and what EC2 knows of its instance type.

    Args:
        aws: the caller.
        settings: of the stack.
        kept: ids of the images that its VMs have. Without `worker.ami`, a replaced VM keeps its image, unless the type
            has another architecture. A missing image is named before the others.
        kept_architecture: of the VMs.

    Raises:
        CheckError: EC2 does not know the instance type, or Canonical's parameter is not there.
    """
    ec2, instance_type = aws.client("ec2"), settings.worker.instance_type
    try:
        (known,) = _instance_types(aws, [instance_type])
    except ClientError as error:
        if code_of(error) != "InvalidInstanceType":
            raise
        raise CheckError(
            f"EC2 knows no instance type {instance_type}",
            "set worker.instanceType to one that `aws ec2 describe-instance-types` lists",
            State.BROKEN,
        ) from None
    architectures = tuple(known["ProcessorInfo"]["SupportedArchitectures"])
    offered = ec2.describe_instance_type_offerings(
        LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": [instance_type]}]
    )["InstanceTypeOfferings"]
    architecture: Architecture = "x86_64" if "x86_64" in architectures else "arm64"
    given = settings.worker.ami
    is_kept = given is None and bool(kept) and kept_architecture == architecture
    newest: str | None
    if given is None and not is_kept:
        newest = _newest_image(aws, architecture)
        ids = [newest]
    else:
        newest = _newest_if_known(aws, architecture)
        ids = sorted(kept) if given is None else [given]
    described = ec2.describe_images(Filters=[{"Name": "image-id", "Values": ids}])["Images"]
    found = {str(image["ImageId"]): str(image["Architecture"]) for image in described}
    id_ = next((id_ for id_ in ids if id_ not in found), ids[0])
    return Image(
        id=id_,
        architecture=found.get(id_),
        is_kept=is_kept,
        newest=newest,
        type_architectures=architectures,
        zones=tuple(sorted(str(offer["Location"]) for offer in offered)),
    )


def _newest_image(aws: Aws, architecture: Architecture) -> str:
    name = UBUNTU_LTS_PARAMETERS[architecture]
    try:
        return str(aws.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
    except ClientError as error:
        if code_of(error) != "ParameterNotFound":
            raise
        raise CheckError(
            f"this region has no parameter {name}", "set worker.ami to an image of Ubuntu 24.04", State.BROKEN
        ) from None


def _newest_if_known(aws: Aws, architecture: Architecture) -> str | None:
    """For the person who may want it; no VM needs it."""
    try:
        return _newest_image(aws, architecture)
    except (ClientError, CheckError):
        return None


def bucket(aws: Aws, name: str, account: str, own: Iterable[str]) -> BucketAnswer:
    """Who has the bucket of this name; `own`: those in the stack's state.

    Source: S3 API reference, "HeadBucket": 404 no bucket, 403 no access, 301 another region. `ExpectedBucketOwner`
    makes it 403 for a bucket of another account.
    """
    s3 = aws.client("s3")
    try:
        answer = s3.head_bucket(Bucket=name)
    except ClientError as error:
        headers = error.response["ResponseMetadata"].get("HTTPHeaders", {})
        region = headers.get("x-amz-bucket-region")
        status = error.response["ResponseMetadata"].get("HTTPStatusCode")
        if status == 404:
            return BucketAnswer(Owned.NOBODY)
        if status not in (301, 400, 403):
            raise
        mine = {str(found["Name"]) for found in s3.list_buckets()["Buckets"]}
        return BucketAnswer(_owned(name, own, mine), region)
    region = answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
    try:
        s3.head_bucket(Bucket=name, ExpectedBucketOwner=account)
    except ClientError:
        return BucketAnswer(Owned.ANOTHER_ACCOUNT, region)
    return BucketAnswer(_owned(name, own, {name}), region)


def _owned(name: str, own: Iterable[str], mine: Iterable[str]) -> Owned:
    if name in own:
        return Owned.THIS_STACK
    return Owned.THIS_ACCOUNT if name in mine else Owned.ANOTHER_ACCOUNT


def stored_kafka_key(aws: Aws, name: str) -> tuple[str, str] | None:
    """The API key and secret in a parameter of a running stack; None if it cannot be read."""
    try:
        found = aws.client("ssm").get_parameter(Name=name, WithDecryption=True)
    except (BotoCoreError, ClientError):
        return None
    value = json.loads(found["Parameter"]["Value"])
    redaction.remember(str(value["secret"]))
    return str(value["key"]), str(value["secret"])
