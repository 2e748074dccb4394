"""What counts as a proof, with AWS, Logz.io and the clock played."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from components import settings
from scripts.proof import FETCH_DELAY, POLL_SECONDS, Proof, ProofError
from tests.components.test_settings import BY_IDS, changed

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


@dataclass
class Aws:
    """Every service in one; its clock stands still. `versions`: what the VM says at each look."""

    versions: list[int | None] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def get_caller_identity(self) -> dict[str, Any]:
        return {"ResponseMetadata": {"HTTPHeaders": {"date": "Fri, 02 Jan 2026 12:00:00 GMT"}}}

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        return {"Parameter": {"Version": 3}}

    def get_metric_statistics(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        now = self.versions.pop(0)
        points = [(NOON, now), (NOON - timedelta(minutes=1), 2)] if now is not None else []
        return {"Datapoints": [{"Timestamp": moment, "Maximum": float(value)} for moment, value in points]}


@dataclass
class Logzio:
    """Finds an event at the n-th look."""

    found_at: int
    asked: list[tuple[str, datetime]] = field(default_factory=list)

    def has_event(self, log_type: str, since: datetime) -> bool:
        self.asked.append((log_type, since))
        return len(self.asked) >= self.found_at


def make(
    aws: Aws, logzio: Any, raw: dict[str, Any] = BY_IDS, patience: float = 60
) -> tuple[Proof, list[str]]:
    said: list[str] = []
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    made = Proof(
        settings=settings.load(raw, region="us-west-2", environ={}),
        stack="prod",
        logzio=logzio,
        client=lambda _: aws,
        patience=patience,
        say=said.append,
        sleep=sleep,
        clock=lambda: clock[0],
    )
    return made, said


def test_the_time_is_awss() -> None:
    assert make(Aws(), Logzio(1))[0].now() == NOON


def test_versions_are_asked_for_without_the_values() -> None:
    aws = Aws()

    assert make(aws, Logzio(1))[0].versions(["kafka"]) == {"kafka": 3}
    assert aws.asked == [{"Name": "/ccloud-logexporter/prod/kafka-credentials"}]


def test_the_vm_is_waited_for_until_its_newest_word_is_the_wanted_version() -> None:
    aws = Aws([None, 2, 3])

    proof, said = make(aws, Logzio(1))
    proof.wait_for_vm({"kafka": 3})

    assert aws.versions == []
    assert aws.asked[0]["Dimensions"] == [
        {"Name": "Stack", "Value": "prod"},
        {"Name": "Credentials", "Value": "kafka"},
    ]
    assert said[-1] == f"  yes, after {2 * POLL_SECONDS:.0f} s"


def test_a_vm_that_does_not_switch_in_time_is_told() -> None:
    with pytest.raises(ProofError, match="in vain until the VM uses the new credentials"):
        make(Aws([2] * 100), Logzio(1))[0].wait_for_vm({"kafka": 3})


def test_an_event_counts_by_its_own_time() -> None:
    logzio = Logzio(3)

    make(Aws(), logzio)[0].wait_for_event(NOON)

    assert logzio.asked == [("confluent_audit", NOON)] * 3


@pytest.mark.parametrize(
    "raw",
    [
        changed("connector.format", "raw", BY_IDS),
        changed("connector.renames", {"type": "event_type"}, BY_IDS),
    ],
)
def test_where_only_the_time_of_arrival_is_known_what_was_under_way_does_not_count(
    raw: dict[str, Any],
) -> None:
    logzio = Logzio(1)

    make(Aws(), logzio, raw)[0].wait_for_event(NOON)

    assert logzio.asked[0][1] == NOON + timedelta(seconds=60) + FETCH_DELAY


def test_no_event_in_time_is_told_with_a_way_to_make_one() -> None:
    with pytest.raises(ProofError, match="a login to Confluent Cloud makes one"):
        make(Aws(), Logzio(1000))[0].wait_for_event(NOON)
