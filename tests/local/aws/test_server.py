"""The local AWS with real clients: who may do what, and how a refusal looks."""

import base64
import gzip
import hashlib
import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from botocore.exceptions import ClientError

from components import policies
from local.base import http, processes
from local.base.paths import ROOT
from local.stack.deployment import REGION
from local.systems import faults
from local.systems.aws.accounts import LOGZIO_ACCOUNT, UBUNTU_PARAMETER
from local.systems.faults import Fault
from tests.local.aws import clients

KEY = "topics/t/partition=0/t+0+00000000000000000000.json.gz"
TRUST_EC2 = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}


@dataclass(frozen=True)
class Aws:
    """A running local AWS, and the files with its first identities."""

    endpoint: str
    folder: Path

    def client(self, service: str, keys: Mapping[str, str], **config: Any) -> Any:
        return clients.client(self.endpoint, service, keys, **config)

    def identity(self, name: str) -> dict[str, str]:
        return clients.first_identity(self.folder, name)

    def deployer(self, service: str) -> Any:
        return self.client(service, self.identity("deployer"))

    def bucket(self) -> str:
        name = f"bucket-{uuid.uuid4().hex[:12]}"
        self.deployer("s3").create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        return name

    def user(self, *statements: Mapping[str, Any]) -> dict[str, str]:
        """A new user with these rights; the keys `id`, `secret` and `name`."""
        iam, name = self.deployer("iam"), f"user-{uuid.uuid4().hex[:12]}"
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(*statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"id": key["AccessKeyId"], "secret": key["SecretAccessKey"], "name": name}

    def role(self, trust: Mapping[str, Any], *statements: Mapping[str, Any], **more: Any) -> str:
        iam, name = self.deployer("iam"), f"role-{uuid.uuid4().hex[:12]}"
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust), **more)
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(*statements))
        return name


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str], resource: str | list[str], **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def refusal(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    state = tmp_path_factory.mktemp("state")
    command = [sys.executable, "-m", "local.systems.aws", "--state", str(state)]
    server = processes.start(state, "aws", command, env=os.environ, cwd=ROOT)
    yield Aws(f"http://127.0.0.1:{server.ready['port']}", state / "aws")
    processes.stop(state, "aws")


def lock(s3: Any, bucket: str) -> None:
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 7}}
    s3.put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )


def test_a_versioned_bucket_with_objects_can_be_locked_for_later_objects(aws: Aws) -> None:
    s3, bucket = aws.client("s3", aws.identity("deployer")), aws.bucket()
    s3.put_object(Bucket=bucket, Key="before", Body=b"")
    with pytest.raises(ClientError, match="Versioning must be 'Enabled'"):
        lock(s3, bucket)

    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    lock(s3, bucket)
    s3.put_object(Bucket=bucket, Key="after", Body=b"", ChecksumAlgorithm="CRC32")

    assert "ObjectLockMode" not in s3.head_object(Bucket=bucket, Key="before")
    assert s3.head_object(Bucket=bucket, Key="after")["ObjectLockMode"] == "COMPLIANCE"


def test_parts_of_a_locked_object_need_a_checksum_and_the_object_gets_the_retention(
    aws: Aws,
) -> None:
    s3 = aws.client("s3", aws.identity("deployer"), request_checksum_calculation="when_required")
    bucket = f"bucket-{uuid.uuid4().hex[:12]}"
    place = {"LocationConstraint": REGION}
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=place, ObjectLockEnabledForBucket=True)
    lock(s3, bucket)
    upload = {"Bucket": bucket, "Key": KEY}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]

    with pytest.raises(ClientError, match="Content-MD5 or x-amz-sdk-checksum-algorithm header required"):
        s3.upload_part(**upload, PartNumber=1, Body=b"x")
    digest = base64.b64encode(hashlib.md5(b"x", usedforsecurity=False).digest()).decode()
    part = s3.upload_part(**upload, PartNumber=1, Body=b"x", ContentMD5=digest)
    s3.complete_multipart_upload(
        **upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    )

    assert s3.head_object(Bucket=bucket, Key=KEY)["ObjectLockMode"] == "COMPLIANCE"


def test_the_first_identities_are_readable_by_their_owner_only(aws: Aws) -> None:
    modes = {file.name: file.stat().st_mode & 0o777 for file in aws.folder.glob("*.json")}
    assert {modes[name] for name in ("deployer.json", "logzio.json", "ec2.json")} == {0o600}


def test_a_writer_uploads_in_parts_under_its_prefix_only(aws: Aws) -> None:
    bucket = aws.bucket()
    writer = aws.client("s3", aws.user(allow("s3:PutObject", f"arn:aws:s3:::{bucket}/topics/*")))
    upload = writer.create_multipart_upload(Bucket=bucket, Key=KEY)["UploadId"]
    part = writer.upload_part(Bucket=bucket, Key=KEY, UploadId=upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    writer.complete_multipart_upload(Bucket=bucket, Key=KEY, UploadId=upload, MultipartUpload=parts)
    with pytest.raises(ClientError) as elsewhere:
        writer.create_multipart_upload(Bucket=bucket, Key="other/k")
    assert refusal(elsewhere) == "AccessDenied"


@pytest.mark.parametrize(
    ("operation", "arguments", "needed", "on"),
    [
        ("head_bucket", {}, "s3:ListBucket", ""),
        ("list_objects_v2", {}, "s3:ListBucket", ""),
        ("get_bucket_location", {}, "s3:GetBucketLocation", ""),
        ("list_multipart_uploads", {}, "s3:ListBucketMultipartUploads", ""),
        ("get_bucket_encryption", {}, "s3:GetEncryptionConfiguration", ""),
        ("get_public_access_block", {}, "s3:GetBucketPublicAccessBlock", ""),
        ("get_object", {"Key": "k"}, "s3:GetObject", "/*"),
        ("head_object", {"Key": "k"}, "s3:GetObject", "/*"),
        ("delete_object", {"Key": "gone"}, "s3:DeleteObject", "/*"),
        ("put_object", {"Key": "new", "Body": b""}, "s3:PutObject", "/*"),
    ],
)
def test_each_s3_operation_needs_its_right_on_the_right_resource(
    aws: Aws, operation: str, arguments: dict[str, Any], needed: str, on: str
) -> None:
    bucket = aws.bucket()
    s3 = aws.deployer("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    own, other = f"arn:aws:s3:::{bucket}{on}", f"arn:aws:s3:::{bucket}{'' if on else '/*'}"
    granted = aws.client("s3", aws.user(allow(needed, own)))
    getattr(granted, operation)(Bucket=bucket, **arguments)
    for statement in (allow(needed, other), allow("s3:PutObjectAcl", own)):
        with pytest.raises(ClientError) as error:
            getattr(aws.client("s3", aws.user(statement)), operation)(Bucket=bucket, **arguments)
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_an_abort_needs_its_own_right(aws: Aws) -> None:
    bucket = aws.bucket()
    upload = aws.deployer("s3").create_multipart_upload(Bucket=bucket, Key=KEY)["UploadId"]
    writer = aws.client("s3", aws.user(allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*")))
    with pytest.raises(ClientError) as error:
        writer.abort_multipart_upload(Bucket=bucket, Key=KEY, UploadId=upload)
    assert refusal(error) == "AccessDenied"
    aborter = aws.client("s3", aws.user(allow("s3:AbortMultipartUpload", f"arn:aws:s3:::{bucket}/*")))
    aborter.abort_multipart_upload(Bucket=bucket, Key=KEY, UploadId=upload)


def test_a_missing_object_is_404_only_for_those_who_may_list(aws: Aws) -> None:
    bucket = aws.bucket()
    get = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*")
    listing = allow("s3:ListBucket", f"arn:aws:s3:::{bucket}")
    for statements, status in (((get,), 403), ((get, listing), 404)):
        with pytest.raises(ClientError) as error:
            aws.client("s3", aws.user(*statements)).head_object(Bucket=bucket, Key="none")
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_a_conditional_completion_fails_for_an_existing_key(aws: Aws) -> None:
    bucket, s3 = aws.bucket(), aws.deployer("s3")

    def complete() -> None:
        upload = s3.create_multipart_upload(Bucket=bucket, Key=KEY)["UploadId"]
        part = s3.upload_part(Bucket=bucket, Key=KEY, UploadId=upload, PartNumber=1, Body=b"x")
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        s3.complete_multipart_upload(
            Bucket=bucket, Key=KEY, UploadId=upload, MultipartUpload=parts, IfNoneMatch="*"
        )

    complete()
    with pytest.raises(ClientError) as error:
        complete()
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412


def test_a_bucket_that_denies_plain_http_is_usable_over_loopback(aws: Aws) -> None:
    bucket, s3 = aws.bucket(), aws.deployer("s3")
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=document(deny))
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def test_a_bucket_policys_deny_applies_to_the_deployer_too(aws: Aws) -> None:
    bucket, s3 = aws.bucket(), aws.deployer("s3")
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/no/*",
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=document(deny))
    s3.put_object(Bucket=bucket, Key="yes/k", Body=b"x")
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket=bucket, Key="no/k", Body=b"x")
    assert refusal(error) == "AccessDenied"


def test_objects_with_a_kms_key_need_rights_on_the_key(aws: Aws) -> None:
    bucket, s3 = aws.bucket(), aws.deployer("s3")
    key = aws.deployer("kms").create_key()["KeyMetadata"]["Arn"]
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=rules)
    put = allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*")
    with pytest.raises(ClientError) as error:
        aws.client("s3", aws.user(put)).put_object(Bucket=bucket, Key="k", Body=b"x")
    assert refusal(error) == "AccessDenied"
    with_key = aws.user(put, allow("kms:GenerateDataKey", key))
    aws.client("s3", with_key).put_object(Bucket=bucket, Key="k", Body=b"x")


def test_only_the_granted_parameter_is_readable(aws: Aws) -> None:
    prefix, ssm = f"/{uuid.uuid4().hex}", aws.deployer("ssm")
    for name in ("own", "foreign"):
        ssm.put_parameter(Name=f"{prefix}/{name}", Value=name, Type="SecureString")
    arn = f"arn:aws:ssm:{REGION}:123456789012:parameter{prefix}/own"
    reader = aws.client("ssm", aws.user(allow("ssm:GetParameter", arn)))
    found = reader.get_parameter(Name=f"{prefix}/own", WithDecryption=True)
    assert found["Parameter"]["Value"] == "own"
    neighbours: dict[str, dict[str, Any]] = {
        "get_parameter": {"Name": f"{prefix}/foreign"},
        "get_parameters": {"Names": [f"{prefix}/own"]},
        "put_parameter": {"Name": f"{prefix}/own", "Value": "x", "Overwrite": True},
        "delete_parameter": {"Name": f"{prefix}/own"},
    }
    for operation, arguments in neighbours.items():
        with pytest.raises(ClientError) as error:
            getattr(reader, operation)(**arguments)
        assert refusal(error) == "AccessDeniedException"


def secret_under_a_key(aws: Aws, **key: str) -> tuple[str, str]:
    """Name of a parameter, and ARN of its key, which is made with these arguments."""
    arn = aws.deployer("kms").create_key(**key)["KeyMetadata"]["Arn"]
    name = f"/{uuid.uuid4().hex}/secret"
    aws.deployer("ssm").put_parameter(Name=name, Value="secret", Type="SecureString", KeyId=arn)
    return name, arn


def own_context(name: str, **changed: str) -> dict[str, dict[str, str]]:
    """A condition that holds when Parameter Store decrypts this parameter."""
    own = {
        "kms:ViaService": f"ssm.{REGION}.amazonaws.com",
        "kms:EncryptionContext:PARAMETER_ARN": f"arn:aws:ssm:{REGION}:123456789012:parameter{name}",
    }
    return {"StringEquals": own | {f"kms:{key}": value for key, value in changed.items()}}


READS_DECRYPTED: dict[str, Callable[[Any, str], Any]] = {
    "GetParameter": lambda ssm, name: ssm.get_parameter(Name=name, WithDecryption=True),
    "GetParameters": lambda ssm, name: ssm.get_parameters(Names=[name], WithDecryption=True),
    "GetParametersByPath": lambda ssm, name: ssm.get_parameters_by_path(
        Path=name.rpartition("/")[0], WithDecryption=True
    ),
    "GetParameterHistory": lambda ssm, name: ssm.get_parameter_history(Name=name, WithDecryption=True),
    "GetParameter of a version": lambda ssm, name: ssm.get_parameter(Name=f"{name}:1", WithDecryption=True),
}


@pytest.mark.parametrize("read", READS_DECRYPTED)
def test_a_secret_is_decrypted_only_with_the_right_to_its_key(aws: Aws, read: str) -> None:
    name, key = secret_under_a_key(aws)
    may_read = allow("ssm:Get*", "*")
    with_key = aws.client("ssm", aws.user(may_read, allow("kms:Decrypt", key, Condition=own_context(name))))
    without = aws.client("ssm", aws.user(may_read))

    assert "secret" in str(READS_DECRYPTED[read](with_key, name))
    with pytest.raises(ClientError, match=f"kms:Decrypt on resource: {key}"):
        READS_DECRYPTED[read](without, name)
    # Encrypted, everybody who may read parameters can read it.
    assert "kms:" in without.get_parameter(Name=name)["Parameter"]["Value"]


@pytest.mark.parametrize(
    "changed",
    [
        {"ViaService": f"s3.{REGION}.amazonaws.com"},
        {"EncryptionContext:PARAMETER_ARN": f"arn:aws:ssm:{REGION}:123456789012:parameter/another"},
    ],
    ids=["another service", "another parameter"],
)
def test_the_right_to_a_key_is_limited_to_the_service_and_the_parameter(
    aws: Aws, changed: dict[str, str]
) -> None:
    name, key = secret_under_a_key(aws)
    bound = allow("kms:Decrypt", key, Condition=own_context(name, **changed))

    with pytest.raises(ClientError, match="kms:Decrypt"):
        aws.client("ssm", aws.user(allow("ssm:GetParameter", "*"), bound)).get_parameter(
            Name=name, WithDecryption=True
        )


def test_the_default_key_decrypts_for_every_principal_of_the_account(aws: Aws) -> None:
    name = f"/{uuid.uuid4().hex}"
    aws.deployer("ssm").put_parameter(Name=name, Value="secret", Type="SecureString")
    reader = aws.client("ssm", aws.user(allow("ssm:GetParameter", "*")))

    assert reader.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"] == "secret"


def test_a_keys_policy_decides_who_may_use_it(aws: Aws) -> None:
    reader, other = aws.user(allow("ssm:GetParameter", "*")), aws.user(allow("*", "*"))
    arn = aws.client("sts", reader).get_caller_identity()["Arn"]
    named = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "kms:*", "Resource": "*"}
    deployer = {**named, "Principal": {"AWS": aws.deployer("sts").get_caller_identity()["Arn"]}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [named, deployer]})
    name, _ = secret_under_a_key(aws, Policy=policy)

    assert (
        aws.client("ssm", reader).get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
        == "secret"
    )
    # The policy does not leave it to the account's IAM policies.
    with pytest.raises(ClientError, match="kms:Decrypt"):
        aws.client("ssm", other).get_parameter(Name=name, WithDecryption=True)


def test_a_secret_is_encrypted_only_with_the_right_to_encrypt(aws: Aws) -> None:
    name, key = secret_under_a_key(aws)
    request = {"Name": name, "Value": "new", "Type": "SecureString", "KeyId": key, "Overwrite": True}
    may_put = allow("ssm:PutParameter", "*")

    aws.client("ssm", aws.user(may_put, allow("kms:Encrypt", key))).put_parameter(**request)
    with pytest.raises(ClientError, match="kms:Encrypt"):
        aws.client("ssm", aws.user(may_put)).put_parameter(**request)


def test_a_value_without_a_key_gets_the_default_key(aws: Aws) -> None:
    name, _ = secret_under_a_key(aws)
    ssm = aws.deployer("ssm")
    ssm.put_parameter(Name=name, Value="new", Type="SecureString", Overwrite=True)
    (found,) = ssm.describe_parameters(
        ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [name]}]
    )["Parameters"]

    assert found["KeyId"] == "alias/aws/ssm"


def test_metrics_are_accepted_in_the_allowed_namespace_only(aws: Aws) -> None:
    own = {"StringEquals": {"cloudwatch:namespace": "Own"}}
    cloudwatch = aws.client("cloudwatch", aws.user(allow("cloudwatch:PutMetricData", "*", Condition=own)))
    metric = [{"MetricName": "m", "Value": 1.0}]
    cloudwatch.put_metric_data(Namespace="Own", MetricData=metric)
    with pytest.raises(ClientError, match="not authorized"):
        cloudwatch.put_metric_data(Namespace="Foreign", MetricData=metric)


def test_logzio_assumes_a_role_only_with_its_external_id(aws: Aws) -> None:
    bucket = aws.bucket()
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{LOGZIO_ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "logzio:aws:extid:right"}},
    }
    listing = allow("s3:ListBucket", f"arn:aws:s3:::{bucket}")
    arn = f"arn:aws:iam::123456789012:role/{aws.role(trust, listing)}"
    sts = aws.client("sts", aws.identity("logzio"))
    for wrong in ({}, {"ExternalId": "logzio:aws:extid:wrong"}):
        with pytest.raises(ClientError) as error:
            sts.assume_role(RoleArn=arn, RoleSessionName="fetch", **wrong)
        assert refusal(error) == "AccessDenied"
    answer = sts.assume_role(RoleArn=arn, RoleSessionName="fetch", ExternalId="logzio:aws:extid:right")
    found = answer["Credentials"]
    keys = {"id": found["AccessKeyId"], "secret": found["SecretAccessKey"], "token": found["SessionToken"]}
    aws.client("s3", keys).list_objects_v2(Bucket=bucket)
    with pytest.raises(ClientError) as error:
        aws.client("s3", keys).put_object(Bucket=bucket, Key="k", Body=b"")
    assert refusal(error) == "AccessDenied"


def test_a_role_shows_when_it_was_last_used_even_by_a_request_that_was_refused(aws: Aws) -> None:
    user = aws.user(allow("sts:AssumeRole", "*"))
    arn = f"arn:aws:iam::123456789012:user/{user['name']}"
    role = aws.role({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"})

    def last_used() -> datetime | None:
        shown = aws.deployer("iam").get_role(RoleName=role)["Role"]
        used: datetime | None = shown.get("RoleLastUsed", {}).get("LastUsedDate")
        return used

    found = aws.client("sts", user).assume_role(
        RoleArn=f"arn:aws:iam::123456789012:role/{role}", RoleSessionName="me"
    )["Credentials"]
    keys = {"id": found["AccessKeyId"], "secret": found["SecretAccessKey"], "token": found["SessionToken"]}
    assert last_used() is None
    with pytest.raises(ClientError):
        aws.client("s3", keys).list_objects_v2(Bucket=aws.bucket())

    used = last_used()
    assert used is not None
    assert abs(datetime.now(UTC) - used) < timedelta(minutes=1)


def test_a_right_on_a_role_names_its_path(aws: Aws) -> None:
    name = f"role-{uuid.uuid4().hex[:12]}"
    aws.deployer("iam").create_role(
        RoleName=name, Path="/logexporter/", AssumeRolePolicyDocument=document(TRUST_EC2)
    )
    with_path, without = (
        aws.client("iam", aws.user(allow("iam:GetRole", f"arn:aws:iam::123456789012:role{path}{name}")))
        for path in ("/logexporter/", "/")
    )

    assert with_path.get_role(RoleName=name)["Role"]["Path"] == "/logexporter/"
    with pytest.raises(ClientError) as error:
        without.get_role(RoleName=name)
    assert refusal(error) == "AccessDenied"


def test_logzio_has_no_rights_in_the_stacks_account(aws: Aws) -> None:
    with pytest.raises(ClientError) as error:
        aws.client("s3", aws.identity("logzio")).list_objects_v2(Bucket=aws.bucket())
    assert refusal(error) == "AccessDenied"


def test_nobody_but_ec2_assumes_a_role_that_trusts_ec2(aws: Aws) -> None:
    role = aws.role(TRUST_EC2)
    with pytest.raises(ClientError) as error:
        aws.deployer("sts").assume_role(
            RoleArn=f"arn:aws:iam::123456789012:role/{role}", RoleSessionName="me"
        )
    assert refusal(error) == "AccessDenied"


def test_ec2_returns_the_credentials_of_a_role_to_the_holder_of_its_token(aws: Aws) -> None:
    iam, ec2 = aws.deployer("iam"), aws.deployer("ec2")
    role = aws.role(TRUST_EC2)
    iam.create_instance_profile(InstanceProfileName=role)
    iam.add_role_to_instance_profile(InstanceProfileName=role, RoleName=role)
    image = aws.deployer("ssm").get_parameter(Name=UBUNTU_PARAMETER)["Parameter"]["Value"]
    profile = {"Name": role}
    launched = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, IamInstanceProfile=profile)
    instance = launched["Instances"][0]["InstanceId"]
    url = f"{aws.endpoint}/_local/instances/{instance}/credentials"
    assert http.post(url).status_code == 403
    token = json.loads((aws.folder / "ec2.json").read_text())["token"]
    found = http.post(url, headers={"Authorization": f"Bearer {token}"}).json()
    keys = {"id": found["AccessKeyId"], "secret": found["SecretAccessKey"], "token": found["Token"]}
    arn = aws.client("sts", keys).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::123456789012:assumed-role/{role}/{instance}"


def test_a_group_in_a_rule_stands_for_the_addresses_of_its_instances(aws: Aws) -> None:
    ec2 = aws.deployer("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/24")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.0.0/24")["Subnet"]["SubnetId"]
    fleet, other = (
        ec2.create_security_group(GroupName=name, Description="x", VpcId=vpc)["GroupId"]
        for name in ("fleet", "other")
    )
    from_itself = {"IpProtocol": "tcp", "FromPort": 8443, "ToPort": 8443}
    ec2.authorize_security_group_ingress(
        GroupId=fleet, IpPermissions=[{**from_itself, "UserIdGroupPairs": [{"GroupId": fleet}]}]
    )
    image = aws.deployer("ssm").get_parameter(Name=UBUNTU_PARAMETER)["Parameter"]["Value"]
    made = [
        ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet, SecurityGroupIds=[group])[
            "Instances"
        ][0]
        for group in (fleet, fleet, other)
    ]
    ids, addresses = (
        [str(instance[name]) for instance in made] for name in ("InstanceId", "PrivateIpAddress")
    )

    def described() -> list[dict[str, Any]]:
        token = json.loads((aws.folder / "ec2.json").read_text())["token"]
        headers = {"Authorization": f"Bearer {token}"}
        answer = http.get(f"{aws.endpoint}/_local/instances", headers=headers)
        known = {instance["id"]: instance for instance in answer.json()}
        return [known[instance] for instance in ids]

    first, second, stranger = described()
    peers = [f"{address}/32" for address in addresses[:2]]
    assert first["incoming"] == [{"protocol": "tcp", "ports": [8443, 8443], "peers": peers}]
    assert second["incoming"] == first["incoming"]
    assert stranger["incoming"] == []
    # What EC2 gives every new group.
    assert stranger["outgoing"] == [{"protocol": "-1", "ports": None, "peers": ["0.0.0.0/0"]}]

    ec2.terminate_instances(InstanceIds=ids[1:2])
    assert described()[0]["incoming"][0]["peers"] == peers[:1]


def test_an_image_that_does_not_exist_cannot_be_launched(aws: Aws) -> None:
    with pytest.raises(ClientError) as error:
        aws.deployer("ec2").run_instances(ImageId="ami-00000000000000000", MinCount=1, MaxCount=1)
    assert refusal(error) == "InvalidAMIID.NotFound"


def test_a_deactivated_or_deleted_key_is_refused_at_once(aws: Aws) -> None:
    user, iam = aws.user(allow("s3:ListAllMyBuckets", "*")), aws.deployer("iam")
    s3 = aws.client("s3", user)
    s3.list_buckets()
    which = {"UserName": user["name"], "AccessKeyId": user["id"]}
    iam.update_access_key(**which, Status="Inactive")
    with pytest.raises(ClientError) as inactive:
        s3.list_buckets()
    iam.update_access_key(**which, Status="Active")
    s3.list_buckets()
    iam.delete_access_key(**which)
    with pytest.raises(ClientError) as deleted:
        s3.list_buckets()
    assert {refusal(inactive), refusal(deleted)} == {"InvalidAccessKeyId"}


def test_every_protocol_has_an_error_for_a_wrong_secret(aws: Aws) -> None:
    wrong = {**aws.identity("deployer"), "secret": "x" * 40}
    with pytest.raises(ClientError) as s3:
        aws.client("s3", wrong).list_buckets()
    with pytest.raises(ClientError) as ssm:
        aws.client("ssm", wrong).get_parameter(Name="/x")
    assert {refusal(s3), refusal(ssm)} == {"SignatureDoesNotMatch"}


def test_requests_without_a_signature_and_motos_own_switches_are_refused(aws: Aws) -> None:
    assert http.get(f"{aws.endpoint}/{aws.bucket()}/k").status_code == 403
    assert http.post(f"{aws.endpoint}/moto-api/reset-auth", content="1000").status_code == 404


@pytest.mark.parametrize(("minutes", "refused"), [(-20, True), (-10, False), (10, False), (20, True)])
def test_a_clock_may_be_a_quarter_of_an_hour_off_and_no_more(aws: Aws, minutes: int, refused: bool) -> None:
    moment = datetime.now(UTC) + timedelta(minutes=minutes)
    stamp = {
        "X-Amz-Date": f"{moment:%Y%m%dT%H%M%SZ}",
        "Authorization": "AWS4-HMAC-SHA256 Credential=a/b/c/s3/d",
    }
    answer = http.get(f"{aws.endpoint}/bucket/k", headers=stamp)
    assert answer.status_code == 403
    assert ("RequestTimeTooSkewed" in answer.text) is refused


def test_s3_requests_are_counted_by_name_and_a_fault_hits_the_next_one(aws: Aws) -> None:
    bucket = aws.bucket()
    user = aws.user(allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*"))
    writer = aws.client("s3", user)
    faults.inject(aws.endpoint, Fault(caller=user["name"], calls=("PutObject",), status=503))
    with pytest.raises(ClientError) as error:
        writer.put_object(Bucket=bucket, Key="k", Body=b"x" * 100_000)
    assert refusal(error) == "SlowDown"
    writer.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert http.get(f"{aws.endpoint}/_local/s3-requests").json()[user["name"]] == {"PutObject": 2}
    assert faults.current(aws.endpoint) == []


def test_a_hanging_request_ends_with_its_fault(aws: Aws) -> None:
    bucket = aws.bucket()
    user = aws.user(allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*"))
    faults.inject(aws.endpoint, Fault(caller=user["name"], answer="hang", times=None, seconds=3600))
    answers: list[object] = []

    def put() -> None:
        try:
            answers.append(aws.client("s3", user).put_object(Bucket=bucket, Key="k", Body=b"x"))
        except ClientError as error:
            answers.append(error)

    sender = Thread(target=put)
    sender.start()
    while not faults.current(aws.endpoint)[0]["hits"]:
        assert sender.is_alive()
    assert answers == []
    faults.clear(aws.endpoint)
    sender.join()
    assert [str(answer) for answer in answers if "The request hung." in str(answer)]


def test_a_slow_request_gets_the_right_answer_later(aws: Aws) -> None:
    bucket = aws.bucket()
    user = aws.user(allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*"))
    writer = aws.client("s3", user)
    faults.inject(aws.endpoint, Fault(caller=user["name"], answer="slow", delay=0.3, times=None))
    began = time.monotonic()

    answers = [writer.put_object(Bucket=bucket, Key=key, Body=b"x") for key in "ab"]

    assert time.monotonic() - began >= 0.6
    assert all(answer["ETag"] for answer in answers)
    faults.clear(aws.endpoint)
    assert faults.current(aws.endpoint) == []


def test_a_fault_that_the_local_aws_does_not_understand_is_refused(aws: Aws) -> None:
    for fault in (
        {"answer": "cut"},
        {"status": 503, "skpi": 1},
        {"status": 503, "effect": True},
        {"times": 1},
    ):
        assert http.post(f"{aws.endpoint}{faults.PATH}", json=fault).status_code == 400


def test_a_topic_is_published_to_with_a_right_of_the_caller_or_of_its_policy(aws: Aws) -> None:
    sns = aws.deployer("sns")
    topic = sns.create_topic(Name=f"topic-{uuid.uuid4().hex[:12]}")["TopicArn"]
    holder, stranger = aws.user(allow("sns:Publish", topic)), aws.user(allow("sns:Publish", f"{topic}-other"))
    sns.set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=policies.to_json(policies.alarm_topic(topic))
    )

    aws.client("sns", holder).publish(TopicArn=topic, Message="an alarm")
    with pytest.raises(ClientError) as error:
        aws.client("sns", stranger).publish(TopicArn=topic, Message="a joke")
    assert refusal(error) == "AccessDenied"
    # Another account needs its own right and the topic's.
    with pytest.raises(ClientError):
        aws.client("sns", aws.identity("logzio")).publish(TopicArn=topic, Message="a joke")

    open_to_all = allow("sns:Publish", topic, Principal="*")
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document(open_to_all))
    aws.client("sns", stranger).publish(TopicArn=topic, Message="allowed by the topic")


def test_a_right_on_one_dashboard_or_alarm_is_none_on_another(aws: Aws) -> None:
    account = aws.deployer("sts").get_caller_identity()["Account"]
    user = aws.user(
        allow("cloudwatch:PutDashboard", f"arn:aws:cloudwatch::{account}:dashboard/mine"),
        allow("cloudwatch:DeleteAlarms", f"arn:aws:cloudwatch:{REGION}:{account}:alarm:mine"),
    )
    cloudwatch = aws.client("cloudwatch", user)

    cloudwatch.put_dashboard(DashboardName="mine", DashboardBody='{"widgets": []}')
    cloudwatch.delete_alarms(AlarmNames=["mine"])
    with pytest.raises(ClientError, match="cloudwatch:PutDashboard"):
        cloudwatch.put_dashboard(DashboardName="theirs", DashboardBody='{"widgets": []}')
    with pytest.raises(ClientError, match="cloudwatch:DeleteAlarms"):
        cloudwatch.delete_alarms(AlarmNames=["mine", "theirs"])


def test_a_large_request_is_compressed_and_its_signature_holds(aws: Aws) -> None:
    cloudwatch = aws.client("cloudwatch", aws.user(allow("cloudwatch:PutMetricData", "*")))
    data = [{"MetricName": f"m-{number}", "Value": number} for number in range(1000)]
    sent = []
    cloudwatch.meta.events.register("before-send", lambda request, **_: sent.append(request))

    cloudwatch.put_metric_data(Namespace="large", MetricData=data)

    assert sent[0].headers["Content-Encoding"] in {"gzip", b"gzip"}
    put = http.get(f"{aws.endpoint}/_local/metric-data", params={"since": 0}).json()
    kept = {datum["metric"]: datum["value"] for datum in put if datum["namespace"] == "large"}
    assert kept == {datum["MetricName"]: datum["Value"] for datum in data}


def test_a_compressed_request_that_was_changed_on_its_way_is_refused(aws: Aws) -> None:
    cloudwatch = aws.deployer("cloudwatch")

    def change(request: Any, **_: Any) -> None:
        request.body = gzip.compress(gzip.decompress(request.body).replace(b"m-7", b"n-7"))
        request.headers["Content-Length"] = str(len(request.body))

    cloudwatch.meta.events.register("before-send", change)
    data = [{"MetricName": f"m-{number}", "Value": number} for number in range(1000)]

    with pytest.raises(ClientError) as error:
        cloudwatch.put_metric_data(Namespace="changed", MetricData=data)

    assert refusal(error) == "SignatureDoesNotMatch"
