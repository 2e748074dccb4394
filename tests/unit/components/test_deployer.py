"""The deployer's policy: complete for what the program makes, and narrow."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import parliament
import pytest

from components import deployer, policies
from components.deployer import RIGHTS
from components.owner import Owner
from components.policies import Statement
from components.settings import Settings, load_stack_file
from local.systems.aws.policy import matches
from local.systems.plugins.aws.provider import KINDS
from tests.unit.components.recorder import PROJECT, STACK, Recorder
from tests.unit.components.test_program import program
from tests.unit.components.test_settings import BY_IDS, changed, loaded

EXAMPLES = sorted((Path(__file__).resolve().parents[3] / "examples").glob("*.yaml"))
ACCOUNT = "111122223333"
LONGEST = Owner("p" * 100, "s" * 100)

# Functions that AWS allows to everybody, and other providers' resources.
FREE = {"aws:index/getCallerIdentity:getCallerIdentity"}


OWNER = Owner(PROJECT, STACK)


def statements(settings: Settings, owner: Owner = OWNER) -> list[Statement]:
    return deployer.statements(settings, owner, ACCOUNT)


def actions(given: Sequence[Statement]) -> set[str]:
    return {action for statement in given for action in statement.actions}


def programs() -> list[Recorder]:
    """Programs that together make every kind of resource."""
    return [
        program(by_ids=True, alarms={"email": ["security@example.com"]}),
        program(archive={"objectLockDays": 30}, logzio={"authentication": "keys"}),
        program(worker={"count": 2, "subnetIds": ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"]}),
        program(worker={"mode": "distributed"}, fleet={"cluster": "lkc-own12", "environment": "env-abc12"}),
        program(worker={"count": 2, "ami": "ami-0123456789abcdef0"}),
    ]


def test_the_table_has_every_resource_and_every_lookup_of_the_program() -> None:
    made = {
        registration.type
        for recorded in programs()
        for registration in recorded.registrations
        if registration.type.startswith("aws:")
    }
    asked = {
        call.token for recorded in programs() for call in recorded.invokes if call.token.startswith("aws:")
    }

    assert made | (asked - FREE) <= set(RIGHTS)
    assert {kind for kind in RIGHTS if kind.startswith("aws:")} - made - asked == set()


def test_the_table_has_every_resource_of_the_stand_in() -> None:
    assert set(KINDS) <= set(RIGHTS)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_aws_accepts_the_length_of_each_policy(file: Path) -> None:
    for owner in (Owner(PROJECT, "prod"), LONGEST):
        for name, given in deployer.documents(load_stack_file(file), owner, ACCOUNT).items():
            length = len(re.sub(r"\s", "", policies.to_json(given)))
            assert length <= deployer.MAX_CHARACTERS, (name, length)


@pytest.mark.parametrize("kind", RIGHTS)
def test_every_action_exists(kind: str) -> None:
    known = {
        f"{service['prefix']}:{privilege['privilege']}"
        for service in parliament.iam_definition
        for privilege in service["privileges"]
    }

    assert {action for right in RIGHTS[kind] for action in right.actions} - known == set()


def test_each_action_is_on_a_resource_that_it_has() -> None:
    analysed = parliament.analyze_policy_string(policies.to_json(statements(loaded(BY_IDS))))

    mismatches = [found.detail for found in analysed.findings if found.issue == "RESOURCE_MISMATCH"]
    wrong = {found["action"] for detail in mismatches for found in detail}
    # An alias is checked on the key, too; a public parameter is of no account.
    assert wrong == {"kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias", "ssm:GetParameter"}


@pytest.mark.parametrize("owner", [OWNER, LONGEST], ids=["usual", "longest"])
def test_the_names_of_the_program_are_those_of_the_policy(owner: Owner) -> None:
    given = statements(loaded(changed("logzio.authentication", "keys", BY_IDS)), owner)
    resources = [resource for statement in given for resource in statement.resources]
    recorded = program(
        project=owner.project, stack=owner.stack, logzio={"authentication": "keys"}
    ).registrations
    prefixes = {
        "aws:iam/user:User": f"arn:aws:iam::{ACCOUNT}:user/",
        "aws:iam/role:Role": f"arn:aws:iam::{ACCOUNT}:role/",
        "aws:iam/instanceProfile:InstanceProfile": f"arn:aws:iam::{ACCOUNT}:instance-profile/",
        "aws:cloudwatch/metricAlarm:MetricAlarm": f"arn:aws:cloudwatch:us-west-2:{ACCOUNT}:alarm:",
    }
    names = {
        "aws:kms/alias:Alias": f"arn:aws:kms:us-west-2:{ACCOUNT}:",
        "aws:ssm/parameter:Parameter": f"arn:aws:ssm:us-west-2:{ACCOUNT}:parameter",
    }
    arns = [
        *(f"{prefixes[made.type]}{made.name}-0a1b2c3" for made in recorded if made.type in prefixes),
        *(f"{names[made.type]}{made.inputs['name']}" for made in recorded if made.type in names),
    ]

    assert len(arns) > 10
    assert [arn for arn in arns if not any(matches(pattern, arn) for pattern in resources)] == []


def test_no_event_can_be_read_and_no_bucket_deleted_by_default() -> None:
    given = statements(loaded(BY_IDS))
    event = "arn:aws:s3:::logexporter-ccloud/topics/audit/partition=0/audit+0+00000000000000000000.json.gz"

    reads = [statement for statement in given if "s3:GetObject" in statement.actions]
    assert not any(matches(pattern, event) for statement in reads for pattern in statement.resources)
    assert not actions(given) & {"s3:DeleteBucket", "s3:DeleteObjectVersion"}


@pytest.mark.parametrize(
    ("path", "value", "absent"),
    [
        ("writer.identity", "role", "iam:CreateUser"),
        ("worker.metrics", False, "cloudwatch:PutMetricAlarm"),
        ("worker.secretsKeyArn", f"arn:aws:kms:us-west-2:{ACCOUNT}:key/1", "kms:CreateKey"),
        ("worker.subnetId", "subnet-0aaaaaaaaaaaaaaaa", "ec2:CreateVpc"),
    ],
)
def test_what_the_settings_do_not_use_is_not_allowed(path: str, value: Any, absent: str) -> None:
    assert absent in actions(statements(loaded(BY_IDS)))
    assert absent not in actions(statements(loaded(changed(path, value, BY_IDS))))


def test_tags_of_the_settings_are_those_of_the_conditions() -> None:
    given = statements(loaded({**BY_IDS, "tags": {"Stack": "production"}}))

    asked = {
        value
        for statement in given
        for keys in statement.condition.values()
        for name, value in keys.items()
        if name.endswith("/Stack")
    }
    assert asked == {"production"}


def test_a_boundary_binds_every_role_and_user_that_the_deployer_makes() -> None:
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/boundary"

    given = statements(loaded(changed("iam.permissionsBoundaryArn", boundary, BY_IDS)))

    granting = [
        statement
        for statement in given
        if {"iam:CreateRole", "iam:PutRolePolicy", "iam:CreateUser", "iam:PutUserPolicy"}
        & set(statement.actions)
    ]
    assert granting
    assert all(
        statement.condition == {"StringEquals": {"iam:PermissionsBoundary": boundary}}
        for statement in granting
    )
    assert not {name for name in actions(given) if name.startswith("iam:Delete") and "Boundary" in name}
