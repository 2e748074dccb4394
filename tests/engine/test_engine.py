"""What the engine does with a program, the stand-ins and a dynamic provider."""

import importlib.metadata
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from local.base import http
from local.stack import engine
from local.stack.deployment import clean_environment
from local.stack.pulumi import Pulumi
from local.systems.kafka import users

PROGRAM = Path(__file__).parent / "engine_program"
TOKEN = "seventeen-letters"


class Stack:
    """The program, its state, and the local systems that it works on."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.users = folder / "users.json"
        self.state = folder / "pulumi"
        self.program = folder / "program"
        shutil.copytree(PROGRAM, self.program)
        self._engine = engine.ensure()
        self._environment = {
            **clean_environment(),
            **self._engine.environment(folder),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "CCLOUD_LOCAL_STACK": "1",
            "CCLOUD_LOCAL_AWS_ENDPOINT": endpoint,
            "CCLOUD_LOCAL_KAFKA_BOOTSTRAP": "127.0.0.1:9092",
            "CCLOUD_LOCAL_KAFKA_USERS": str(self.users),
        }

    def try_pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`pulumi ARGUMENTS`, however it ends."""
        return Pulumi(self._engine, self.program, self._environment).attempt(*arguments)

    def pulumi(self, *arguments: str) -> str:
        """What `pulumi ARGUMENTS` says; it must succeed."""
        done = self.try_pulumi(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def outputs(self) -> dict[str, Any]:
        """What the program exports."""
        outputs: dict[str, Any] = json.loads(self.pulumi("stack", "output", "--json", "--show-secrets"))
        return outputs


def changes(output: str) -> dict[str, int]:
    """How many resources a command leaves or changes, in pulumi's words: {"unchanged": 3, "updated": 1}."""
    block = output.rpartition("Resources:\n")[2].partition("\n\n")[0]
    counts = {word: int(count) for count, word in re.findall(r"(\d+) ([a-z]+(?: [a-z]+)?)", block)}
    # A sum, which some summaries have.
    counts.pop("changes", None)
    return counts


@pytest.fixture(scope="module")
def client() -> Iterator[Callable[[str], Any]]:
    """moto, and clients to look at it with."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    # moto's backends belong to the process: what the tests before made would still be there.
    http.post(f"http://{host}:{port}/moto-api/reset").raise_for_status()
    make: Any = boto3.client  # typed by literal service names only
    yield lambda service: make(
        service,
        endpoint_url=f"http://{host}:{port}",
        region_name="us-west-2",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    server.stop()


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, client: Callable[[str], Any]) -> Stack:
    """Set up, nothing made yet."""
    stack = Stack(tmp_path_factory.mktemp("engine"), client("s3").meta.endpoint_url)
    stack.pulumi("stack", "init", "test")
    stack.pulumi("config", "set", "aws:region", "us-west-2")
    stack.pulumi("config", "set", "bucket", "first-bucket")
    stack.pulumi("config", "set", "--secret", "--path", "account.token", TOKEN)
    return stack


@pytest.fixture(scope="module")
def stack(fresh: Stack) -> Stack:
    """Brought up."""
    fresh.pulumi("up", "--yes")
    return fresh


def test_a_preview_makes_nothing(fresh: Stack, client: Callable[[str], Any]) -> None:
    output = fresh.pulumi("preview")

    assert changes(output) == {"to create": 8}
    assert client("s3").list_buckets()["Buckets"] == []
    assert not fresh.users.exists()


def test_up_makes_what_the_program_describes(stack: Stack, client: Callable[[str], Any]) -> None:
    outputs = stack.outputs()
    keys = client("iam").list_access_keys(UserName=outputs["user"])["AccessKeyMetadata"]
    parameter = client("ssm").get_parameter(Name="/test/credentials", WithDecryption=True)["Parameter"]

    assert [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]] == ["first-bucket"]
    assert json.loads(parameter["Value"]) == {"id": keys[0]["AccessKeyId"], "secret": outputs["secret"]}
    assert list(users.read(stack.users)) == [outputs["key_id"]]
    assert outputs["bootstrap"] == "SASL_SSL://127.0.0.1:9092"


def test_an_update_starts_with_fresh_modules_after_its_preview(stack: Stack) -> None:
    assert stack.outputs()["runs"] == 1


def test_a_dynamic_provider_gets_the_secret_settings(stack: Stack) -> None:
    assert stack.outputs()["token_length"] == len(TOKEN)


def test_no_secret_is_in_the_state_in_plain(stack: Stack) -> None:
    outputs = stack.outputs()
    kept = "".join(file.read_text() for file in stack.state.rglob("*.json"))

    assert outputs["user"] in kept
    assert TOKEN not in kept
    assert outputs["secret"] not in kept
    assert users.read(stack.users)[outputs["key_id"]] not in kept


def test_a_second_preview_shows_no_change_and_no_warning(stack: Stack) -> None:
    output = stack.pulumi("preview", "--expect-no-changes")

    assert changes(output) == {"unchanged": 8}
    assert "warning" not in output
    assert "$PATH" not in output


def test_a_refresh_shows_no_change(stack: Stack) -> None:
    output = stack.pulumi("refresh", "--yes", "--expect-no-changes")

    assert changes(output) == {"unchanged": 8}, output


def test_a_changed_setting_is_an_update(stack: Stack, client: Callable[[str], Any]) -> None:
    stack.pulumi("config", "set", "versioning", "Suspended")
    output = stack.pulumi("up", "--yes", "--skip-preview")

    assert changes(output) == {"updated": 1, "unchanged": 7}
    assert client("s3").get_bucket_versioning(Bucket="first-bucket")["Status"] == "Suspended"


def test_a_deleted_resource_is_made_again_after_a_refresh(stack: Stack, client: Callable[[str], Any]) -> None:
    client("ssm").delete_parameter(Name="/test/credentials")
    refreshed = stack.pulumi("refresh", "--yes", "--skip-preview")
    updated = stack.pulumi("up", "--yes", "--skip-preview")

    assert changes(refreshed)["deleted"] == 1
    assert changes(updated) == {"created": 1, "unchanged": 7}
    assert client("ssm").get_parameter(Name="/test/credentials")["Parameter"]


def test_a_new_name_is_a_replacement_and_the_dynamic_resource_follows(
    stack: Stack, client: Callable[[str], Any]
) -> None:
    stack.pulumi("config", "set", "bucket", "second-bucket")
    output = stack.pulumi("up", "--yes", "--skip-preview")

    assert changes(output) == {"replaced": 2, "updated": 1, "unchanged": 5}
    assert [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]] == ["second-bucket"]


def test_an_existing_bucket_is_adopted_with_its_objects(stack: Stack, client: Callable[[str], Any]) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="found-bucket", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_object(Bucket="found-bucket", Key="event", Body=b"1")
    stack.pulumi("config", "set", "bucket", "found-bucket")
    stack.pulumi("config", "set", "adopt", "found-bucket")
    stack.pulumi("up", "--yes", "--skip-preview")
    stack.pulumi("preview", "--expect-no-changes")

    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["found-bucket"]
    assert s3.get_object(Bucket="found-bucket", Key="event")["Body"].read() == b"1"


def test_a_failing_program_says_why(stack: Stack) -> None:
    (stack.program / "Pulumi.test.yaml").rename(stack.program / "kept.yaml")
    try:
        failed = stack.try_pulumi("preview")
    finally:
        (stack.program / "kept.yaml").rename(stack.program / "Pulumi.test.yaml")

    assert failed.returncode != 0
    assert "engine-test:bucket" in failed.stdout + failed.stderr


def test_pulumi_about_names_the_language_and_its_version(stack: Stack) -> None:
    about = stack.pulumi("about")

    assert "python" in about
    assert engine.VERSION in about
    assert importlib.metadata.version("pulumi") in about


def test_a_destroyed_stack_leaves_nothing(stack: Stack, client: Callable[[str], Any]) -> None:
    # What was adopted is not emptied; from now on it is.
    stack.pulumi("config", "rm", "adopt")
    stack.pulumi("up", "--yes", "--skip-preview")
    output = stack.pulumi("destroy", "--yes", "--skip-preview")

    assert changes(output) == {"deleted": 8}
    assert client("s3").list_buckets()["Buckets"] == []
    assert client("iam").list_users()["Users"] == []
    assert client("ssm").describe_parameters()["Parameters"] == []
    assert users.read(stack.users) == {}
