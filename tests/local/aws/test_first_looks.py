"""The first looks of the runbook that the AWS CLI takes, on the local AWS."""

import json
import os
import shutil
import subprocess
from typing import Any

import pytest

from local.stack.deployment import aws_environment, clean_environment
from tests import runbook
from tests.local.aws.test_server import Aws, aws

__all__ = ["aws"]

LOOKS = {
    name: look
    for name, entry in runbook.entries().items()
    if (look := runbook.command(entry)).startswith("aws ")
}


def tagged(ec2: Any, name: str) -> str:
    """An instance with this name."""
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}]
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, TagSpecifications=tags)
    return str(made["Instances"][0]["InstanceId"])


def test_three_first_looks_are_commands_of_the_aws_cli() -> None:
    assert LOOKS.keys() == {"heartbeat", "members", "originals-members"}


@pytest.mark.skipif(shutil.which("aws") is None, reason="there is no AWS CLI on PATH")
@pytest.mark.parametrize("command", sorted(set(LOOKS.values())))
def test_it_shows_which_instance_of_the_stack_is_off(aws: Aws, command: str) -> None:
    ec2 = aws.deployer("ec2")
    on, off, _ = (tagged(ec2, f"project-{stack}") for stack in ("prod", "prod", "other"))
    ec2.stop_instances(InstanceIds=[off])

    done = subprocess.run(
        ["sh", "-c", command.replace("<project>", "project").replace("<stack>", "prod")],
        env={
            **clean_environment(),
            **aws_environment(aws.folder.parent, aws.endpoint),
            "PATH": os.environ["PATH"],
        },
        capture_output=True,
        check=True,
        text=True,
    )

    assert sorted(json.loads(done.stdout)) == sorted([[on, "running"], [off, "stopped"]])
