"""Each identity of the stack under AWS's rules: its tasks work, and nothing else does."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from components.archive import layout
from components.policies import Statement
from components.worker.files import check_keys, fetch_secrets
from local.base import processes
from local.base.paths import ROOT
from local.systems.aws.accounts import ACCOUNT
from tests.local.aws.rights_support import (
    IDENTITIES,
    PREFIX,
    REFUSALS,
    WORKER_FILES,
    Identity,
    Keys,
    Stack,
    StepError,
    code_of,
    make_stack,
)

# The purpose of each action: the steps that fail without it alone (with a KMS key on the bucket).
EVERY_WRITE = {"uploads in parts", "goes on after a crash"}
WRITER_NEEDS: Mapping[str, set[str]] = {
    "s3:ListBucket": {"finds the bucket", "looks at the keys", "goes on after a crash"},
    "s3:PutObject": EVERY_WRITE,
    "s3:GetObject": {"goes on after a crash"},
    "s3:AbortMultipartUpload": {"aborts an upload"},
    "kms:GenerateDataKey": EVERY_WRITE,
    # After the crash: the upload that finds the object, and HeadObject.
    "kms:Decrypt": EVERY_WRITE,
}
READER_NEEDS: Mapping[str, set[str]] = {
    "s3:ListBucket": {"Logz.io reads"},
    "s3:GetObject": {"Logz.io reads"},
    "kms:Decrypt": {"Logz.io reads"},
}
EVERY_RUN = {
    "fetches its files",
    "fetches secrets",
    "tells metrics",
    "tells its status",
    "sees when Logz.io reads",
}
VM_NEEDS: Mapping[str, set[str]] = {
    "s3:GetObject": {"fetches its files"},
    "kms:Decrypt": {"fetches its files", "fetches secrets"},
    "ssm:GetParameter": {"fetches secrets"},
    "cloudwatch:PutMetricData": {"tells metrics"},
    "ssm:PutParameter": {"tells its status"},
    "iam:GetRole": {"sees when Logz.io reads"},
}
CANARY_NEEDS: Mapping[str, set[str]] = {
    "s3:ListBucket": {"follows the archive"},
    "s3:GetObject": {"follows the archive"},
    "kms:Decrypt": {"follows the archive", "reads Kafka's login"},
    "ssm:GetParameter": {"reads Kafka's login"},
    "cloudwatch:PutMetricData": {"publishes"},
}
NEEDS: Mapping[str, Mapping[str, set[str]]] = {
    "writer user": WRITER_NEEDS,
    "writer role": {
        **VM_NEEDS,
        **WRITER_NEEDS,
        "s3:GetObject": {"fetches its files", "goes on after a crash"},
        "kms:Decrypt": {"fetches its files", "fetches secrets", *EVERY_WRITE},
        "sts:AssumeRole": {
            *EVERY_RUN,
            "finds the bucket",
            "looks at the keys",
            "aborts an upload",
            *EVERY_WRITE,
        },
    },
    "reader role": {**READER_NEEDS, "sts:AssumeRole": {"Logz.io reads"}},
    "reader user": READER_NEEDS,
    "VM role": {**VM_NEEDS, "sts:AssumeRole": EVERY_RUN},
    "canary user": CANARY_NEEDS,
}

# Actions whose absence breaks nothing here, and why they are granted all the same.
GRANTED_ALL_THE_SAME: Mapping[str, str] = {
    "s3:ListAllMyBuckets": "the article's and the vendor's documentation ask for it; shows names of buckets only",
    "s3:GetBucketLocation": "Logz.io's and the vendor's documentation ask for it; clients without a region use it",
    "s3:ListBucketMultipartUploads": "the article's; finds uploads that a crash left, ahead of the lifecycle rule",
    "s3:ListMultipartUploadParts": "the article's; looks into such an upload",
    "ssm:UpdateInstanceInformation": "Session Manager's agent, which is not part of the local stack",
    "ssmmessages:CreateControlChannel": "Session Manager's agent, which is not part of the local stack",
    "ssmmessages:CreateDataChannel": "Session Manager's agent, which is not part of the local stack",
    "ssmmessages:OpenControlChannel": "Session Manager's agent, which is not part of the local stack",
    "ssmmessages:OpenDataChannel": "Session Manager's agent, which is not part of the local stack",
}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    state = tmp_path_factory.mktemp("rights")
    command = [sys.executable, "-m", "local.systems.aws", "--state", str(state)]
    server = processes.start(state, "aws", command, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT)
    yield f"http://127.0.0.1:{server.ready['port']}", state / "aws"
    processes.stop(state, "aws")


@pytest.fixture(scope="module")
def stack(cloud: tuple[str, Path]) -> Stack:
    return make_stack(*cloud, with_kms=False)


@pytest.fixture(scope="module")
def encrypted_stack(cloud: tuple[str, Path]) -> Stack:
    return make_stack(*cloud, with_kms=True)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    # On the VM the scripts wait for the rights of a new role.
    for script in (fetch_secrets, check_keys):
        monkeypatch.setattr(script, "ATTEMPTS", 1)
        monkeypatch.setattr(script, "PAUSE_SECONDS", 0)


@pytest.mark.parametrize("name", IDENTITIES)
@pytest.mark.parametrize("encryption", ["stack", "encrypted_stack"])
def test_each_identity_can_do_all_of_its_tasks(
    name: str, encryption: str, request: pytest.FixtureRequest
) -> None:
    identity = IDENTITIES[name](request.getfixturevalue(encryption))

    for step in identity.flow.values():
        step(identity)


@pytest.mark.parametrize("name", IDENTITIES)
def test_without_any_one_of_its_actions_an_identity_fails(name: str, encrypted_stack: Stack) -> None:
    identity = IDENTITIES[name](encrypted_stack)
    assert identity.broken_steps() == set()

    broken = dict(_broken_without_each_action(identity))

    assert {action: steps for action, steps in broken.items() if steps} == NEEDS[name]
    assert {action for action, steps in broken.items() if not steps} <= set(GRANTED_ALL_THE_SAME)


def test_no_reason_for_a_grant_outlives_the_grant(encrypted_stack: Stack) -> None:
    granted = {
        action
        for make in IDENTITIES.values()
        for statements in make(encrypted_stack).statements.values()
        for statement in statements
        for action in statement.actions
    }

    assert set(GRANTED_ALL_THE_SAME) <= granted


def _broken_without_each_action(identity: Identity) -> Iterator[tuple[str, set[str]]]:
    """Each action, removed from every statement that grants it, with the steps that failed."""
    granted = (
        action
        for statements in identity.statements.values()
        for statement in statements
        for action in statement.actions
    )
    for action in dict.fromkeys(granted):
        for policy, statements in identity.statements.items():
            identity.put(policy, [_without(action, statement) for statement in statements])
        yield action, identity.broken_steps()
    for policy, statements in identity.statements.items():
        identity.put(policy, statements)


def _without(action: str, statement: Statement) -> Statement:
    kept = [name for name in statement.actions if name != action]
    # IAM takes no statement without an action: a harmless action takes its place.
    return replace(statement, actions=kept or ["sts:TagSession"])


Attempt = Callable[[Stack, Callable[[str], Any]], object]

# Outside the rights of each: other actions on the stack's own resources, the same actions on foreign ones.
NEIGHBOURS: Mapping[str, Attempt] = {
    "s3:PutObject foreign": lambda s, c: c("s3").put_object(Bucket=s.foreign_bucket, Key="k", Body=b""),
    "s3:CreateMultipartUpload foreign": lambda s, c: c("s3").create_multipart_upload(
        Bucket=s.foreign_bucket, Key="k"
    ),
    "s3:GetObject foreign": lambda s, c: c("s3").get_object(Bucket=s.foreign_bucket, Key=f"{PREFIX}there"),
    "s3:ListBucket foreign": lambda s, c: c("s3").list_objects_v2(Bucket=s.foreign_bucket),
    "s3:CopyObject from foreign": lambda s, c: c("s3").copy_object(
        Bucket=s.bucket, Key="k", CopySource={"Bucket": s.foreign_bucket, "Key": f"{PREFIX}there"}
    ),
    "s3:CreateBucket": lambda _, c: c("s3").create_bucket(
        Bucket="yet-another", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    ),
    "s3:PutObjectTagging": lambda s, c: c("s3").put_object_tagging(
        Bucket=s.bucket, Key=f"{PREFIX}there", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}
    ),
    "s3:GetObjectTagging": lambda s, c: c("s3").get_object_tagging(Bucket=s.bucket, Key=f"{PREFIX}there"),
    "s3:GetObjectAcl": lambda s, c: c("s3").get_object_acl(Bucket=s.bucket, Key=f"{PREFIX}there"),
    "s3:GetBucketPolicy": lambda s, c: c("s3").get_bucket_policy(Bucket=s.bucket),
    "s3:PutLifecycleConfiguration": lambda s, c: c("s3").put_bucket_lifecycle_configuration(
        Bucket=s.bucket,
        LifecycleConfiguration={
            "Rules": [{"ID": "all", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}]
        },
    ),
    "s3:PutBucketVersioning": lambda s, c: c("s3").put_bucket_versioning(
        Bucket=s.bucket, VersioningConfiguration={"Status": "Enabled"}
    ),
    "s3:ListBucketVersions": lambda s, c: c("s3").list_object_versions(Bucket=s.bucket),
    "s3:PutBucketPublicAccessBlock": lambda s, c: c("s3").delete_public_access_block(Bucket=s.bucket),
    "s3:PutEncryptionConfiguration": lambda s, c: c("s3").delete_bucket_encryption(Bucket=s.bucket),
    "ssm:GetParameter another": lambda s, c: c("ssm").get_parameter(
        Name=s.foreign_parameter, WithDecryption=True
    ),
    "ssm:GetParametersByPath": lambda _, c: c("ssm").get_parameters_by_path(Path="/", Recursive=True),
    "ssm:GetParameters": lambda s, c: c("ssm").get_parameters(Names=[s.kafka_parameter]),
    "ssm:GetParameterHistory": lambda s, c: c("ssm").get_parameter_history(Name=s.kafka_parameter),
    "ssm:DescribeParameters": lambda _, c: c("ssm").describe_parameters(),
    "ssm:PutParameter": lambda s, c: c("ssm").put_parameter(
        Name=s.kafka_parameter, Type="SecureString", Value="x", Overwrite=True
    ),
    "iam:CreateAccessKey": lambda _, c: c("iam").create_access_key(UserName="deployer"),
    "iam:CreateUser": lambda _, c: c("iam").create_user(UserName="another"),
    "iam:GetRole another": lambda _, c: c("iam").get_role(RoleName="another"),
    "iam:ListUsers": lambda _, c: c("iam").list_users(),
    "iam:PutUserPolicy": lambda _, c: c("iam").put_user_policy(
        UserName="another", PolicyName="p", PolicyDocument='{"Version": "2012-10-17", "Statement": []}'
    ),
    "sts:AssumeRole": lambda _, c: c("sts").assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/another", RoleSessionName="tried"
    ),
    "kms:Encrypt foreign": lambda s, c: c("kms").encrypt(KeyId=s.foreign_kms_key, Plaintext=b"x"),
    "kms:GenerateDataKey foreign": lambda s, c: c("kms").generate_data_key(
        KeyId=s.foreign_kms_key, KeySpec="AES_256"
    ),
    # The key serves the VM through the Parameter Store only, and nobody else.
    "kms:Decrypt": lambda s, c: c("kms").decrypt(
        CiphertextBlob=s.encrypted,
        KeyId=s.secrets_key,
        EncryptionContext={"PARAMETER_ARN": s.parameter_arns()[0]},
    ),
    "kms:Encrypt": lambda s, c: c("kms").encrypt(KeyId=s.secrets_key, Plaintext=b"x"),
    "kms:PutKeyPolicy": lambda s, c: c("kms").put_key_policy(
        KeyId=s.secrets_key, PolicyName="default", Policy='{"Version": "2012-10-17", "Statement": []}'
    ),
    "kms:CreateKey": lambda _, c: c("kms").create_key(),
    "ec2:DescribeInstances": lambda _, c: c("ec2").describe_instances(),
    "ec2:CreateSecurityGroup": lambda _, c: c("ec2").create_security_group(GroupName="g", Description="d"),
    "cloudwatch:PutMetricData foreign": lambda _, c: c("cloudwatch").put_metric_data(
        Namespace="another", MetricData=[{"MetricName": "m", "Value": 1.0}]
    ),
    "cloudwatch:PutMetricAlarm": lambda _, c: c("cloudwatch").put_metric_alarm(
        AlarmName="a",
        MetricName="m",
        Namespace="n",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        Statistic="Sum",
    ),
    "cloudwatch:ListMetrics": lambda _, c: c("cloudwatch").list_metrics(),
    "s3:DeleteObject": lambda s, c: c("s3").delete_object(Bucket=s.bucket, Key=f"{PREFIX}there"),
    "s3:DeleteObjects": lambda s, c: c("s3").delete_objects(
        Bucket=s.bucket, Delete={"Objects": [{"Key": f"{PREFIX}there"}]}
    ),
    "ssm:DeleteParameter": lambda s, c: c("ssm").delete_parameter(Name=s.kafka_parameter),
    "s3:DeleteBucketPolicy": lambda s, c: c("s3").delete_bucket_policy(Bucket=s.bucket),
    "s3:PutBucketPolicy": lambda s, c: c("s3").put_bucket_policy(
        Bucket=s.bucket,
        Policy='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", '
        f'"Action": "s3:GetObject", "Resource": "arn:aws:s3:::{s.bucket}/*"}}]}}',
    ),
    "s3:DeleteBucket": lambda s, c: c("s3").delete_bucket(Bucket=s.bucket),
}

# What one identity may do and the others may not.
WRITING: Mapping[str, Attempt] = {
    "s3:PutObject": lambda s, c: c("s3").put_object(Bucket=s.bucket, Key=f"{PREFIX}new", Body=b""),
    "s3:CreateMultipartUpload": lambda s, c: c("s3").create_multipart_upload(
        Bucket=s.bucket, Key=f"{PREFIX}new"
    ),
    "s3:ListMultipartUploads": lambda s, c: c("s3").list_multipart_uploads(Bucket=s.bucket),
    "s3:ListAllMyBuckets": lambda _, c: c("s3").list_buckets(),
}
READING: Mapping[str, Attempt] = {
    "s3:GetObject": lambda s, c: c("s3").get_object(Bucket=s.bucket, Key=f"{PREFIX}there"),
    "s3:ListBucket": lambda s, c: c("s3").list_objects_v2(Bucket=s.bucket),
}
FETCHING: Mapping[str, Attempt] = {
    "ssm:GetParameter kafka": lambda s, c: c("ssm").get_parameter(Name=s.kafka_parameter),
    "ssm:GetParameter writer": lambda s, c: c("ssm").get_parameter(Name=s.writer_parameter),
}
FILES: Mapping[str, Attempt] = {
    "s3:GetObject of the VMs": lambda s, c: c("s3").get_object(Bucket=s.bucket, Key=WORKER_FILES),
}
BESIDE: Mapping[str, Mapping[str, Attempt]] = {
    "writer user": {**NEIGHBOURS, **FETCHING},
    "writer role": NEIGHBOURS,
    "reader role": {**NEIGHBOURS, **WRITING, **FETCHING},
    "reader user": {**NEIGHBOURS, **WRITING, **FETCHING},
    "VM role": {**NEIGHBOURS, **WRITING, **READING},
    "canary user": {
        **NEIGHBOURS,
        **WRITING,
        **FILES,
        "ssm:GetParameter writer": FETCHING["ssm:GetParameter writer"],
    },
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_each_identity_is_refused_everything_outside_its_rights(name: str, encrypted_stack: Stack) -> None:
    identity = IDENTITIES[name](encrypted_stack)

    answers = {
        attempt: _answer(try_it, encrypted_stack, identity.client) for attempt, try_it in BESIDE[name].items()
    }

    assert {attempt: answer for attempt, answer in answers.items() if answer not in REFUSALS} == {}


def test_the_refused_requests_succeed_for_an_identity_with_the_right(cloud: tuple[str, Path]) -> None:
    # Without this, a request that is refused for another reason than rights would count as a refusal.
    stack = make_stack(*cloud, with_kms=True)
    stack.deployer("iam").create_role(
        RoleName="another",
        AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", '
        '"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}',
    )

    attempts = {**WRITING, **READING, **FETCHING, **FILES, **NEIGHBOURS}
    answers = {name: _answer(attempt, stack, stack.deployer) for name, attempt in attempts.items()}

    assert {name: answer for name, answer in answers.items() if answer in REFUSALS} == {}


# Of AWS's managed policy AmazonSSMManagedInstanceCore: the actions with which an instance reads parameters.
MANAGED_INSTANCE = Statement("Managed", "", ["ssm:GetParameter", "ssm:GetParameters"], ["*"])
READ_ALL: Mapping[str, Attempt] = {
    "GetParameter": lambda s, c: c("ssm").get_parameter(Name=s.kafka_parameter, WithDecryption=True),
    "GetParameters": lambda s, c: c("ssm").get_parameters(Names=[s.kafka_parameter], WithDecryption=True),
}


@pytest.mark.parametrize("attempt", READ_ALL)
def test_an_instance_that_may_read_every_parameter_cannot_read_those_of_the_vm(
    attempt: str, stack: Stack
) -> None:
    another = IDENTITIES["VM role"](stack)
    for policy in another.statements.keys() - {"trust"}:
        another.put(policy, [MANAGED_INSTANCE])
    default_key = replace(stack, kafka_parameter=f"{stack.kafka_parameter}-default-key")
    stack.deployer("ssm").put_parameter(
        Name=default_key.kafka_parameter, Type="SecureString", Value="open to all", Overwrite=True
    )

    # The same rights and the same request: only the key differs.
    assert _answer(READ_ALL[attempt], default_key, another.client) == "done"
    assert _answer(READ_ALL[attempt], stack, another.client) in REFUSALS
    assert (
        _answer(READ_ALL[attempt], stack, IDENTITIES["VM role"](stack).client)
        in {
            "GetParameter": {"done"},
            "GetParameters": REFUSALS,
        }[attempt]
    )


def test_the_vm_uses_the_key_for_its_own_parameters_alone(stack: Stack) -> None:
    vm = IDENTITIES["VM role"](stack)
    vm.put("session-manager", [MANAGED_INSTANCE])
    foreign = replace(stack, kafka_parameter=stack.foreign_parameter)

    # With the same key, and with the right to read each parameter.
    assert _answer(READ_ALL["GetParameter"], foreign, vm.client) in REFUSALS
    assert _answer(READ_ALL["GetParameter"], stack, vm.client) == "done"


def _answer(attempt: Attempt, stack: Stack, client: Callable[[str], Any]) -> str:
    try:
        attempt(stack, client)
    except ClientError as error:
        return code_of(error)
    return "done"


def test_logzio_cannot_assume_the_role_for_another_customer(stack: Stack) -> None:
    identity = IDENTITIES["reader role"](stack)
    sts = stack.client("sts", stack.first_identity("logzio"))
    arn = f"arn:aws:iam::{ACCOUNT}:role/{identity.name}"

    for claimed in ({"ExternalId": "logzio:aws:extid:2"}, {}):
        with pytest.raises(ClientError) as refused:
            sts.assume_role(RoleArn=arn, RoleSessionName="tried", **claimed)
        assert code_of(refused.value) == "AccessDenied"


@pytest.mark.parametrize("name", ["reader role", "VM role", "writer role"])
def test_nobody_in_the_account_can_assume_a_role_that_is_not_for_people(name: str, stack: Stack) -> None:
    identity = IDENTITIES[name](stack)

    with pytest.raises(ClientError) as refused:
        stack.deployer("sts").assume_role(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{identity.name}", RoleSessionName="tried"
        )
    assert code_of(refused.value) == "AccessDenied"


@pytest.mark.parametrize("topics_dir", ["elsewhere", layout.ORIGINALS])
def test_logzio_reads_nothing_outside_the_topics_directory(stack: Stack, topics_dir: str) -> None:
    key = f"{layout.key_start(topics_dir, 'confluent-audit-log-events', 0, 0)}.json.gz"
    stack.deployer("s3").put_object(Bucket=stack.bucket, Key=key, Body=b"{}")
    for name in ("reader role", "reader user"):
        with pytest.raises(ClientError) as refused:
            IDENTITIES[name](stack).client("s3").get_object(Bucket=stack.bucket, Key=key)
        assert code_of(refused.value) == "AccessDenied"


def test_a_deactivated_key_is_refused(stack: Stack) -> None:
    identity = IDENTITIES["writer user"](stack)
    keys: Keys = identity.keys()
    stack.deployer("iam").update_access_key(UserName=identity.name, AccessKeyId=keys["id"], Status="Inactive")

    assert identity.broken_steps() == set(identity.flow)


@pytest.mark.parametrize("encryption", ["stack", "encrypted_stack"])
def test_the_writer_cannot_store_an_object_with_another_encryption(
    encryption: str, request: pytest.FixtureRequest
) -> None:
    stack: Stack = request.getfixturevalue(encryption)
    s3 = IDENTITIES["writer user"](stack).client("s3")
    own = {"SSEKMSKeyId": stack.kms_key, "ServerSideEncryption": "aws:kms"} if stack.kms_key else {}
    other = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": stack.foreign_kms_key}

    s3.put_object(Bucket=stack.bucket, Key=f"{PREFIX}own", Body=b"{}", **own)
    for start in (s3.put_object, s3.create_multipart_upload):
        with pytest.raises(ClientError) as refused:
            start(Bucket=stack.bucket, Key=f"{PREFIX}other", **other)
        assert code_of(refused.value) == "AccessDenied"


def test_a_step_with_a_wrong_answer_counts_as_failed(stack: Stack) -> None:
    def wrongly(_: Identity) -> None:
        raise StepError("answered, but not as it has to be")

    identity = replace(IDENTITIES["writer user"](stack), flow={"a step": wrongly})

    assert identity.broken_steps() == {"a step"}
