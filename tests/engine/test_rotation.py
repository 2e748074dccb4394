"""Keys are rotated on the real engine while events flow: none is lost, and the old keys are dead afterwards."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local import paths, pulumi, world
from local.demo import feed, stages
from local.kafka import client, users
from local.world import World

pytestmark = [pytest.mark.local, pytest.mark.engine]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A stack with a key of each kind, its VM booted, and events that go on to come."""
    state = tmp_path_factory.mktemp("rotation")
    ended = threading.Event()
    feeding = threading.Thread(target=_feed, args=(state, ended))
    try:
        stack = stages.up(state, {"logzio": {"authentication": "keys"}})
        stages.boot(stack)
        feeding.start()
        yield stack
    finally:
        ended.set()
        if feeding.ident is not None:
            feeding.join()
        world.end(state)


def _feed(state: Path, ended: threading.Event) -> None:
    """Few at a time, so that they have just happened: Logz.io searches today and yesterday."""
    while not ended.wait(3):
        feed.feed(state, client.client_config(state), 20, progress=lambda _: None)


def _start(running: World, *keys: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.rotate", *keys, "--stack", world.STACK, "--yes"],
        cwd=paths.ROOT,
        env=running.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A person's interrupt reaches the whole group.
        start_new_session=True,
    )


def _iam_keys(running: World) -> dict[str, set[str]]:
    """Writer and reader -> their access keys."""
    iam = running.aws("iam")
    return {
        user["UserName"].partition("-")[0]: {
            key["AccessKeyId"] for key in iam.list_access_keys(UserName=user["UserName"])["AccessKeyMetadata"]
        }
        for user in iam.list_users()["Users"]
        if user["UserName"].startswith(("writer-", "reader-"))
    }


def _kafka_keys(running: World) -> set[str]:
    return set(users.read(users.file(running.state)))


def test_an_interrupted_rotation_of_all_keys_is_finished_by_the_same_command(running: World) -> None:
    instance = pulumi.outputs(running)["instanceId"]
    iam_before, kafka_before = _iam_keys(running), _kafka_keys(running)

    first = _start(running, "kafka", "writer", "reader")
    said = []
    assert first.stdout is not None
    for line in first.stdout:
        said.append(line)
        if line.startswith("3. proof"):
            os.killpg(first.pid, signal.SIGINT)
    assert first.wait() != 0, "".join(said)
    iam_between = _iam_keys(running)
    for identity in ("writer", "reader"):
        assert iam_before[identity] < iam_between[identity]
        assert len(iam_between[identity]) == 2
    assert len(_kafka_keys(running) - kafka_before) == 1

    second = _start(running, "kafka", "writer", "reader")
    answer, _ = second.communicate()

    assert second.returncode == 0, answer
    assert "1. a new key" not in answer
    assert answer.index("yes, after") < answer.index("4. pulumi up removes the old keys")
    for identity, keys in _iam_keys(running).items():
        assert keys == iam_between[identity] - iam_before[identity]
    # The user that feeds, and the new key.
    assert len(_kafka_keys(running)) == len(kafka_before)
    assert len(_kafka_keys(running) - kafka_before) == 1
    assert pulumi.outputs(running)["instanceId"] == instance


def test_events_go_on_to_flow_with_the_new_keys_alone(running: World) -> None:
    stages.produce(running, 500)

    result = stages.verify(running)

    assert result.ok, result.explain()


def test_after_a_rotation_nothing_is_left_to_do(running: World) -> None:
    pulumi.run(running, "preview", "--stack", world.STACK, "--expect-no-changes", quiet=True)


def test_logzio_reads_with_the_readers_new_key(running: World) -> None:
    (key,) = _iam_keys(running)["reader"]

    token = (running.state / "logzio" / "token").read_text()
    with httpx.Client(base_url=running.logzio, headers={"X-API-TOKEN": token}, trust_env=False) as logzio:
        registrations = logzio.get("/v1/log-shipping/s3-buckets").json()

    assert {one["accessKey"] for one in registrations} == {key}
