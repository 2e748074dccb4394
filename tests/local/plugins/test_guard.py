"""A stand-in never runs outside the local stack."""

import subprocess

import pytest

from tests.local.plugins.wire import environment, executable

ENDPOINTS = {"aws": "CCLOUD_LOCAL_AWS_ENDPOINT", "confluentcloud": "CCLOUD_LOCAL_KAFKA_BOOTSTRAP"}


def _start(package: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(executable(package)), "127.0.0.1:1"],
        env=environment(**env),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("package", ENDPOINTS)
def test_a_plugin_does_not_start_outside_the_local_stack(package: str) -> None:
    started = _start(package, **{ENDPOINTS[package]: "http://127.0.0.1:4566"})

    assert started.returncode != 0
    assert started.stdout == ""
    assert started.stderr == (
        f"the stand-in of the {package} plugin runs inside the local stack only (make demo-up)\n"
    )


@pytest.mark.parametrize("package", ENDPOINTS)
def test_a_plugin_does_not_start_for_an_endpoint_elsewhere(package: str) -> None:
    started = _start(package, CCLOUD_LOCAL_STACK="1", **{ENDPOINTS[package]: "https://s3.amazonaws.com"})

    assert started.returncode != 0
    assert started.stdout == ""
    assert "needs a loopback endpoint" in started.stderr
    assert len(started.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("own", "refused"),
    [
        ({"BOOTSTRAP": "pkc-1.us-west-2.aws.confluent.cloud:9092"}, "needs a loopback endpoint"),
        ({"BOOTSTRAP": "127.0.0.1:9093"}, "needs the broker's users in CCLOUD_LOCAL_OWN_KAFKA_USERS"),
    ],
)
def test_the_organisations_own_cluster_is_on_this_machine_too(own: dict[str, str], refused: str) -> None:
    started = _start(
        "confluentcloud",
        CCLOUD_LOCAL_STACK="1",
        CCLOUD_LOCAL_KAFKA_BOOTSTRAP="127.0.0.1:9092",
        CCLOUD_LOCAL_KAFKA_USERS="/nonexistent/users.json",
        **{f"CCLOUD_LOCAL_OWN_KAFKA_{name}": value for name, value in own.items()},
    )

    assert started.returncode != 0
    assert refused in started.stderr
    assert len(started.stderr.splitlines()) == 1
