"""`pulumi up` and `pulumi destroy` with an identity that has only the policy of `make render`, IAM enforced."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from components import deployer, policies
from components.owner import Owner
from components.policies import Statement
from components.settings import NAMESPACE, load_stack_file
from local.base import paths
from local.systems.aws.accounts import ACCOUNT
from local.systems.aws.images import UBUNTU_AMI
from tests.engine.program_stack import BUCKET, STACK, TOPIC, ProgramStack, program_stack
from tests.local.aws import clients

USER = "least-deployer"


@dataclass(frozen=True)
class Limited:
    """A stack whose deployer has only the rights that it was given last."""

    stack: ProgramStack

    def allow(self, statements: Sequence[Statement]) -> None:
        self.iam.put_user_policy(
            UserName=USER, PolicyName="deployer", PolicyDocument=policies.to_json(statements)
        )

    def client(self, service: str) -> Any:
        """A client with the limited deployer's rights."""
        keys = self.stack.identity
        return clients.client(
            self.stack.endpoint,
            service,
            {"id": keys["AWS_ACCESS_KEY_ID"], "secret": keys["AWS_SECRET_ACCESS_KEY"]},
        )

    def preflight(self) -> dict[str, dict[str, Any]]:
        """The findings of `make preflight` by check, the last one of each."""
        # A busy machine needs longer than a network would.
        command = [sys.executable, "-m", "scripts.preflight", "--stack", STACK, "--json", "--seconds", "300"]
        environment = {**self.stack.environment(), "PYTHONPATH": str(paths.ROOT)}
        done = subprocess.run(
            command, env=environment, cwd=paths.ROOT, check=False, capture_output=True, text=True
        )
        assert done.stdout, done.stderr
        return {finding["check"]: finding for finding in json.loads(done.stdout)["findings"]}

    @property
    def iam(self) -> Any:
        return self.stack.aws("iam")

    def least(self) -> list[Statement]:
        """The statements for the stack's present settings."""
        settings = load_stack_file(self.stack.stack_file)
        return deployer.statements(settings, Owner(NAMESPACE, STACK), ACCOUNT)


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Limited]:
    """A stack that is not made yet."""
    with program_stack(tmp_path_factory.mktemp("deployer")) as stack:
        found = Limited(stack)
        found.iam.create_user(UserName=USER)
        key = found.iam.create_access_key(UserName=USER)["AccessKey"]
        stack.identity = {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }
        yield found


def without(statements: Sequence[Statement], action: str) -> list[Statement]:
    left = [
        replace(statement, actions=[known for known in statement.actions if known != action])
        for statement in statements
    ]
    assert sum(len(statement.actions) for statement in left) < sum(
        len(statement.actions) for statement in statements
    )
    return [statement for statement in left if statement.actions]


def test_preflight_names_the_missing_action_before_up(limited: Limited) -> None:
    limited.allow(without(limited.least(), "s3:PutBucketPolicy"))

    found = limited.preflight()

    assert found["AWS permissions"]["state"] == "broken"
    assert found["AWS permissions"]["details"] == ["s3:PutBucketPolicy"]
    assert found["bucket"]["text"] == f"{BUCKET} is free"


# In the order of creation: each `up` makes what comes before the refused call.
@pytest.mark.parametrize("action", ["s3:CreateBucket", "s3:PutBucketPolicy", "iam:PassRole"])
def test_up_fails_without_one_of_its_actions(limited: Limited, action: str) -> None:
    limited.allow(without(limited.least(), action))

    done = limited.stack.pulumi("up", "--stack", STACK, "--yes", "--skip-preview", "--suppress-progress")

    assert done.returncode != 0
    # S3 names no action in its refusal.
    assert f"perform: {action}" in done.stdout or ("s3:" in action and "AccessDenied" in done.stdout), (
        done.stdout
    )


def test_the_policy_is_enough_for_up_and_refresh(limited: Limited) -> None:
    limited.allow(limited.least())

    limited.stack.up()
    limited.stack.refresh()


def test_preflight_of_the_running_stack_finds_what_is_its_own(limited: Limited) -> None:
    found = limited.preflight()

    assert found["AWS permissions"]["state"] == "ok"
    assert found["bucket"]["text"] == f"{BUCKET} is the stack's own"
    assert found["registrations"]["text"] == "none is in the way"


def test_it_does_not_let_the_deployer_read_an_event_or_touch_another_stacks_vm(limited: Limited) -> None:
    foreign = limited.stack.aws("ec2").run_instances(ImageId=UBUNTU_AMI, MinCount=1, MaxCount=1)
    event = f"topics/{TOPIC}/partition=0/event.json.gz"
    limited.stack.aws("s3").put_object(Bucket=BUCKET, Key=event, Body=b"{}")

    with pytest.raises(ClientError, match="AccessDenied"):
        limited.client("s3").get_object(Bucket=BUCKET, Key=event)
    with pytest.raises(ClientError, match="ec2:TerminateInstances"):
        limited.client("ec2").terminate_instances(InstanceIds=[foreign["Instances"][0]["InstanceId"]])


def test_destroy_fails_without_one_of_its_actions(limited: Limited) -> None:
    limited.allow(without(limited.least(), "ec2:TerminateInstances"))

    done = limited.stack.pulumi("destroy", "--stack", STACK, "--yes", "--skip-preview", "--suppress-progress")

    assert done.returncode != 0
    assert "perform: ec2:TerminateInstances" in done.stdout


def test_the_policy_is_enough_for_destroy_and_leaves_nothing(limited: Limited) -> None:
    limited.allow(limited.least())

    limited.stack.destroy()

    assert limited.stack.aws("s3").list_buckets()["Buckets"] == []
    assert limited.stack.resources() == []
