"""What the local AWS enforces of the deployer's rights, and that SimulatePrincipalPolicy says the same."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.stack.deployment import REGION
from local.systems.aws.accounts import ACCOUNT
from local.systems.aws.images import UBUNTU_AMI
from tests.local.aws.test_server import TRUST_EC2, Aws, allow, aws, document

__all__ = ["aws"]

TAGS = [{"Key": "Stack", "Value": "prod"}]
PARAMETER = {"Name": "/t", "Value": "v", "Type": "String"}
OWN = {"StringEquals": {"aws:ResourceTag/Stack": "prod"}}


def simulated(aws: Aws, arn: str, action: str, resource: str, **context: str) -> str:
    """The decision; `context`: condition keys with `_` for `:`."""
    entries = [
        {"ContextKeyName": name.replace("_", ":"), "ContextKeyValues": [value], "ContextKeyType": "string"}
        for name, value in context.items()
    ]
    answer = aws.deployer("iam").simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=[action], ResourceArns=[resource], ContextEntries=entries
    )
    (result,) = answer["EvaluationResults"]
    assert (result["EvalActionName"], result["EvalResourceName"]) == (action, resource)
    return str(result["EvalDecision"])


def user_arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:user/{name}"


def test_the_simulation_knows_allowed_denied_and_neither(aws: Aws) -> None:
    bucket = f"arn:aws:s3:::b-{uuid.uuid4().hex}"
    deny = {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}
    user = user_arn(aws.user(allow("s3:*Object", f"{bucket}/*"), deny)["name"])

    assert simulated(aws, user, "s3:GetObject", f"{bucket}/k") == "allowed"
    assert simulated(aws, user, "s3:GetObject", "arn:aws:s3:::other/k") == "implicitDeny"
    assert simulated(aws, user, "s3:DeleteObject", f"{bucket}/k") == "explicitDeny"


def test_the_simulation_has_only_the_condition_keys_of_the_request(aws: Aws) -> None:
    region = {"StringEquals": {"aws:RequestedRegion": REGION}}
    user = user_arn(aws.user(allow("ec2:RunInstances", "*", Condition=region))["name"])

    assert simulated(aws, user, "ec2:RunInstances", "*") == "implicitDeny"
    assert simulated(aws, user, "ec2:RunInstances", "*", aws_RequestedRegion=REGION) == "allowed"


def test_a_role_is_simulated_by_its_arn_with_its_path(aws: Aws) -> None:
    role = aws.role(TRUST_EC2, allow("s3:ListAllMyBuckets", "*"), Path="/audit/")

    assert (
        simulated(aws, f"arn:aws:iam::{ACCOUNT}:role/audit/{role}", "s3:ListAllMyBuckets", "*") == "allowed"
    )
    with pytest.raises(ClientError, match="NoSuchEntity"):
        simulated(aws, f"arn:aws:iam::{ACCOUNT}:role/{role}", "s3:ListAllMyBuckets", "*")


def test_a_session_cannot_be_simulated(aws: Aws) -> None:
    with pytest.raises(ClientError, match="InvalidInput"):
        simulated(aws, f"arn:aws:sts::{ACCOUNT}:assumed-role/r/session", "s3:ListAllMyBuckets", "*")


def test_many_results_come_in_pages(aws: Aws) -> None:
    user = user_arn(aws.user(allow("s3:*", "*"))["name"])
    names = [f"arn:aws:s3:::b/{number}" for number in range(150)]

    pages = list(
        aws.deployer("iam")
        .get_paginator("simulate_principal_policy")
        .paginate(PolicySourceArn=user, ActionNames=["s3:GetObject"], ResourceArns=names)
    )

    assert [len(page["EvaluationResults"]) for page in pages] == [100, 50]


@pytest.fixture
def instances(aws: Aws) -> Iterator[dict[str, str]]:
    """Ids of an instance with this stack's tag, and of one without."""
    ec2 = aws.deployer("ec2")
    tagged = {"TagSpecifications": [{"ResourceType": "instance", "Tags": TAGS}]}
    made = {
        name: str(
            ec2.run_instances(ImageId=UBUNTU_AMI, MinCount=1, MaxCount=1, **more)["Instances"][0][
                "InstanceId"
            ]
        )
        for name, more in {"own": tagged, "foreign": {}}.items()
    }
    yield made
    ec2.terminate_instances(InstanceIds=list(made.values()))


def test_a_tag_of_the_instance_decides_who_may_stop_it(aws: Aws, instances: dict[str, str]) -> None:
    limited = aws.client("ec2", aws.user(allow("ec2:StopInstances", "*", Condition=OWN)))

    limited.stop_instances(InstanceIds=[instances["own"]])
    for ids in ([instances["foreign"]], [instances["own"], instances["foreign"]]):
        with pytest.raises(ClientError, match="ec2:StopInstances"):
            limited.stop_instances(InstanceIds=ids)


@pytest.mark.parametrize(
    ("service", "call", "request_", "actions"),
    [
        ("ec2", "create_vpc", {"CidrBlock": "10.8.0.0/24"}, ("ec2:CreateVpc", "ec2:CreateTags")),
        ("kms", "create_key", {}, ("kms:CreateKey", "kms:TagResource")),
        ("iam", "create_user", {"UserName": "tagged"}, ("iam:CreateUser", "iam:TagUser")),
        (
            "ssm",
            "put_parameter",
            {"Name": "/t", "Value": "v", "Type": "String"},
            ("ssm:PutParameter", "ssm:AddTagsToResource"),
        ),
    ],
)
def test_a_creation_with_tags_needs_the_right_to_tag(
    aws: Aws, service: str, call: str, request_: dict[str, Any], actions: tuple[str, str]
) -> None:
    other_forms: dict[str, dict[str, Any]] = {
        "ec2": {"TagSpecifications": [{"ResourceType": "vpc", "Tags": TAGS}]},
        "kms": {"Tags": [{"TagKey": "Stack", "TagValue": "prod"}]},
    }
    tags = other_forms.get(service, {"Tags": TAGS})
    makes, tagging = actions
    limited = getattr(aws.client(service, aws.user(allow(makes, "*"))), call)
    free = getattr(aws.client(service, aws.user(allow([makes, tagging], "*"))), call)

    with pytest.raises(ClientError, match=tagging):
        limited(**request_, **tags)
    free(**request_, **tags)


def test_a_role_that_ec2_gets_must_be_one_that_the_caller_may_pass(aws: Aws) -> None:
    role, other = aws.role(TRUST_EC2), aws.role(TRUST_EC2)
    passes = allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/{role}")
    limited = aws.client("iam", aws.user(allow("iam:*InstanceProfile", "*"), passes))
    profile = f"profile-{uuid.uuid4().hex[:8]}"
    limited.create_instance_profile(InstanceProfileName=profile)

    with pytest.raises(ClientError, match="iam:PassRole"):
        limited.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=other)
    limited.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)


def test_a_boundary_that_the_policy_asks_for_must_be_in_the_request(aws: Aws) -> None:
    boundary = aws.deployer("iam").create_policy(
        PolicyName=f"boundary-{uuid.uuid4().hex[:8]}", PolicyDocument=document(allow("s3:*", "*"))
    )["Policy"]["Arn"]
    bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    limited = aws.client(
        "iam", aws.user(allow(["iam:CreateRole", "iam:PutRolePolicy"], "*", Condition=bounded))
    )
    name, rights = f"role-{uuid.uuid4().hex[:8]}", document(allow("s3:GetObject", "*"))
    trust = document(TRUST_EC2)

    with pytest.raises(ClientError, match="iam:CreateRole"):
        limited.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    limited.create_role(RoleName=name, AssumeRolePolicyDocument=trust, PermissionsBoundary=boundary)
    limited.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=rights)
    with pytest.raises(ClientError, match="iam:PutRolePolicy"):
        limited.put_role_policy(RoleName=aws.role(TRUST_EC2), PolicyName="p", PolicyDocument=rights)


def test_quotas_of_ec2_and_s3_can_be_read(aws: Aws) -> None:
    quotas = aws.deployer("service-quotas")

    values = [
        quotas.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"]
        for service, code in (("ec2", "L-1216C47A"), ("s3", "L-DC2B2D3D"), ("vpc", "L-F678F1CE"))
    ]

    assert all(value > 0 for value in values)
