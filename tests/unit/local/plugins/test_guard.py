"""Which endpoints are on this machine."""

import pytest

from local.systems.plugins.guard import is_loopback


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
