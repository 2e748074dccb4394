"""What counts as a proof, with AWS, Logz.io and the clock played."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from components import settings
from components.logzio.errors import Kind, LogzioError
from scripts.archive import Archive
from scripts.proof import POLL_SECONDS, Proof, ProofError
from tests.unit.components.test_settings import BY_IDS, changed
from tests.unit.scripts.played_bucket import BUCKET, TOPICS_DIR, PlayedBucket

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


@dataclass
class Aws:
    """Every service in one. `versions`: what the VM says at each look."""

    versions: list[int | None] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def get_caller_identity(self) -> dict[str, Any]:
        return {"Account": "123456789012"}

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
    """Has these events; `faults` come first, one at each look."""

    events: set[str] = field(default_factory=set)
    faults: list[Kind] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def has_event(self, name: str, value: str) -> bool:
        self.asked.append((name, value))
        if self.faults:
            raise LogzioError(self.faults.pop(0), "POST /v1/search", "something")
        return value in self.events


@dataclass
class Scene:
    """A proof, what it talks to, and what happens while it sleeps."""

    aws: Aws = field(default_factory=Aws)
    logzio: Logzio = field(default_factory=Logzio)
    bucket: PlayedBucket = field(default_factory=PlayedBucket)
    raw: dict[str, Any] = field(default_factory=lambda: BY_IDS)
    meanwhile: Callable[[], object] = lambda: None
    output: list[str] = field(default_factory=list)

    def proof(self) -> Proof:
        clock = [0.0]

        def sleep(seconds: float) -> None:
            clock[0] += seconds
            self.meanwhile()

        return Proof(
            settings=settings.load(self.raw, region="us-west-2", environ={}),
            stack="prod",
            archive=Archive(self.bucket, BUCKET, TOPICS_DIR),
            logzio=self.logzio,  # type: ignore[arg-type]  # played
            client=lambda _: self.aws,
            patience=60,
            say=self.output.append,
            sleep=sleep,
            clock=lambda: clock[0],
        )


def test_versions_are_asked_for_without_the_values() -> None:
    scene = Scene()

    assert scene.proof().versions(["kafka"]) == {"kafka": 3}
    assert scene.aws.asked == [{"Name": "/ccloud-logexporter/prod/kafka-credentials"}]


def test_the_account_is_the_callers() -> None:
    assert Scene().proof().aws_account() == "123456789012"


def test_the_proof_waits_until_the_vm_reports_the_wanted_version() -> None:
    scene = Scene(Aws([None, 2, 3]))

    scene.proof().wait_for_vms({"kafka": 3})

    assert scene.aws.versions == []
    assert scene.aws.asked[0]["Namespace"] == "CcloudLogexporter/prod"
    assert scene.aws.asked[0]["Dimensions"] == [
        {"Name": "Credentials", "Value": "kafka"},
        {"Name": "Vm", "Value": "1"},
    ]
    assert scene.output[-1] == f"  yes, after {2 * POLL_SECONDS:.0f} s"


def test_a_vm_that_keeps_its_old_credentials_fails_the_proof() -> None:
    with pytest.raises(ProofError, match="of waiting until the VMs use the new credentials"):
        Scene(Aws([2] * 100)).proof().wait_for_vms({"kafka": 3})


def test_only_an_event_that_was_not_archived_before_counts() -> None:
    scene = Scene(logzio=Logzio({"old", "new"}))
    scene.bucket.put(2, 0, {"id": "old"})
    scene.meanwhile = lambda: scene.bucket.put(2, 40, {"id": "new"})

    scene.proof().wait_for_event()

    assert scene.logzio.asked == [("id", "new")]


def test_the_event_must_arrive_in_logzio() -> None:
    scene = Scene(logzio=Logzio({"another stack's"}))
    scene.meanwhile = lambda: scene.bucket.put(0, 0, {"id": "new"})

    with pytest.raises(ProofError, match=r"of waiting until event new is indexed in Logz\.io"):
        scene.proof().wait_for_event()


def test_a_proof_without_a_new_event_says_how_to_make_one() -> None:
    with pytest.raises(ProofError, match="a login to Confluent Cloud makes one"):
        Scene().proof().wait_for_event()


@pytest.mark.parametrize("passing", [Kind.SERVER, Kind.NETWORK, Kind.RATE_LIMIT])
def test_a_fault_of_logzio_that_passes_does_not_end_the_proof(passing: Kind) -> None:
    scene = Scene(logzio=Logzio({"new"}, [passing]))
    scene.meanwhile = lambda: scene.bucket.put(0, 0, {"id": "new"})

    scene.proof().wait_for_event()

    assert len(scene.logzio.asked) == 2


def test_a_refused_token_ends_it_at_once() -> None:
    scene = Scene(logzio=Logzio({"new"}, [Kind.AUTHENTICATION]))
    scene.meanwhile = lambda: scene.bucket.put(0, 0, {"id": "new"})

    with pytest.raises(LogzioError):
        scene.proof().wait_for_event()


def test_a_renamed_id_is_searched_by_its_new_name() -> None:
    scene = Scene(logzio=Logzio({"new"}), raw=changed("connector.renames", {"id": "event_id"}, BY_IDS))
    scene.meanwhile = lambda: scene.bucket.put(0, 0, {"event_id": "new"})

    scene.proof().wait_for_event()

    assert scene.logzio.asked == [("event_id", "new")]


def test_in_raw_format_an_object_without_events_is_passed_over() -> None:
    scene = Scene(logzio=Logzio({"new"}), raw=changed("connector.format", "raw", BY_IDS))

    def arrive() -> None:
        scene.bucket.put(0, 0, "no json")
        scene.bucket.put(1, 0, {"id": "new"})

    scene.meanwhile = arrive

    scene.proof().wait_for_event()

    assert scene.logzio.asked == [("id", "new")]
