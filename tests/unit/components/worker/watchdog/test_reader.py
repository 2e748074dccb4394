import time
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from components.worker.files.watchdog import reader
from components.worker.files.watchdog.memory import Memory
from tests.unit.components.worker.watchdog.support import SETTINGS, Iam


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """`now`, of the monotonic clock; the other one stands at NOON."""
    played = {"now": 0.0}
    monkeypatch.setattr(time, "monotonic", lambda: played["now"])
    monkeypatch.setattr(time, "time", NOON.timestamp)
    return played


NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def seconds(**length: float) -> dict[str, float]:
    return {"SecondsSinceLogzioRead": timedelta(**length).total_seconds()}


@pytest.mark.usefixtures("clock")
def test_the_last_use_of_the_readers_role_is_reported(iam: Iam) -> None:
    iam.used = NOON - timedelta(hours=3)

    assert reader.since_read(SETTINGS, Memory()) == seconds(hours=3)
    assert iam.asked == ["reader-1234567"]


@pytest.mark.usefixtures("clock")
def test_a_role_that_was_never_used_counts_from_its_creation(iam: Iam) -> None:
    iam.created = NOON - timedelta(minutes=20)

    assert reader.since_read(SETTINGS, Memory()) == seconds(minutes=20)


@pytest.mark.usefixtures("clock")
def test_a_vm_with_a_slow_clock_reports_no_use_in_the_future(iam: Iam) -> None:
    iam.used = NOON + timedelta(seconds=5)

    assert reader.since_read(SETTINGS, Memory()) == seconds(seconds=0)


def test_iam_is_asked_once_an_hour(iam: Iam, clock: dict[str, float]) -> None:
    memory = Memory()
    answers = []
    for minute in range(121):
        clock["now"] = minute * 60.0
        answers.append(reader.since_read(SETTINGS, memory))

    assert [minute for minute, answer in enumerate(answers) if answer] == [0, 60, 120]
    assert len(iam.asked) == 3


def test_after_a_refusal_iam_is_asked_again_soon(
    iam: Iam, clock: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    memory = Memory()
    iam.error = ClientError({"Error": {"Code": "AccessDenied"}}, "GetRole")
    assert reader.since_read(SETTINGS, memory) == {}
    assert "IAM: An error occurred (AccessDenied)" in capsys.readouterr().out

    iam.error = None
    clock["now"] = reader.RETRY_SECONDS - 1
    assert reader.since_read(SETTINGS, memory) == {}
    clock["now"] = reader.RETRY_SECONDS
    assert reader.since_read(SETTINGS, memory) != {}


def test_nothing_is_asked_where_logzio_reads_with_a_key_or_a_canary_measures(iam: Iam) -> None:
    assert reader.since_read({**SETTINGS, "reader": None}, Memory()) == {}
    assert iam.asked == []
