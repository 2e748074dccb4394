"""Keys are rotated on the real engine while events flow: none is lost, and the old keys are dead afterwards."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.base import http, paths
from local.proofs import client
from local.proofs.checker import following
from local.stack.deployment import STACK, LocalDeployment
from local.systems.kafka import users
from local.systems.kafka.client import client_config


@pytest.fixture(scope="module", autouse=True)
def _reads_with_a_key(running: LocalDeployment) -> None:
    """So that the stack has a key of each kind."""
    running.set("logzio", "authentication", "keys")
    running.up(show=False)


@contextmanager
def _events_that_go_on_to_come(state: Path) -> Iterator[None]:
    ended = threading.Event()
    feeding = threading.Thread(target=_feed, args=(state, ended))
    feeding.start()
    try:
        yield
    finally:
        ended.set()
        feeding.join()


def _feed(state: Path, ended: threading.Event) -> None:
    """Few at a time, so that they have just happened: Logz.io searches today and yesterday."""
    while not ended.wait(3):
        client.feed(state, client_config(state), 20, progress=lambda _: None)


def _start(running: LocalDeployment, *keys: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        # A run in the background has its interrupts ignored, and hands that down.
        [
            *("env", "--default-signal=INT"),
            *(sys.executable, "-m", "scripts.rotate", *keys, "--stack", STACK, "--yes"),
        ],
        cwd=paths.ROOT,
        env=running.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A person's interrupt reaches the whole group.
        start_new_session=True,
    )


def _iam_keys(running: LocalDeployment) -> dict[str, set[str]]:
    """Writer and reader -> their access keys."""
    iam = running.aws("iam")
    return {
        ("writer" if "writer-" in user["UserName"] else "reader"): {
            key["AccessKeyId"] for key in iam.list_access_keys(UserName=user["UserName"])["AccessKeyMetadata"]
        }
        for user in iam.list_users()["Users"]
        if "writer-" in user["UserName"] or "reader-" in user["UserName"]
    }


def _kafka_keys(running: LocalDeployment) -> set[str]:
    return set(users.read(users.file(running.state)))


def _interrupted_at_the_proof(rotation: subprocess.Popen[str]) -> str:
    """What it said until it ended."""
    output = ""
    assert rotation.stdout is not None
    for line in rotation.stdout:
        output += line
        if line.startswith("3. proof"):
            os.killpg(rotation.pid, signal.SIGINT)
    assert rotation.wait() != 0, output
    return output


def test_an_interrupted_rotation_of_all_keys_is_finished_by_the_same_command(
    running: LocalDeployment,
) -> None:
    instance = running.outputs()["instanceIds"]
    iam_before, kafka_before = _iam_keys(running), _kafka_keys(running)

    with _events_that_go_on_to_come(running.state):
        output = _interrupted_at_the_proof(_start(running, "kafka", "writer", "reader"))
        iam_between, kafka_between = _iam_keys(running), _kafka_keys(running)
        second = _start(running, "kafka", "writer", "reader")
        answer, _ = second.communicate()

    assert "3. proof" in output
    for identity in ("writer", "reader"):
        assert iam_before[identity] < iam_between[identity]
        assert len(iam_between[identity]) == 2
    assert len(kafka_between - kafka_before) == 1
    assert second.returncode == 0, answer
    assert "1. a new key" not in answer
    assert answer.index("yes, after") < answer.index("4. pulumi up removes the old keys")
    for identity, keys in _iam_keys(running).items():
        assert keys == iam_between[identity] - iam_before[identity]
    # The user that feeds, and the new key.
    assert len(_kafka_keys(running)) == len(kafka_before)
    assert len(_kafka_keys(running) - kafka_before) == 1
    assert running.outputs()["instanceIds"] == instance


def test_events_go_on_to_flow_with_the_new_keys_alone(running: LocalDeployment) -> None:
    client.produce(running, 500)

    result = following.check(running)

    assert result.ok, result.explain()


def test_after_a_rotation_nothing_is_left_to_do(running: LocalDeployment) -> None:
    running.pulumi("preview", "--expect-no-changes")


def test_after_a_rotation_the_parameters_are_under_the_stacks_key(running: LocalDeployment) -> None:
    """The local AWS puts each new value under the default key, as AWS's documentation has it; see `vm.py`."""
    aliases = running.aws("kms").list_aliases()["Aliases"]
    (alias,) = (known for known in aliases if known["AliasName"].endswith("-worker-secrets"))
    described = running.aws("ssm").describe_parameters()["Parameters"]
    used = {
        parameter["KeyId"].rpartition("/")[2]
        for parameter in described
        if parameter["Type"] == "SecureString"
    }

    assert used == {alias["TargetKeyId"]}


def test_logzio_reads_with_the_readers_new_key(running: LocalDeployment) -> None:
    (key,) = _iam_keys(running)["reader"]

    token = (running.state / "logzio" / "token").read_text()
    answer = http.get(f"{running.logzio}/v1/log-shipping/s3-buckets", headers={"X-API-TOKEN": token})
    registrations = answer.json()

    assert {registration["accessKey"] for registration in registrations} == {key}
