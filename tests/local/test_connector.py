"""The stand-in connector, run by a real Connect worker: its files, its offsets, its failures."""

import gzip
import json
import os
import subprocess
import uuid
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import httpx
import javaproperties
import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them, without __all__
    AdminClient,
    NewTopic,
)
from mypy_boto3_s3 import S3Client

from components import layout
from components.settings import load
from components.worker.connect import WorkerFacts, connectors
from local import http, paths, processes
from local.connector import archive
from local.java import ToolError
from local.kafka import client, jars, users
from local.packages import server
from tests.local.kafka_support import ObjectStore, events, object_store, produce, start_broker, wait_for

pytestmark = pytest.mark.local

VERSION = "12.1.11"
KEY_ID, SECRET = "testing", "testing-secret"
CLASS = "io.confluent.connect.s3.S3SinkConnector"


def login(state: Path, user: str) -> str:
    secret = users.read(users.file(state))[user]
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    return f'{module} required username="{user}" password="{secret}";'


class Worker:
    """`connect-standalone` with the stand-in in its plugin path, driven by its REST interface."""

    def __init__(self, state: Path, plugins: Path, folder: Path) -> None:
        self.state, self.plugins, self.folder = state, plugins, folder
        self.port = processes.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        file = self.folder / "worker.properties"
        file.write_text(javaproperties.dumps(self._properties(), timestamp=False))
        log4j = self.folder / "log4j.properties"
        log4j.write_text(
            "log4j.rootLogger=WARN, out\nlog4j.logger.io.confluent=INFO\n"
            "log4j.appender.out=org.apache.log4j.ConsoleAppender\n"
            "log4j.appender.out.layout=org.apache.log4j.PatternLayout\n"
            "log4j.appender.out.layout.ConversionPattern=[%d] %p %m (%c)%n\n"
        )
        options = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        main = "org.apache.kafka.connect.cli.ConnectStandalone"
        with (self.folder / "worker.log").open("ab") as out:
            self.process = subprocess.Popen(
                [
                    "java",
                    *options,
                    f"-Dlog4j.configuration=file:{log4j}",
                    "-cp",
                    f"{jars.ensure()}/*",
                    main,
                    file,
                ],
                stdout=out,
                stderr=subprocess.STDOUT,
                env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            )
        wait_for("the worker's REST interface", self._answers)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait()

    def put(self, name: str, configuration: dict[str, str]) -> httpx.Response:
        def once() -> httpx.Response | None:
            answer = http.put(f"{self.url}/connectors/{name}/config", json=configuration)
            # While a connector is changed the herder asks to come again.
            return None if answer.status_code in {409, 503} else answer

        return wait_for("an answer to a configuration", once)

    def delete(self, name: str) -> None:
        http.delete(f"{self.url}/connectors/{name}")

    def task(self, name: str) -> dict[str, Any]:
        """The connector's one task: its state, and its trace if it failed."""
        answer = http.get(f"{self.url}/connectors/{name}/status")
        tasks: list[dict[str, Any]] = answer.json()["tasks"] if answer.status_code == 200 else []
        return tasks[0] if tasks else {}

    def failure(self, name: str) -> str:
        """The trace of the failed task."""
        failed = wait_for("FAILED", lambda: self.task(name) if self._state(name) == "FAILED" else None)
        return str(failed["trace"])

    def _state(self, name: str) -> str:
        return str(self.task(name).get("state"))

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "worker.log").read_text()[-3000:]
        try:
            return http.get(self.url).status_code == 200
        except httpx.HTTPError:
            return False

    def _properties(self) -> dict[str, str]:
        security = {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "PLAIN",
            "sasl.jaas.config": login(self.state, "WORKER"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(client.ca_file(self.state)),
        }
        bootstrap = json.loads(client.address_file(self.state).read_text())["bootstrap"]
        return {
            "bootstrap.servers": bootstrap,
            "listeners": self.url,
            "plugin.path": str(self.plugins),
            "plugin.discovery": "service_load",
            "offset.storage.file.filename": str(self.folder / "offsets"),
            # Also how often an idle partition's time is looked at.
            "offset.flush.interval.ms": "1000",
            "key.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "false",
            **security,
            **{f"consumer.{name}": value for name, value in security.items()},
            # Short, so that a killed worker's group is free again soon, and longer than a busy machine pauses.
            "consumer.session.timeout.ms": "30000",
            "consumer.heartbeat.interval.ms": "1000",
        }


@dataclass
class World:
    """Broker, worker, S3."""

    state: Path
    worker: Worker
    store: ObjectStore
    s3: S3Client

    def case(self, partitions: int = 1) -> "Case":
        """A topic, a bucket and a connector's name that no other test uses."""
        name = f"case-{uuid.uuid4().hex[:8]}"
        self.s3.create_bucket(Bucket=name)
        admin = AdminClient(client.client_config(self.state))
        admin.create_topics([NewTopic(name, num_partitions=partitions)])[name].result()
        return Case(self, name)


@dataclass
class Case:
    """One test's topic, bucket and connector, all of the same name."""

    world: World
    name: str

    def configuration(self, **settings: str) -> dict[str, str]:
        """What the program renders, with these settings changed (`__` stands for a dot)."""
        return {
            "connector.class": CLASS,
            "tasks.max": "1",
            "topics": self.name,
            "s3.bucket.name": self.name,
            "s3.region": "us-west-2",
            "store.url": self.world.store.url,
            "aws.access.key.id": KEY_ID,
            "aws.secret.access.key": SECRET,
            "storage.class": "io.confluent.connect.s3.storage.S3Storage",
            "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
            "flush.size": "1000",
            "filename.offset.zero.pad.width": "20",
            "s3.part.size": "5242880",
            "s3.elastic.buffer.enable": "true",
            "retry.backoff.ms": "500",
            "s3.retry.backoff.ms": "10",
            # Ordinary keys may read the audit topic only.
            "consumer.override.sasl.jaas.config": login(self.world.state, users.ADMIN),
            **{name.replace("__", "."): value for name, value in settings.items()},
        }

    def run(self, **settings: str) -> None:
        answer = self.world.worker.put(self.name, self.configuration(**settings))
        assert answer.status_code in {200, 201}, answer.text

    def feed(self, values: Sequence[bytes | None], partition: int = 0) -> None:
        assert produce(self.world.state, values, topic=self.name, partition=partition) == []

    def objects(self) -> list[str]:
        listing = self.world.s3.list_objects_v2(Bucket=self.name).get("Contents", [])
        return [item["Key"] for item in listing]

    def body(self, key: str) -> bytes:
        content = self.world.s3.get_object(Bucket=self.name, Key=key)["Body"].read()
        return gzip.decompress(content) if key.endswith(".gz") else content

    def ids(self) -> list[int]:
        """The ids of all archived events, in the order of the keys and lines."""
        return [
            json.loads(line)["id"] for key in sorted(self.objects()) for line in self.body(key).splitlines()
        ]

    def wait_for_keys(self, count: int) -> list[str]:
        return wait_for(f"{count} objects", lambda: keys if len(keys := self.objects()) >= count else None)

    def committed(self, group: str | None = None) -> dict[int, int]:
        """The group's committed offset of each partition that has one."""
        admin = AdminClient(client.client_config(self.world.state))
        group = group or f"connect-{self.name}"
        answer = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result()
        partitions: list[TopicPartition] = answer.topic_partitions
        return {partition.partition: partition.offset for partition in partitions}

    def clients(self, group: str) -> set[str]:
        """The client ids of the group's members."""
        admin = AdminClient(client.client_config(self.world.state))
        members = admin.describe_consumer_groups([group])[group].result().members
        return {member.client_id for member in members}

    def forget_commits(self) -> None:
        """Deletes the consumer group, as soon as the broker takes its member for dead."""
        admin = AdminClient(client.client_config(self.world.state))
        group = f"connect-{self.name}"

        def delete() -> bool:
            try:
                admin.delete_consumer_groups([group])[group].result()
            except KafkaException as error:
                return bool(error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND)
            return True

        wait_for("the end of the consumer group", delete)

    def key(self, partition: int, offset: int, extension: str = ".json") -> str:
        prefix = layout.partition_prefix("topics", self.name, partition)
        return f"{prefix}{self.name}+{partition}+{offset:020d}{extension}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    state = tmp_path_factory.mktemp("connector")
    plugins = tmp_path_factory.mktemp("plugins")
    with zipfile.ZipFile(archive.ensure(VERSION)) as packed:
        packed.extractall(plugins)
    start_broker(state)
    users.add(users.file(state), "WORKER", "worker-secret")
    worker = Worker(state, plugins, tmp_path_factory.mktemp("worker"))
    try:
        with object_store() as store:
            worker.start()
            s3 = boto3.client(
                "s3",
                region_name="us-east-1",
                endpoint_url=store.url,
                aws_access_key_id=KEY_ID,
                aws_secret_access_key=SECRET,
            )
            yield World(state, worker, store, s3)
    finally:
        if worker.process is not None:
            worker.stop()
        processes.stop_all(state)


@pytest.fixture
def case(world: World) -> Iterator[Case]:
    case = world.case()
    yield case
    world.worker.delete(case.name)
    world.store.failures.clear()


def test_an_ordinary_key_archives_the_audit_topic_as_renamed_gzipped_json_lines(
    world: World, case: Case
) -> None:
    produce(world.state, events(0, 3), partition=7)
    settings = case.configuration() | {
        "topics": client.TOPIC,
        "flush.size": "3",
        "s3.compression.type": "gzip",
        "s3.compression.level": "6",
        "transforms": "rename",
        "transforms.rename.type": "org.apache.kafka.connect.transforms.ReplaceField$Value",
        "transforms.rename.renames": "time:@timestamp,type:event_type",
    }
    del settings["consumer.override.sasl.jaas.config"]

    assert world.worker.put(case.name, settings).status_code == 201

    [key] = case.wait_for_keys(1)
    assert key == f"topics/{client.TOPIC}/partition=7/{client.TOPIC}+7+{0:020d}.json.gz"
    assert layout.parse_data_key(key) is not None
    body = case.body(key)
    assert body.endswith(b"\n")
    assert [json.loads(line) for line in body.splitlines()] == [
        {
            "id": number,
            "event_type": "io.confluent.kafka.server/authentication",
            "@timestamp": "2026-11-23T10:00:00Z",
        }
        for number in range(3)
    ]
    assert "ContentEncoding" not in world.s3.head_object(Bucket=case.name, Key=key)


def rendered(world: World, case: Case, form: str, **archive: Any) -> list[dict[str, str]]:
    """The properties of each connector, as the program renders them, with what stands in files on a VM filled in."""
    settings = load(
        {
            "source": {
                "bootstrapServers": "127.0.0.1:9092",
                "apiKey": "ABCDEF0123456789",
                "apiSecret": "made-up/secret+of=the-tests",
                "partitions": {client.TOPIC: 12},
            },
            "archive": {"bucket": case.name, "allowOtherRegion": True, **archive},
            "connector": {"name": case.name, "format": form, "rotationSeconds": 5},
            "worker": {"endpoints": {"s3": world.store.url}},
            "logzio": {"apiToken": "made-up-token"},
        },
        region="us-west-2",
        environ={},
    )
    facts = WorkerFacts(
        "ccloud-logexporter", "dev", "127.0.0.1:9092", {"kafka": "/kafka", "writer": "/writer"}
    )
    filled = {"aws.access.key.id": KEY_ID, "aws.secret.access.key": SECRET}
    vm = "${file:/run/s3-auditlog-sink/instance.properties:instance.id}"
    found = []
    for one in connectors(settings, facts):
        assert filled.keys() <= one.properties.keys()
        client_id = one.properties["consumer.override.client.id"].replace(vm, "i-0123456789abcdef0")
        found.append({**one.properties, **filled, "consumer.override.client.id": client_id})
    return found


@pytest.mark.parametrize("form", ["json", "raw"])
def test_what_the_program_renders_is_taken_as_it_is(world: World, case: Case, form: str) -> None:
    properties = rendered(world, case, form)[0]
    assert produce(world.state, events(0, 2), partition=11) == []

    assert world.worker.put(case.name, properties).status_code == 201

    wait_for("an object", lambda: [key for key in case.objects() if "/partition=11/" in key])
    assert all(layout.parse_data_key(key) for key in case.objects())
    assert {0, 1} <= set(case.ids())


def test_one_worker_writes_events_and_originals_each_in_a_group_of_its_own(world: World, case: Case) -> None:
    # What JSON cannot say stands in the originals alone, a null in neither.
    poison = [b'{"id": 7,  "time": "a", "n": 1e3}', b"no json", b"\xff\x00", b"two\nlines", b"", None]
    events_properties, originals_properties = rendered(world, case, "json", originalsRotationSeconds=5)
    # Ordinary keys may read the audit topic only.
    case_only = {"topics": case.name, "consumer.override.sasl.jaas.config": login(world.state, users.ADMIN)}
    case.feed(poison)

    for properties in (events_properties, originals_properties):
        assert world.worker.put(properties["name"], properties | case_only).status_code == 201

    kept = wait_for("originals", lambda: [key for key in case.objects() if key.startswith("originals/")])
    read = wait_for("events", lambda: [key for key in case.objects() if key.startswith("topics/")])
    assert kept == [f"originals/{case.name}/partition=0/{case.name}+0+{0:020d}.json.gz"]
    assert case.body(kept[0]) == b"".join(value + b"\n" for value in poison if value is not None)
    assert [json.loads(line) for line in case.body(read[0]).splitlines()] == [
        {"id": 7, "@timestamp": "a", "n": 1000.0}
    ]
    group = f"ccloud-logexporter-dev-{case.name}"
    wait_for("the originals' commit", lambda: case.committed(f"{group}-originals") == {0: 5})
    wait_for("the events' commit", lambda: case.committed(group) == {0: 1})
    members = case.clients(group) | case.clients(f"{group}-originals")
    assert members == {
        f"{group}-{case.name}-i-0123456789abcdef0",
        f"{group}-{case.name}-originals-i-0123456789abcdef0",
    }
    world.worker.delete(originals_properties["name"])


def test_an_object_costs_three_requests_and_is_never_put(case: Case) -> None:
    case.feed(events(0, 4))

    case.run(flush__size="2")

    case.wait_for_keys(2)
    made = [line for line in case.world.store.made(case.name) if "/topics/" in line]
    steps = [(line.split()[0], line.rpartition("?")[2].split("=")[0]) for line in made]
    assert steps == [("POST", "uploads"), ("PUT", "partNumber"), ("POST", "uploadId")] * 2


def test_a_full_file_is_committed_and_the_rest_neither_written_nor_committed(case: Case) -> None:
    case.feed(events(0, 5))

    case.run(flush__size="2")

    assert case.wait_for_keys(2) == [case.key(0, 0), case.key(0, 2)]
    wait_for("the commit", lambda: case.committed() == {0: 4})
    assert case.ids() == [0, 1, 2, 3]


def test_the_tail_stays_with_kafka_when_the_connector_is_stopped(case: Case) -> None:
    case.feed(events(0, 3))
    case.run(flush__size="2")
    case.wait_for_keys(1)
    wait_for("the commit", lambda: case.committed() == {0: 2})

    case.world.worker.delete(case.name)
    assert case.objects() == [case.key(0, 0)]
    case.feed(events(3, 1))
    case.run(flush__size="2")

    case.wait_for_keys(2)
    assert case.ids() == [0, 1, 2, 3]


def test_an_idle_partition_is_rotated_by_the_clock(case: Case) -> None:
    case.feed(events(0, 3))

    case.run(rotate__schedule__interval__ms="2000", timezone="UTC")

    assert case.wait_for_keys(1) == [case.key(0, 0)]
    assert case.ids() == [0, 1, 2]
    wait_for("the commit", lambda: case.committed() == {0: 3})


def test_each_partition_has_its_own_files(world: World) -> None:
    case = world.case(partitions=3)
    for partition in range(3):
        case.feed(events(partition * 10, 2), partition)

    case.run(flush__size="2")

    assert case.wait_for_keys(3) == [case.key(partition, 0) for partition in range(3)]
    assert case.ids() == [0, 1, 10, 11, 20, 21]
    world.worker.delete(case.name)


def test_a_null_value_is_skipped_when_told_so(case: Case) -> None:
    case.feed([*events(0, 1), None, *events(1, 1)])

    case.run(flush__size="2", behavior__on__null__values="ignore")

    case.wait_for_keys(1)
    assert case.ids() == [0, 1]


def test_a_null_value_fails_the_task_by_default(case: Case) -> None:
    case.feed([None])

    case.run()

    assert f"Null value at {case.name}-0@0" in case.world.worker.failure(case.name)


def test_the_byte_format_keeps_the_bytes_and_adds_its_separator(case: Case) -> None:
    values = [b'{"a": 1e3,  "b": 2.50}', b"no json", b"\xff\x00\xfe"]
    case.feed(values)

    case.run(
        flush__size="3",
        format__class="io.confluent.connect.s3.format.bytearray.ByteArrayFormat",
        format__bytearray__extension=".json",
        value__converter="org.apache.kafka.connect.converters.ByteArrayConverter",
        s3__compression__type="gzip",
        s3__compression__level="1",
    )

    [key] = case.wait_for_keys(1)
    assert key == case.key(0, 0, ".json.gz")
    assert case.body(key) == b"".join(value + b"\n" for value in values)


def test_the_byte_format_writes_the_separator_that_is_set(case: Case) -> None:
    case.feed([b"one", b"two"])

    case.run(
        flush__size="2",
        format__class="io.confluent.connect.s3.format.bytearray.ByteArrayFormat",
        format__bytearray__separator="##",
        value__converter="org.apache.kafka.connect.converters.ByteArrayConverter",
    )

    [key] = case.wait_for_keys(1)
    assert key == case.key(0, 0, ".bin")
    assert case.body(key) == b"one##two##"


def test_a_file_larger_than_a_part_is_sent_in_parts_and_arrives_whole(case: Case) -> None:
    values = [json.dumps({"id": number, "filler": "x" * 900_000}).encode() for number in range(14)]
    case.feed(values)

    case.run(flush__size="14")

    [key] = case.wait_for_keys(1)
    assert [line for line in case.world.store.made(case.name) if "partNumber=3" in line]
    assert [json.loads(line) for line in case.body(key).splitlines()] == [json.loads(v) for v in values]


def test_after_a_kill_every_event_is_there_and_no_object_was_overwritten(case: Case) -> None:
    settings = {
        "flush__size": "10",
        "rotate__schedule__interval__ms": "3000",
        "timezone": "UTC",
    }
    case.feed(events(0, 25))
    # The third file stays open: it is in the middle of its upload when the kill comes.
    case.world.store.fail(f"POST /{case.name}/.*{20:020d}.*uploads", 503, 1000)
    case.run(**settings)
    case.wait_for_keys(2)
    case.world.worker.kill()
    before = {key: case.body(key) for key in case.objects()}
    case.world.store.failures.clear()
    # As if the kill had come before the commit, whenever it came.
    case.forget_commits()

    case.feed(events(25, 10))
    case.world.worker.start()
    # A standalone worker forgets what it was told by REST.
    case.run(**settings)

    wait_for("every event", lambda: set(case.ids()) == set(range(35)))
    assert {key: case.body(key) for key in before} == before
    assert len(case.ids()) > 35
    offsets = [data.start_offset for key in sorted(case.objects()) if (data := layout.parse_data_key(key))]
    assert offsets == sorted(set(offsets))


def test_a_file_that_exists_is_stepped_over_and_its_events_come_again(case: Case) -> None:
    case.world.s3.put_object(Bucket=case.name, Key=case.key(0, 0), Body=b'{"id": 0}\n')
    case.world.s3.put_object(Bucket=case.name, Key=case.key(0, 1), Body=b'{"id": 1}\n')
    case.feed(events(0, 5))

    case.run(rotate__schedule__interval__ms="2000", timezone="UTC")

    assert case.wait_for_keys(3) == [case.key(0, offset) for offset in range(3)]
    assert case.ids() == [0, 1, 2, 3, 4]
    conditions = [
        headers["If-None-Match"]
        for method, path, headers in case.world.store.requests
        if method == "POST" and path.startswith(f"/{case.name}/") and "If-None-Match" in headers
    ]
    assert conditions == ["*", "*"]
    assert [line for line in case.world.store.made(case.name) if line.startswith("HEAD") and "+0+" in line]


def test_without_scheduled_rotation_writes_are_unconditional(case: Case) -> None:
    case.world.s3.put_object(Bucket=case.name, Key=case.key(0, 0), Body=b"older")
    case.feed(events(0, 2))

    case.run(flush__size="2")

    wait_for("the new body", lambda: case.body(case.key(0, 0)) != b"older")
    assert case.ids() == [0, 1]


def test_an_outage_of_the_store_loses_nothing(case: Case) -> None:
    case.feed(events(0, 4))
    case.world.store.fail(f"(POST|PUT) /{case.name}/", 503, 10)

    case.run(flush__size="2")

    case.wait_for_keys(2)
    assert case.ids() == [0, 1, 2, 3]
    assert not case.world.store.failures
    assert case.world.worker.task(case.name)["state"] == "RUNNING"


def test_a_refused_upload_fails_the_task(case: Case) -> None:
    case.feed(events(0, 2))
    case.world.store.fail(f"POST /{case.name}/", 403, 1)

    case.run(flush__size="2")

    assert "CreateMultipartUpload" in case.world.worker.failure(case.name)
    assert case.objects() == []


def test_a_bucket_that_may_not_be_seen_counts_as_there(case: Case) -> None:
    case.feed(events(0, 2))
    case.world.store.fail(f"HEAD /{case.name}$", 403, 1)

    case.run(flush__size="2")

    assert case.wait_for_keys(1) == [case.key(0, 0)]


def test_a_missing_bucket_fails_the_task(case: Case) -> None:
    case.run(s3__bucket__name="nowhere-to-be-found")

    assert "Non-existent S3 bucket: nowhere-to-be-found" in case.world.worker.failure(case.name)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"s3__bucket__nmae": "x"}, "Unknown setting s3.bucket.nmae"),
        ({"transforms__other__type": "x"}, "Unknown setting transforms.other.type"),
        ({"rotate__schedule__interval__ms": "1000"}, "timezone must be set"),
        (
            {"partitioner__class": "io.confluent.connect.storage.partitioner.TimeBasedPartitioner"},
            "not implemented in the stand-in",
        ),
        ({"store__kafka__keys": "true"}, "store.kafka.keys"),
        ({"s3__part__size": "5242879"}, "s3.part.size"),
        ({"flush__size": "0"}, "flush.size"),
        ({"s3__region": "us-moon-1"}, "s3.region"),
        ({"aws__secret__access__key": ""}, "must be set together"),
        ({"s3__compression__level": "10"}, "s3.compression.level"),
    ],
)
def test_a_setting_it_does_not_know_or_cannot_follow_is_refused_by_name(
    case: Case, settings: dict[str, str], message: str
) -> None:
    answer = case.world.worker.put(case.name, case.configuration(**settings))

    assert answer.status_code == 400
    assert message in answer.json()["message"]
    assert SECRET not in answer.text


def test_every_setting_of_the_framework_is_let_through(case: Case) -> None:
    case.feed(events(0, 1))

    case.run(
        flush__size="1",
        errors__tolerance="all",
        errors__log__enable="true",
        errors__log__include__messages="false",
        errors__retry__timeout="1000",
        header__converter="org.apache.kafka.connect.storage.SimpleHeaderConverter",
        consumer__override__max__poll__records="10",
        predicates="none",
        predicates__none__type="org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
    )

    case.wait_for_keys(1)


def test_the_secret_is_not_logged(case: Case) -> None:
    case.feed(events(0, 1))
    case.run(flush__size="1")
    case.wait_for_keys(1)

    log = (case.world.worker.folder / "worker.log").read_text()

    assert "s3.bucket.name" in log
    assert SECRET not in log


def test_the_archive_is_laid_out_as_the_vendors() -> None:
    with zipfile.ZipFile(archive.ensure(VERSION)) as packed:
        names = packed.namelist()
        manifest = json.loads(packed.read(f"confluentinc-kafka-connect-s3-{VERSION}/manifest.json"))

    assert manifest["version"] == VERSION
    assert f"confluentinc-kafka-connect-s3-{VERSION}/lib/kafka-connect-s3-{VERSION}.jar" in names
    assert {name.split("/")[0] for name in names} == {f"confluentinc-kafka-connect-s3-{VERSION}"}


def test_an_archive_of_ones_own_replaces_the_stand_in(tmp_path: Path) -> None:
    own = tmp_path / "vendor.zip"
    own.write_bytes(b"zip")

    assert archive.archive(VERSION, str(own)) == own


def test_an_archive_is_downloaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "CACHE", tmp_path / "cache")
    (tmp_path / "vendor.zip").write_bytes(b"zip")
    with server.Server(tmp_path, 0) as served:
        thread = Thread(target=served.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{served.server_port}/vendor.zip"
        first = archive.archive(VERSION, url)
        served.shutdown()
        thread.join()

    assert archive.archive(VERSION, url) == first
    assert first.read_bytes() == b"zip"


def test_an_archive_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"CONNECTOR_ARCHIVE names .*missing\.zip"):
        archive.archive(VERSION, str(tmp_path / "missing.zip"))


def test_a_worker_knows_the_plugin_by_its_version(world: World) -> None:
    plugins = http.get(f"{world.worker.url}/connector-plugins").json()

    assert {"class": CLASS, "type": "sink", "version": VERSION} in plugins
