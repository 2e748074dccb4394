"""A stand-in in the wrong place would be worse than none."""

import subprocess

import pytest

from local.plugins.guard import is_loopback
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


@pytest.mark.local
@pytest.mark.parametrize("package", ENDPOINTS)
def test_a_plugin_does_not_start_outside_the_local_stack(package: str) -> None:
    started = _start(package, **{ENDPOINTS[package]: "http://127.0.0.1:4566"})

    assert started.returncode != 0
    assert started.stdout == ""
    assert started.stderr == (
        f"the stand-in of the {package} plugin runs inside the local stack only (make demo-up)\n"
    )


@pytest.mark.local
@pytest.mark.parametrize("package", ENDPOINTS)
def test_a_plugin_does_not_start_for_an_endpoint_elsewhere(package: str) -> None:
    started = _start(package, CCLOUD_LOCAL_STACK="1", **{ENDPOINTS[package]: "https://s3.amazonaws.com"})

    assert started.returncode != 0
    assert started.stdout == ""
    assert "needs a loopback endpoint" in started.stderr
    assert len(started.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "endpoint",
    ["http://127.0.0.1:1", "http://127.8.8.8", "http://localhost:5000", "http://[::1]:80", "127.0.0.1:9092"],
)
def test_loopback_endpoints_are_on_this_machine(endpoint: str) -> None:
    assert is_loopback(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "https://s3.amazonaws.com",
        "http://10.0.0.1:80",
        "http://127.0.0.1@example.com",
        "http://127.0.0.1.example.com",
        "http://0.0.0.0:80",
    ],
)
def test_other_endpoints_are_not(endpoint: str) -> None:
    assert not is_loopback(endpoint)
