"""What is sent, what is not, and that a second run goes on where the first one stopped."""

import gzip
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.archive import layout
from components.logzio.errors import Kind, LogzioError
from components.logzio.facts import MAX_LINE_BYTES
from components.logzio.listener import Receipt
from scripts.replaying import batches
from scripts.replaying.form import Form
from scripts.replaying.progress import Progress
from scripts.replaying.run import QuotaError, Replay, objects_of
from scripts.replaying.selection import Selection
from scripts.verification.bucket import Bucket
from scripts.verification.chains import Chain
from scripts.verification.events import EventRef
from scripts.verification.model import StoredObject

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
CHAIN = Chain("events", "group-1", "topics", is_json=True, delivered=True, rotation_seconds=60)
Event = dict[str, Any] | str


@dataclass
class S3:
    """Objects by key."""

    bodies: dict[str, bytes] = field(default_factory=dict)

    def put(self, partition: int, offset: int, *events: Event) -> str:
        text = "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in events)
        key = layout.key_start("topics", "audit", partition, offset) + ".json.gz"
        self.bodies[key] = gzip.compress(text.encode())
        return key

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803, ARG002  # boto3's
        return {"Body": io.BytesIO(self.bodies[Key])}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803, ARG002  # boto3's
        return {"ContentLength": len(self.bodies[Key]), "LastModified": NOON}

    def get_paginator(self, _: str) -> "S3":
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterable[dict[str, Any]]:  # noqa: N803, ARG002  # boto3's
        keys = sorted(key for key in self.bodies if key.startswith(Prefix))
        yield {"Contents": [{"Key": key, "Size": 1, "LastModified": NOON} for key in keys]}


@dataclass
class Listener:
    """Takes batches; `fails_at` refuses that one, for good."""

    batches: list[list[bytes]] = field(default_factory=list)
    fails_at: int | None = None
    refuses: int = 0

    def send(self, lines: Sequence[bytes]) -> Receipt:
        if len(self.batches) == self.fails_at:
            raise LogzioError(Kind.SERVER, "POST https://listener/", "down")
        self.batches.append(list(lines))
        return Receipt(len(lines) - self.refuses, malformed=self.refuses)

    @property
    def ids(self) -> list[str]:
        return [json.loads(line)["id"] for batch in self.batches for line in batch]


@dataclass
class Scene:
    """A bucket, a Logz.io that has some ids, and a folder for progress."""

    folder: Path
    s3: S3 = field(default_factory=S3)
    listener: Listener | None = field(default_factory=Listener)
    has: set[str] = field(default_factory=set)
    selection: Selection = field(default_factory=Selection)

    def replay(self, **options: Any) -> Replay:
        return Replay(
            bucket=Bucket(self.s3, "archive"),
            selection=self.selection,
            form=Form({"time": "@timestamp"}, flatten=True, excluded=(), add_object_key=False),
            found=self.found,
            listener=self.listener,
            progress=Progress.at(self.folder, "prod", "choice"),
            **options,
        )

    def found(self, events: Iterable[EventRef]) -> set[str]:
        return {event.id for event in events} & self.has

    def objects(self, partitions: int = 1) -> list[StoredObject]:
        chosen = [("audit", number) for number in range(partitions)]
        return list(objects_of(Bucket(self.s3, "archive"), CHAIN, chosen, self.selection))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def event(name: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "@timestamp": "2026-03-10T11:00:00Z", **fields}


def many(first: int, count: int, size: int = 0) -> list[Event]:
    return [event(str(number), text="x" * size) for number in range(first, first + count)]


def test_what_logzio_lacks_is_sent(scene: Scene) -> None:
    scene.s3.put(0, 0, event("a"), event("b"))
    scene.s3.put(0, 2, event("c"))
    scene.has = {"b"}

    counts = scene.replay().run(scene.objects())

    assert scene.listener is not None
    assert scene.listener.ids == ["a", "c"]
    assert (counts.objects, counts.events, counts.present, counts.sent, counts.left) == (2, 3, 1, 2, 0)


def test_what_logzio_has_is_sent_again_when_asked(scene: Scene) -> None:
    scene.s3.put(0, 0, event("a"))
    scene.has = {"a"}

    assert scene.replay(again=True).run(scene.objects()).sent == 1


def test_an_event_that_was_archived_twice_is_sent_once(scene: Scene) -> None:
    scene.s3.put(0, 0, event("a"), event("b"))
    scene.s3.put(0, 1, event("b"), event("c"))

    counts = scene.replay().run(scene.objects())

    assert (counts.sent, counts.twice) == (3, 1)


def test_small_objects_share_a_request_and_large_ones_take_several(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_BYTES", 10_000)
    scene.s3.put(0, 0, *many(0, 3))
    scene.s3.put(0, 3, *many(3, 3))
    scene.s3.put(0, 6, *many(6, 20, size=1500))

    scene.replay().run(scene.objects())

    assert scene.listener is not None
    sizes = [sum(len(line) + 1 for line in batch) for batch in scene.listener.batches]
    assert max(sizes) <= 10_000
    assert len(scene.listener.batches[0]) > 6
    assert scene.listener.ids == [str(number) for number in range(26)]


def test_a_dry_run_counts_and_sends_and_notes_nothing(scene: Scene) -> None:
    scene.s3.put(0, 0, *many(0, 10))
    scene.listener = None

    counts = scene.replay().run(scene.objects())

    assert counts.sent == 10
    assert counts.bytes > 400
    assert (counts.oldest, counts.newest) == (datetime(2026, 3, 10, 11, tzinfo=UTC),) * 2
    assert list(scene.folder.iterdir()) == []


def test_a_run_that_was_interrupted_is_gone_on_with(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_BYTES", 1_000)
    scene.s3.put(0, 0, *many(0, 40))
    scene.s3.put(0, 40, *many(40, 40))
    first = scene.listener = Listener(fails_at=3)

    with pytest.raises(LogzioError, match="down"):
        scene.replay().run(scene.objects())
    # Nothing of what was sent can be found yet.
    second = scene.listener = Listener()
    counts = scene.replay().run(scene.objects())

    assert len(first.batches) == 3
    assert first.ids + second.ids == [str(number) for number in range(80)]
    assert counts.sent == len(second.ids)
    assert list(scene.folder.iterdir()) == []


def test_a_run_stops_before_the_daily_quota_is_used_up_and_goes_on_later(scene: Scene) -> None:
    scene.s3.put(0, 0, *many(0, 100))

    with pytest.raises(QuotaError, match="events were sent"):
        scene.replay(most_bytes=2_000).run(scene.objects())
    assert scene.listener is not None
    sent = len(scene.listener.ids)
    scene.replay().run(scene.objects())

    assert 0 < sent < 100
    assert sum(len(line) for line in scene.listener.batches[0]) <= 2_000
    assert scene.listener.ids == [str(number) for number in range(100)]


def test_what_cannot_be_sent_is_counted_and_its_object_named(scene: Scene) -> None:
    key = scene.s3.put(0, 0, event("long", text="x" * MAX_LINE_BYTES), "no json", event("good"))

    counts = scene.replay().run(scene.objects())

    assert (counts.oversized, counts.unreadable, counts.sent, counts.left) == (1, 1, 1, 2)
    assert counts.named == [key]


def test_lines_that_the_listener_refuses_are_counted(scene: Scene) -> None:
    scene.s3.put(0, 0, *many(0, 5))
    scene.listener = Listener(refuses=2)

    counts = scene.replay().run(scene.objects())

    assert (counts.sent, counts.refused, counts.left) == (3, 2, 2)


def test_an_event_without_an_id_is_not_sent_again_and_again(scene: Scene) -> None:
    scene.s3.put(0, 0, {"text": "who am I"})
    scene.selection = Selection(is_unread=True)

    assert scene.replay().run(scene.objects()).without_id == 1
    scene.selection = Selection(begin=datetime(2026, 3, 1, tzinfo=UTC))
    assert scene.replay().run(scene.objects()).sent == 1


def test_only_events_of_the_chosen_time_are_sent(scene: Scene) -> None:
    times = ("2026-03-09T23:59:59Z", "2026-03-10T00:00:00Z", "2026-03-10T23:59:59Z", "2026-03-11T00:00:00Z")
    scene.s3.put(0, 0, *(event(time, **{"@timestamp": time}) for time in times))
    scene.selection = Selection(datetime(2026, 3, 10, tzinfo=UTC), datetime(2026, 3, 11, tzinfo=UTC))

    counts = scene.replay().run(scene.objects())

    assert scene.listener is not None
    assert scene.listener.ids == list(times[1:3])
    assert counts.events == 2


def test_chosen_objects_are_read_alone(scene: Scene) -> None:
    scene.s3.put(0, 0, event("a"))
    key = scene.s3.put(0, 1, event("b", **{"@timestamp": "1999-01-01T00:00:00Z"}))
    scene.selection = Selection(keys=(key,))

    scene.replay().run(scene.objects())

    assert scene.listener is not None
    assert scene.listener.ids == ["b"]


def test_nothing_but_archived_objects_is_read(scene: Scene) -> None:
    scene.s3.put(0, 0, event("a"))
    scene.s3.put(1, 0, event("b"))
    scene.s3.bodies[layout.sentinel_key("topics", "audit", 0)] = b""
    scene.s3.bodies["topics/audit/partition=0/zzz"] = b"x"

    assert len(scene.objects(partitions=2)) == 2
