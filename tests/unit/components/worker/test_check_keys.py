"""The service starts when no key is ahead of it, and not before."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from components.archive import layout
from components.worker.files import check_keys
from tests import runbook
from tests.local.worker import late_role
from tests.unit.scripts.played_bucket import BUCKET, TOPIC, TOPICS_DIR, PlayedBucket

NOW = 1_795_672_862.0
HOUR = 3600.0


@dataclass
class Scene:
    """A bucket and a clock that goes on while the script sleeps; what it said is in `capsys`."""

    folder: Path
    now: float = NOW
    bucket: PlayedBucket = field(default_factory=PlayedBucket)
    failures: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds

    def list_objects_v2(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        if self.failures:
            self.failures -= 1
            raise ClientError({"Error": {"Code": "SlowDown", "Message": "later"}}, "ListObjectsV2")
        return self.bucket.list_objects_v2(**request)

    def put(self, seconds_ahead: float, partition: int = 0) -> str:
        return self.bucket.put(partition, 5, opened=int((NOW + seconds_ahead) * 1000))

    def start(self, partitioner: str = "ordered", partitions: int = 3) -> None:
        known = {
            "region": "us-west-2",
            "endpoint": None,
            "bucket": BUCKET,
            "partitioner": partitioner,
            "folder": layout.stamped_template(TOPICS_DIR),
            "partitions": {TOPIC: partitions},
        }
        (self.folder / "settings.json").write_text(json.dumps(known))
        check_keys.main()

    @property
    def ahead_until(self) -> float:
        return float(json.loads((self.folder / "keys.json").read_text())["ahead_until"])


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    made = Scene(tmp_path)
    monkeypatch.setattr(check_keys, "SETTINGS", tmp_path / "settings.json")
    monkeypatch.setattr(check_keys, "client", lambda _settings: made)
    monkeypatch.setattr(time, "time", lambda: made.now)
    monkeypatch.setattr(time, "sleep", made.sleep)
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    return made


def test_an_empty_bucket_is_one_question_for_each_partition(scene: Scene) -> None:
    scene.start(partitions=12)

    assert len(scene.asked) == 12
    assert {request["MaxKeys"] for request in scene.asked} == {1}
    assert scene.now == NOW
    assert scene.ahead_until == 0


def test_keys_of_the_past_hold_nothing_up_however_many_there_are(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.bucket.put(0, 9_999)
    for minute in range(1, 3000):
        scene.put(-60.0 * minute)

    scene.start()

    assert len(scene.asked) == 3
    assert scene.now == NOW
    assert capsys.readouterr().err == ""


def test_a_key_of_a_clock_that_was_ahead_is_waited_for(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    for minute in range(1, 61):
        scene.put(60.0 * minute, partition=1)

    scene.start()

    assert NOW + HOUR < scene.now < NOW + HOUR + 1
    assert scene.ahead_until == 0
    written = capsys.readouterr().err
    assert written.splitlines() == [
        "a clock was ahead: an object's key has the time 2026-11-26T07:01:02.000+00:00; waiting until it has passed"
    ]
    assert runbook.found("clock-ahead", written) == written.splitlines()


def test_while_it_waits_the_watchdog_can_see_until_when(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []

    def sleep(seconds: float) -> None:
        seen.append(scene.ahead_until)
        scene.sleep(seconds)

    monkeypatch.setattr(time, "sleep", sleep)
    scene.put(90)

    scene.start()

    assert set(seen) == {NOW + 90}


def test_a_corrected_clock_ends_the_wait(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        scene.now += 2 * HOUR

    monkeypatch.setattr(time, "sleep", sleep)
    scene.put(HOUR)

    scene.start()

    assert slept == [60.0]


def test_a_key_that_is_days_ahead_is_told_and_not_waited_for(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.put(48 * HOUR)

    scene.start()

    assert scene.now == NOW
    assert scene.ahead_until == NOW + 48 * HOUR
    written = capsys.readouterr().err
    assert "too far ahead to wait for" in written
    assert runbook.found("clock-ahead", written) == written.splitlines()


def test_a_bucket_that_cannot_be_listed_at_once_is_asked_again(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.failures = check_keys.ATTEMPTS - 1
    scene.put(30)

    scene.start()

    assert scene.now > NOW + 30
    assert "attempt 1 of 6: An error occurred (SlowDown)" in capsys.readouterr().err


def test_a_bucket_that_cannot_be_listed_does_not_stop_the_start(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.failures = 1000

    scene.start()

    assert len(scene.asked) == check_keys.ATTEMPTS
    assert "cannot be listed; the service starts unchecked" in capsys.readouterr().err


def test_a_role_that_the_metadata_service_has_later_lists_the_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(check_keys, "PAUSE_SECONDS", 0)
    (tmp_path / "secrets.properties").touch()
    listing = "<ListBucketResult><Contents><Key>a/1</Key></Contents></ListBucketResult>"

    with late_role.running(late_role.LateRole(), listing, "application/xml", monkeypatch) as endpoint:
        known = {"region": "us-west-2", "endpoint": endpoint}
        bucket = check_keys.Bucket(BUCKET, lambda: check_keys.client(known))
        found = next(bucket.keys_after("a/", "a/"))

    assert found == "a/1"
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"keys of {BUCKET}, attempt 1 of 6: Unable to locate credentials"


def test_a_foreign_object_that_sorts_behind_is_named(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    key = f"{layout.stamped_start(TOPICS_DIR, TOPIC, 2)}notes.txt"
    scene.bucket.objects[key] = b""

    scene.start()

    assert scene.now == NOW
    assert f"{key} is not an object of the sink" in capsys.readouterr().err


def test_the_vendors_partitioner_starts_in_a_bucket_without_stamps(scene: Scene) -> None:
    scene.bucket.put(0, 9_999)

    scene.start("default")

    assert len(scene.asked) == 3


def test_the_vendors_partitioner_is_refused_where_keys_have_stamps(scene: Scene) -> None:
    key = scene.put(-HOUR, partition=2)

    with pytest.raises(SystemExit, match=r"connector\.partitioner default would write keys") as refused:
        scene.start("default")

    assert key in str(refused.value)
    assert scene.now == NOW + 60


@pytest.mark.parametrize("opened", [0, 999, 1_795_672_862_123])
def test_a_stamp_is_read_as_the_layout_writes_it(opened: int) -> None:
    folder = layout.stamped_start(TOPICS_DIR, TOPIC, 0)
    assert check_keys.STAMP_FORMAT == layout.STAMP_FORMAT
    assert check_keys.stamp_of(f"{folder}{layout.stamp(opened)}/x", folder) == opened / 1000


@pytest.mark.parametrize(
    ("secrets", "key"), [("aws.access.key.id=AKIA\naws.secret.access.key=a\\\\b=\n", "AKIA"), ("", None)]
)
def test_it_asks_with_the_writers_key_or_with_the_role(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secrets: str, key: str | None
) -> None:
    made: dict[str, Any] = {}
    monkeypatch.setattr(boto3.Session, "client", lambda _self, _service, **options: made.update(options))
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    (tmp_path / "secrets.properties").write_text(f"kafka.sasl.jaas.config=x=y;\n{secrets}")

    check_keys.client({"region": "us-west-2", "endpoint": None})

    assert made["aws_access_key_id"] == key
    assert made["aws_secret_access_key"] == ("a\\b=" if key else None)
