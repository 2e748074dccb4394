"""While operations run, a secret is found where it is for a moment alone."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.base.waiting import wait_until
from local.proofs.soak import watch
from local.proofs.soak.watch import SecretWatch
from local.stack.deployment import LocalDeployment
from local.stack.engine import Engine
from local.stack.setup import Tools
from local.systems.kafka import users

SECRET = "s3cret-of-the-api-key"
NAME = "secret of API key KEY"


class Ssm:
    """A parameter store with the writer's key, or without it. `asked`: how often a look began."""

    class exceptions:  # noqa: N801  # as boto3 has it
        ParameterNotFound = KeyError

    def __init__(self) -> None:
        self.asked = 0
        self.writer: dict[str, str] | None = None

    def get_parameter(self, **_: Any) -> dict[str, Any]:
        self.asked += 1
        if self.writer is None:
            raise KeyError
        return {"Parameter": {"Value": json.dumps(self.writer)}}


@pytest.fixture
def ssm(monkeypatch: pytest.MonkeyPatch) -> Ssm:
    played = Ssm()
    monkeypatch.setattr(LocalDeployment, "aws", lambda _deployment, _service: played)
    monkeypatch.setattr(watch, "EVERY_SECONDS", 0.01)
    monkeypatch.setattr(watch, "REST", 0.0)
    return played


@pytest.fixture
def deployment(tmp_path: Path) -> LocalDeployment:
    """A stack whose only secrets are Logz.io's token and one API key's."""
    made = LocalDeployment(tmp_path, Tools(Engine(tmp_path, "3"), tmp_path), {})
    for folder in ("logzio", "logs", "pulumi"):
        (tmp_path / folder).mkdir()
    (tmp_path / "logzio" / "token").write_text("t0ken-of-logzio")
    made.stack_file.write_text("config: {}")
    users.add(users.file(tmp_path), "KEY", SECRET)
    return made


@contextmanager
def process(argument: str) -> Iterator[None]:
    """A shell that has this argument and waits."""
    command = ["sh", "-c", "read -r _", "sh", argument]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as started:
        try:
            yield
        finally:
            started.kill()


def wait_for_a_look(ssm: Ssm) -> None:
    """Until a look that began after this call has ended, which the next one shows."""
    before = ssm.asked
    wait_until(lambda: ssm.asked >= before + 2, "a whole look", poll=0.01)


def test_a_secret_is_found_in_a_file_that_is_gone_afterwards(deployment: LocalDeployment, ssm: Ssm) -> None:
    seen, file = SecretWatch(deployment), deployment.state / "logs" / "server.log"
    with seen.watching():
        file.write_text(f"key {SECRET}")
        wait_for_a_look(ssm)
        file.unlink()

    assert seen.found == {"logs/server.log, while an operation ran": {NAME}}


def test_a_secret_is_found_in_the_arguments_of_a_process(deployment: LocalDeployment, ssm: Ssm) -> None:
    seen = SecretWatch(deployment)
    with seen.watching(), process(f"--password={SECRET}"):
        wait_for_a_look(ssm)

    assert seen.found == {"arguments of sh, while an operation ran": {NAME}}


def test_a_secret_that_becomes_known_after_the_process_has_ended_is_found(
    deployment: LocalDeployment, ssm: Ssm
) -> None:
    seen = SecretWatch(deployment)
    with seen.watching():
        with process("s3cret-of-the-writer"):
            wait_for_a_look(ssm)
        ssm.writer = {"access_key_id": "AKIA", "secret_access_key": "s3cret-of-the-writer"}

    assert seen.found == {"arguments of sh, while an operation ran": {"secret of access key AKIA"}}


def test_a_stack_without_a_secret_in_plain_shows_nothing(deployment: LocalDeployment, ssm: Ssm) -> None:
    seen = SecretWatch(deployment)
    with seen.watching():
        (deployment.state / "logs" / "server.log").write_text("KEY has logged in")
        wait_for_a_look(ssm)

    assert seen.found == {}
    assert seen.secrets == {"Logz.io's API token": "t0ken-of-logzio", NAME: SECRET}
