"""make verify and make replay against a real broker, the local AWS and the emulator: what each fault looks like."""

import gzip
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them, without __all__
    AdminClient,
    NewPartitions,
)

from components import policies, settings
from components.archive import layout
from components.logzio.client import LogzioClient
from components.logzio.listener import Listener
from components.logzio.transport import Transport
from components.settings import Settings
from local.base import processes
from local.stack.deployment import aws_client
from local.systems.kafka import client as kafka_client
from local.systems.kafka import users
from local.systems.logzio import fetcher
from local.systems.logzio.server import Emulator
from scripts.access import Access
from scripts.replay.event_format import EventFormat
from scripts.replay.progress import Progress
from scripts.replay.run import Counts, Replay, objects_of
from scripts.replay.selection import Selection
from scripts.stack import project_name
from scripts.verify import canary
from scripts.verify.bucket import Bucket
from scripts.verify.chains import Chain, chains
from scripts.verify.collect import Collector, Scope
from scripts.verify.evaluate import Patience, evaluate, exit_code
from scripts.verify.lookup import Lookup
from scripts.verify.model import Finding, Level, RegistrationState, Report, UnreadReason
from scripts.verify.registrations import StackRegistration
from tests.local import kafka_support
from tests.local.logzio.test_fetcher import aws, identities
from tests.local.logzio_support import BUCKETS, api, running

__all__ = ["aws"]

PARTITIONS = 3
IMPATIENT = Patience(timedelta(0), timedelta(0))


@dataclass(frozen=True)
class Stack:
    """A stack's state, as far as it is asked for."""

    made: list[StackRegistration]
    short_name: str = "prod"

    def registrations(self) -> list[StackRegistration]:
        return self.made

    def bootstrap_servers(self) -> str | None:
        return None


@dataclass
class Scene:
    """A topic, a bucket and a Logz.io account of a stack whose connector is played."""

    state: Path
    endpoint: str
    emulator: Emulator
    role: str
    settings: Settings
    made: list[StackRegistration]
    archived: dict[int, int] = field(default_factory=dict)

    @property
    def topic(self) -> str:
        return self.settings.source.topics[0]

    @property
    def chain(self) -> Chain:
        return chains(self.settings, project_name(), Stack.short_name)[0]

    def access(self, **changed: Any) -> Access:
        logzio = LogzioClient(Transport(self.emulator.url, self.emulator.token))
        return replace(
            Access(
                Stack(self.made),  # type: ignore[arg-type]  # as far as it is asked for
                self.settings,
                lambda service: aws_client(self.state, self.endpoint, service),
                logzio,
            ),
            **changed,
        )

    def produce(self, partition: int, *ids: str, **fields: Any) -> list[dict[str, Any]]:
        """Events that have just happened, in Kafka."""
        events = [event(id_, **fields) for id_ in ids]
        values = [json.dumps(event).encode() for event in events]
        assert kafka_support.produce(self.state, values, topic=self.topic, partition=partition) == []
        return events

    def archive(self, partition: int, *ids: str, commit: bool = True, **fields: Any) -> str:
        """Events in Kafka and, by a connector that is played, in an object."""
        events = self.produce(partition, *ids, **fields)
        offset = self.archived.get(partition, 0)
        self.archived[partition] = offset + len(events)
        if commit:
            self.commit(partition, self.archived[partition])
        return self.put(partition, offset, *events)

    def put(self, partition: int, offset: int, *events: dict[str, Any]) -> str:
        """An object, whatever Kafka has."""
        renames = {"time": "@timestamp", "type": "event_type"}
        text = "".join(
            json.dumps({renames.get(name, name): value for name, value in event.items()}) + "\n"
            for event in events
        )
        key = layout.key_start("topics", self.topic, partition, offset) + ".json.gz"
        self.s3.put_object(Bucket=self.settings.archive.bucket, Key=key, Body=gzip.compress(text.encode()))
        return key

    @property
    def s3(self) -> Any:
        return aws_client(self.state, self.endpoint, "s3")

    def commit(self, partition: int, offset: int) -> None:
        config = kafka_client.client_config(self.state)
        with closing(
            Consumer({**config, "group.id": self.chain.group, "enable.auto.commit": False})
        ) as consumer:
            consumer.commit(offsets=[TopicPartition(self.topic, partition, offset)], asynchronous=False)

    def fetch(self) -> None:
        assert self.emulator._fetcher is not None
        self.emulator._fetcher.look()

    def discard(self, *, on: bool) -> None:
        assert self.emulator._fetcher is not None
        self.emulator._fetcher.discards = on

    def look(self, patience: Patience = IMPATIENT, **scope: Any) -> tuple[Report, list[Finding]]:
        report = Collector(self.access(), Scope(**scope)).report()
        return report, evaluate(report, patience)

    def replay(self, folder: Path, selection: Selection) -> Counts:
        """As `make replay` does."""
        access = self.access()
        look = Collector(access, Scope())
        bucket = Bucket(access.client("s3"), self.settings.archive.bucket)
        left = look.on_their_way(self.chain) if selection.is_unread else set()
        listener = Listener(self.emulator.url, access.logzio.shipping_token(), "confluent_audit")
        replay = Replay(
            bucket=bucket,
            selection=selection,
            event_format=EventFormat.of(self.settings),
            found=Lookup(access.logzio, "id").found,
            listener=listener,
            progress=Progress.at(folder, "prod", selection.name),
        )
        objects = objects_of(bucket, self.chain, look.partitions(self.chain), selection)
        return replay.run(stored for stored in objects if stored.key not in left)


def event(name: str, **fields: Any) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "id": name,
        "source": "crn://confluent.aws/kafka=lkc-1",
        "type": "io.confluent/x",
        "time": now,
        **fields,
    }


@pytest.fixture(scope="module")
def broker(aws: tuple[Path, str]) -> Iterator[tuple[Path, str]]:
    """The state folder with a local AWS and a broker, and the endpoint of the former."""
    state, endpoint = aws
    kafka_support.start_broker(state)
    yield state, endpoint
    processes.stop(state, "kafka")


@pytest.fixture
def scene(broker: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    # Tests look when they are ready.
    monkeypatch.setattr(fetcher, "POLL_SECONDS", 3600.0)
    state, endpoint = broker
    monkeypatch.setenv("SSL_CERT_FILE", str(kafka_client.ca_file(state)))
    for name in ("kafka", "aws"):
        (tmp_path / name).symlink_to(state / name)
    with running(tmp_path, endpoint) as emulator:
        yield scene_of(tmp_path, endpoint, emulator)


def scene_of(state: Path, endpoint: str, emulator: Emulator) -> Scene:
    name = uuid.uuid4().hex[:12]
    config = kafka_client.client_config(state)
    kafka_support.create_topic(state, f"audit-{name}", PARTITIONS)
    given = settings.load(
        {
            "source": {
                "bootstrapServers": config["bootstrap.servers"],
                "apiKey": users.ADMIN,
                "apiSecret": config["sasl.password"],
                "topics": [f"audit-{name}"],
                "partitions": {f"audit-{name}": PARTITIONS},
            },
            "archive": {"bucket": f"bucket-{name}", "originals": False},
            "connector": {"name": f"connector-{name}"},
            "logzio": {"apiUrl": emulator.url, "apiToken": emulator.token},
        },
        region="us-west-2",
        environ={},
    )
    aws_client(state, endpoint, "s3").create_bucket(
        Bucket=given.archive.bucket, CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    details = api(emulator).get(f"{BUCKETS}/aws-assume-role-details").json()
    trust = policies.reader_trust(details["logzioAWSAccountId"], details["assignedExternalId"])
    reader = policies.to_json(policies.reader(given.archive.bucket, "topics", None))
    role, _ = identities(aws_client(state, endpoint, "iam"), policies.to_json(trust), reader)
    scene = Scene(state, endpoint, emulator, role, given, [])
    scene.made += [register(scene, prefix) for prefix in given.partition_prefixes]
    return scene


def register(scene: Scene, prefix: str) -> StackRegistration:
    """A registration, as `pulumi up` makes it."""
    began = datetime.now(UTC).replace(microsecond=0)
    id_ = api(scene.emulator).post(BUCKETS, json=body(scene, prefix)).json()["id"]
    return StackRegistration(id_, prefix, scene.role, created_at=began)


def body(scene: Scene, prefix: str) -> dict[str, Any]:
    return {
        "bucket": scene.settings.archive.bucket,
        "prefix": prefix,
        "region": "US_WEST_2",
        "logsType": "confluent_audit",
        "active": True,
        "addS3ObjectKeyAsLogField": False,
        "arn": scene.role,
    }


def broken(findings: list[Finding]) -> list[str]:
    return [finding.hop for finding in findings if finding.level is Level.BROKEN]


def a_second() -> None:
    """S3 tells times in whole seconds."""
    time.sleep(1.1)


def test_a_chain_in_order_is_reported_for_each_partition(scene: Scene) -> None:
    scene.archive(0, "a", "b")
    key = scene.archive(0, "c")
    scene.archive(1, "d")
    scene.fetch()

    report, findings = scene.look()

    assert (findings, exit_code(findings), report.not_seen) == ([], 0, {})
    first, second, quiet = report.chains[0].partitions
    assert first.position is not None
    assert (first.position.start, first.position.end, first.position.committed) == (0, 3, 3)
    assert first.newest is not None
    assert (first.newest.key, first.newest.last, first.newest.found) == (key, "c", True)
    assert (first.last_committed_is_archived, first.sampled, first.objects) == (True, 2, 2)
    assert second.newest is not None
    assert (quiet.newest, quiet.objects, quiet.position and quiet.position.committed) == (None, 0, None)
    assert [registration.state for registration in report.registrations] == [
        RegistrationState.FINE
    ] * PARTITIONS


def test_the_canary_measures_until_logzio_has_the_event(scene: Scene) -> None:
    scene.archive(0, "a")
    scene.fetch()
    scene.archive(1, "b")
    a_second()
    behind = canary.seconds_missing(scene.look()[0])
    scene.fetch()
    after = canary.seconds_missing(scene.look()[0])

    assert behind is not None
    assert behind >= 1
    assert after == 0


def test_the_canary_is_silent_if_logzio_does_not_answer(scene: Scene) -> None:
    scene.archive(0, "a")
    refused = LogzioClient(Transport(scene.emulator.url, "another token"))

    report = Collector(scene.access(logzio=refused), Scope()).report()

    assert "Logz.io" in report.not_seen
    assert canary.seconds_missing(report) is None


def test_events_that_nobody_archives_wait_in_kafka(scene: Scene) -> None:
    scene.archive(0, "a")
    scene.produce(0, "b", "c")
    scene.produce(1, "d")
    scene.fetch()
    a_second()

    report, findings = scene.look(Patience(timedelta(seconds=-120), timedelta(0)))

    first, second, _ = report.chains[0].partitions
    assert first.position is not None
    assert first.position.waiting is not None
    assert (first.position.lag, first.position.waiting.id, exit_code(findings)) == (2, "b", 1)
    assert second.position is not None
    assert (second.position.committed, second.position.lag) == (None, 1)
    assert broken(findings) == ["Kafka"]
    assert "partitions 0, 1" in findings[0].text


def test_records_that_no_json_archive_can_hold_do_not_wait(scene: Scene) -> None:
    scene.archive(0, "a")
    kafka_support.produce(scene.state, [b"{", None, b"[1]"], topic=scene.topic, partition=0)
    scene.fetch()

    report, findings = scene.look()

    position = report.chains[0].partitions[0].position
    assert position is not None
    assert (position.lag, position.waiting, findings) == (3, None, [])


def test_events_that_another_worker_took_away_are_not_in_this_bucket(scene: Scene) -> None:
    scene.archive(0, "a")
    scene.produce(0, "taken")
    scene.commit(0, 2)
    scene.fetch()

    _, findings = scene.look()

    assert broken(findings) == ["bucket"]
    assert scene.chain.group in findings[0].text


@pytest.mark.parametrize("gone", [False, True], ids=["switched off", "deleted"])
def test_an_inactive_registration_is_reported_with_its_unread_objects(scene: Scene, gone: bool) -> None:
    scene.archive(1, "a")
    scene.fetch()
    made = scene.made[1]
    with api(scene.emulator) as http:
        if gone:
            http.delete(f"{BUCKETS}/{made.id}")
        else:
            http.put(f"{BUCKETS}/{made.id}", json={**body(scene, made.prefix), "active": False})
    scene.archive(1, "b")
    scene.archive(1, "c")
    scene.fetch()

    report, findings = scene.look()

    assert report.registrations[1].state is (
        RegistrationState.MISSING if gone else RegistrationState.INACTIVE
    )
    assert broken(findings) == ["registration", "Logz.io"]
    assert report.chains[0].partitions[1].behind == 2
    assert "partition 1: the last 2 object(s) are not in Logz.io" in findings[1].text


def test_an_object_that_came_late_in_the_order_of_keys_is_found_and_replayed_once(
    scene: Scene, tmp_path: Path
) -> None:
    scene.archive(0, *(f"a{number}" for number in range(10)))
    scene.archive(0, "b")
    scene.fetch()
    a_second()
    late = scene.put(0, 1, event("a1"), event("lost-1"), event("lost-2"))
    scene.fetch()

    report, findings = scene.look()
    counts = scene.replay(tmp_path / "replay", Selection(is_unread=True))
    after, found = scene.look()
    again = scene.replay(tmp_path / "replay", Selection(is_unread=True))

    (unread,) = report.chains[0].partitions[0].unread
    assert (unread.key, unread.why, unread.events, unread.missing) == (late, UnreadReason.ORDER, 3, 2)
    assert broken(findings) == ["Logz.io"]
    assert (counts.sent, counts.present, counts.left) == (2, 12, 0)
    assert (after.chains[0].partitions[0].unread[0].missing, exit_code(found)) == (0, 0)
    assert again.sent == 0


def test_what_is_older_than_a_new_registration_is_found_and_replayed(scene: Scene, tmp_path: Path) -> None:
    scene.archive(2, "old-1", "old-2")
    old = scene.made[2]
    a_second()
    api(scene.emulator).delete(f"{BUCKETS}/{old.id}")
    scene.made[2] = register(scene, old.prefix)
    scene.archive(2, "new")
    scene.fetch()

    report, findings = scene.look()
    counts = scene.replay(tmp_path / "replay", Selection(is_unread=True))

    (unread,) = report.chains[0].partitions[2].unread
    assert (unread.why, unread.missing) == (UnreadReason.BEFORE, 2)
    assert broken(findings) == ["Logz.io"]
    assert counts.sent == 2
    assert exit_code(scene.look()[1]) == 0


def test_what_logzio_passed_over_is_a_gap_that_a_sample_shows_and_a_replay_closes(
    scene: Scene, tmp_path: Path
) -> None:
    scene.archive(0, "a")
    scene.fetch()
    scene.discard(on=True)
    for number in range(6):
        scene.archive(0, f"passed-{number}")
    scene.fetch()
    scene.discard(on=False)
    scene.archive(0, "z")
    scene.fetch()

    report, findings = scene.look()
    _, with_every_event = scene.look(sample=1, every_event=True)
    counts = scene.replay(tmp_path / "replay", Selection(is_unread=True))

    assert {unread.why for unread in report.chains[0].partitions[0].unread} == {UnreadReason.GAP}
    assert broken(findings) == broken(with_every_event) == ["Logz.io"]
    assert "6 of their 6 events" in with_every_event[0].text
    assert (counts.sent, counts.present) == (6, 2)
    assert exit_code(scene.look(every_event=True)[1]) == 0


def test_what_a_registration_may_still_read_is_left_to_it(scene: Scene, tmp_path: Path) -> None:
    scene.archive(0, "a")
    scene.fetch()
    scene.archive(0, "waits")

    counts = scene.replay(tmp_path / "replay", Selection(is_unread=True))
    of_its_time = scene.replay(tmp_path / "replay", Selection(begin=datetime(2026, 1, 1, tzinfo=UTC)))

    assert (counts.sent, of_its_time.sent) == (0, 1)


def test_an_unregistered_folder_and_an_unknown_partition_are_reported(scene: Scene) -> None:
    admin = AdminClient(kafka_client.client_config(scene.state))
    admin.create_partitions([NewPartitions(scene.topic, PARTITIONS + 1)])[scene.topic].result()
    kafka_support.wait_for("the new partition", lambda: knows_all(scene))
    scene.archive(PARTITIONS, "a")

    report, findings = scene.look()

    assert report.chains[0].unknown_partitions == ((scene.topic, PARTITIONS),)
    assert report.chains[0].partitions[PARTITIONS].unread[0].why is UnreadReason.PREFIX
    assert broken(findings) == ["Kafka", "Logz.io"]


def knows_all(scene: Scene) -> bool:
    admin = AdminClient(kafka_client.client_config(scene.state))
    return len(admin.list_topics(scene.topic, timeout=60).topics[scene.topic].partitions) == PARTITIONS + 1


def test_events_that_could_not_be_indexed_are_counted(scene: Scene) -> None:
    scene.archive(0, "a", text="x" * 40_000)
    scene.archive(0, "b")
    scene.fetch()

    report, findings = scene.look()

    assert report.index is not None
    assert (report.index.total, report.index.ours) == (1, 1)
    assert broken(findings) == ["index"]


def test_a_refused_kafka_key_is_reported_and_the_rest_is_checked(scene: Scene) -> None:
    scene.archive(0, "a")
    scene.fetch()
    source = scene.settings.source.model_copy(update={"api_key": "nobody"})
    access = scene.access(settings=scene.settings.model_copy(update={"source": source}))

    report = Collector(access, Scope()).report()
    findings = evaluate(report, IMPATIENT)

    assert exit_code(findings) == 2
    (reason,) = report.not_seen.values()
    assert "authentication failed" in reason.lower()
    newest = report.chains[0].partitions[0].newest
    assert newest is not None
    assert newest.found is True


def test_a_refused_logzio_token_is_reported_and_the_rest_is_checked(scene: Scene) -> None:
    scene.archive(0, "a")
    token = replace(scene.access(), logzio=LogzioClient(Transport(scene.emulator.url, "wrong-token")))

    report = Collector(token, Scope()).report()
    findings = evaluate(report, IMPATIENT)

    assert exit_code(findings) == 2
    assert all("the API token is not accepted" in why for why in report.not_seen.values())
    position = report.chains[0].partitions[0].position
    assert position is not None
    assert position.committed == 1


def test_the_listener_counts_what_it_refuses(scene: Scene) -> None:
    listener = Listener(scene.emulator.url, scene.access().logzio.shipping_token(), "confluent_audit")

    # An event without its time would be an invalid log, of another type.
    time = {"@timestamp": datetime.now(UTC).isoformat()}
    plain, typed = ({"id": "a", **time}, {"id": "b", "type": "own", **time})
    lines = [json.dumps(plain).encode(), b"no json", b"[1]", b"", json.dumps(typed).encode()]

    receipt = listener.send(lines)

    assert (receipt.taken, receipt.malformed, receipt.oversized, receipt.empty) == (2, 2, 0, 1)
    assert scene.access().logzio.present("id", ["a", "b", "c"]) == {"a", "b"}
    assert scene.access().logzio.present("type", ["confluent_audit", "own"]) == {"confluent_audit", "own"}


def test_the_plan_of_the_account_is_shown(scene: Scene) -> None:
    plan = scene.access().logzio.plan()

    assert plan is not None
    assert (plan.max_daily_gb, plan.retention_days, plan.used_today) == (5.0, 7, 0)
