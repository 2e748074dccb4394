"""The client against the emulator over real connections: every fault at every call."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from components.logzio.client import LogzioClient
from components.logzio.errors import LogzioError
from components.logzio.transport import Transport
from local.systems.logzio.server import Emulator
from tests.local.logzio_support import running
from tests.unit.components.logzio.scripted import WANTED

FAULTS = [
    {"status": 429},
    {"status": 429, "retry_after": 1},
    *({"status": status, "effect": effect} for status in (500, 502, 503, 504) for effect in (False, True)),
    {"answer": "cut"},
    {"answer": "cut", "effect": True},
    {"answer": "slow", "delay": 0.3},
    {"answer": "slow", "delay": 2.0},
    {"answer": "late", "delay": 1.0},
    {"answer": "unknown-field"},
    {"answer": "not-json"},
]
# Shorter than the slowest answer, so that it is lost.
TIMEOUT = httpx.Timeout(1.0)


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    with running(tmp_path) as one:
        yield one


@pytest.fixture
def client(emulator: Emulator) -> LogzioClient:
    return LogzioClient(Transport(emulator.url, emulator.token, timeout=TIMEOUT))


def places(emulator: Emulator) -> list[tuple[int, str]]:
    return [
        (registration["id"], registration["prefix"]) for registration in emulator.state()["registrations"]
    ]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("call", ["whoami", "list", "create", "get"])
def test_a_registration_is_made_exactly_once_whatever_goes_wrong(
    emulator: Emulator, client: LogzioClient, call: str, fault: dict[str, object]
) -> None:
    emulator.fail(calls=[call], **fault)

    made = client.create(WANTED, adopt=False)

    assert places(emulator) == [(made.id, WANTED.prefix)]
    assert emulator.state()["faults"] == []


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("call", ["update", "get"])
def test_a_change_is_made_whatever_goes_wrong(
    emulator: Emulator, client: LogzioClient, call: str, fault: dict[str, object]
) -> None:
    made = client.create(WANTED, adopt=False)
    emulator.fail(calls=[call], **fault)

    client.update(made.id, replace(WANTED, log_type="other"))

    (registration,) = emulator.state()["registrations"]
    assert registration["logsType"] == "other"
    assert emulator.state()["faults"] == []


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("call", ["delete", "get"])
def test_a_registration_goes_whatever_goes_wrong(
    emulator: Emulator, client: LogzioClient, call: str, fault: dict[str, object]
) -> None:
    made = client.create(WANTED, adopt=False)
    emulator.fail(calls=[call], **fault)

    client.delete(made.id, client.account_id())

    assert places(emulator) == []
    assert emulator.state()["faults"] == []


def test_a_token_that_expires_in_the_middle_leaves_nothing_half_made(
    emulator: Emulator, client: LogzioClient
) -> None:
    emulator.fail(calls=["create"], code="expired-token", times=None)

    with pytest.raises(LogzioError, match="API token is not accepted"):
        client.create(WANTED, adopt=False)
    assert places(emulator) == []


def test_the_description_and_the_client_agree_on_every_field(client: LogzioClient) -> None:
    wanted = replace(
        WANTED, role_arn=None, access_key="AK", secret_key="SK", active=False, add_object_key=True
    )

    assert client.create(wanted, adopt=False).shows(wanted)
