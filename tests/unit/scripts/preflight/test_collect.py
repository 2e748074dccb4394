"""All questions at once: what one of them does must not touch the others."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from scripts.preflight.collect import Asker, Report, collect
from scripts.preflight.model import CheckError, Identity, State
from scripts.preflight.target import Target
from tests.unit.components.test_settings import BY_IDS, loaded


class Played(Asker):
    """Questions of a test."""

    def __init__(self, **questions: object) -> None:
        super().__init__(Target("prod", {"aws:region": "us-west-2"}, loaded(BY_IDS)))
        self.questions = lambda: questions  # type: ignore[assignment,method-assign,return-value]  # played


@pytest.fixture
def hangs() -> Iterator[threading.Event]:
    """A question that waits for it has no answer before the test ends."""
    event = threading.Event()
    yield event
    event.set()


def answer(report: Report, check: str) -> CheckError:
    found = report.answers[check]
    assert isinstance(found, CheckError)
    return found


def test_a_question_without_an_answer_keeps_no_other_back(hangs: threading.Event) -> None:
    report = collect(Played(slow=hangs.wait, quick=lambda: 1), seconds=0.2)

    assert report.answers["quick"] == 1
    assert answer(report, "slow").state is State.UNKNOWN
    assert "no answer within 0.2 s" in answer(report, "slow").text
    assert report.day == datetime.now(UTC).date()


def test_errors_of_aws_are_answers() -> None:
    refusal = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "HeadBucket")
    network = EndpointConnectionError(endpoint_url="https://sts.amazonaws.com")

    def raises(error: Exception) -> None:
        raise error

    report = collect(Played(a=lambda: raises(refusal), b=lambda: raises(network)))

    assert "AccessDenied" in answer(report, "a").text
    assert "EndpointConnectionError" in answer(report, "b").text


def test_several_checks_ask_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def identity(_aws: object) -> Identity:
        asked.append(1)
        return Identity("111122223333", "arn:aws:iam::111122223333:user/u")

    monkeypatch.setattr("scripts.preflight.aws.identity", identity)
    asker = Played()

    assert asker.identity() == asker.identity()
    assert asked == [1]


def test_without_valid_settings_only_the_identity_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Identity("111122223333", "arn:aws:iam::111122223333:user/u")
    monkeypatch.setattr("scripts.preflight.aws.identity", lambda _aws: found)

    report = collect(Asker(Target("prod", {"aws:region": "us-west-2"}, None, problems=("one",))))

    assert report.answers["AWS identity"] == found
    others = [answer(report, check).text for check in report.answers if check != "AWS identity"]
    assert set(others) == {"the settings must be valid first"}
