"""The stand-in connector, run by a real Connect worker: its files, its offsets, its failures."""

import json
import re
import uuid
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them, without __all__
    AdminClient,
    NewPartitions,
)
from mypy_boto3_s3 import S3Client

from components.archive import layout
from components.owner import Owner
from components.settings import load
from components.worker.connect import connectors
from components.worker_settings import worker_config
from local.base import http, java, objects, paths, processes
from local.base.java import ToolError
from local.systems.connector import archive
from local.systems.kafka import client, jars, users
from local.systems.packages import server
from tests.local.connect_support import CLASS, KEY_ID, ORDERED, SECRET, VERSION, Worker, unpack
from tests.local.kafka_support import (
    ObjectStore,
    create_topic,
    events,
    object_store,
    produce,
    start_broker,
    wait_for,
)

# Logs which instance was called how often, each time it makes a file's path.
COUNTING = """
package ccloud.logexporter;

import io.confluent.connect.storage.partitioner.DefaultPartitioner;
import org.apache.kafka.connect.sink.SinkRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

public class CountingPartitioner<T> extends DefaultPartitioner<T> {
    private static final Logger LOG = LoggerFactory.getLogger(CountingPartitioner.class);
    private int encoded;
    private int paths;

    @Override
    public String encodePartition(SinkRecord record) {
        encoded++;
        return super.encodePartition(record);
    }

    @Override
    public String generatePartitionedPath(String topic, String encodedPartition) {
        paths++;
        LOG.warn("COUNTED {} {} {} {}", topic, System.identityHashCode(this), encoded, paths);
        return super.generatePartitionedPath(topic, encodedPartition);
    }
}
"""

COUNTER = "ccloud.logexporter.CountingPartitioner"
ROTATION = {"rotate__schedule__interval__ms": "3000", "timezone": "UTC"}


@dataclass
class Site:
    """Broker, worker, S3."""

    state: Path
    worker: Worker
    store: ObjectStore
    s3: S3Client

    def case(self, partitions: int = 1) -> "Case":
        """A topic, a bucket and a connector's name that no other test uses."""
        name = f"case-{uuid.uuid4().hex[:8]}"
        self.s3.create_bucket(Bucket=name)
        create_topic(self.state, name, partitions)
        return Case(self, name)


@dataclass
class Case:
    """One test's topic, bucket and connector, all of the same name."""

    site: Site
    name: str

    def configuration(self, **settings: str) -> dict[str, str]:
        """What the program renders, with these settings changed (`__` stands for a dot)."""
        return {
            "connector.class": CLASS,
            "tasks.max": "1",
            "topics": self.name,
            "s3.bucket.name": self.name,
            "s3.region": "us-west-2",
            "store.url": self.site.store.url,
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
            "consumer.override.sasl.jaas.config": client.java_login(self.site.state, users.ADMIN),
            **{name.replace("__", "."): value for name, value in settings.items()},
        }

    def run(self, **settings: str) -> None:
        answer = self.site.worker.put(self.name, self.configuration(**settings))
        assert answer.status_code in {200, 201}, answer.text

    def feed(self, values: Sequence[bytes | None], partition: int = 0) -> None:
        assert produce(self.site.state, values, topic=self.name, partition=partition) == []

    def objects(self) -> list[str]:
        listing = self.site.s3.list_objects_v2(Bucket=self.name).get("Contents", [])
        return [item["Key"] for item in listing]

    def body(self, key: str) -> bytes:
        return objects.content(key, self.site.s3.get_object(Bucket=self.name, Key=key)["Body"].read())

    def ids(self) -> list[int]:
        """The ids of all archived events, in the order of the keys and lines."""
        return [
            json.loads(line)["id"] for key in sorted(self.objects()) for line in self.body(key).splitlines()
        ]

    def counted(self) -> list[tuple[str, int, int]]:
        """The logs of CountingPartitioner: its instance, calls of encodePartition and of generatePartitionedPath."""
        log = (self.site.worker.folder / "worker.log").read_text()
        lines = re.findall(rf"COUNTED {self.name} (\d+) (\d+) (\d+)", log)
        return [(instance, int(encoded), int(paths)) for instance, encoded, paths in lines]

    def wait_for_keys(self, count: int) -> list[str]:
        return wait_for(f"{count} objects", lambda: keys if len(keys := self.objects()) >= count else None)

    def committed(self, group: str | None = None) -> dict[int, int]:
        """The group's committed offset of each partition that has one."""
        admin = AdminClient(client.client_config(self.site.state))
        group = group or f"connect-{self.name}"
        answer = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result()
        partitions: list[TopicPartition] = answer.topic_partitions
        return {partition.partition: partition.offset for partition in partitions}

    def clients(self, group: str) -> set[str]:
        """The client ids of the group's members."""
        admin = AdminClient(client.client_config(self.site.state))
        members = admin.describe_consumer_groups([group])[group].result().members
        return {member.client_id for member in members}

    def assigned(self, group: str) -> list[int]:
        """How many partitions each member of the group has; none while the broker does not know the group yet."""
        admin = AdminClient(client.client_config(self.site.state))
        try:
            members = admin.describe_consumer_groups([group])[group].result().members
        except KafkaException:
            return []
        return [len(member.assignment.topic_partitions) for member in members if member.assignment]

    def forget_commits(self) -> None:
        """Deletes the consumer group, as soon as the broker considers its member dead."""
        admin = AdminClient(client.client_config(self.site.state))
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
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    state = tmp_path_factory.mktemp("connector")
    plugins = tmp_path_factory.mktemp("plugins")
    libraries = unpack(plugins)
    sources = tmp_path_factory.mktemp("sources")
    (sources / "CountingPartitioner.java").write_text(COUNTING)
    java.compile_jar(sources, [libraries, jars.ensure()], libraries / "counting-partitioner.jar")
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
            yield Site(state, worker, store, s3)
    finally:
        worker.stop()
        processes.stop_all(state)


@pytest.fixture
def case(site: Site) -> Iterator[Case]:
    case = site.case()
    yield case
    site.worker.delete(case.name)
    site.store.faults.clear()


def test_an_ordinary_key_archives_the_audit_topic_as_renamed_gzipped_json_lines(
    site: Site, case: Case
) -> None:
    produce(site.state, events(0, 3), partition=7)
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

    assert site.worker.put(case.name, settings).status_code == 201

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
    assert "ContentEncoding" not in site.s3.head_object(Bucket=case.name, Key=key)


def rendered(
    site: Site,
    case: Case,
    form: str = "json",
    *,
    stack: str = "dev",
    group: str | None = None,
    **archive: Any,
) -> list[dict[str, str]]:
    """The properties of each connector, as the program renders them, with the contents of the VM's files filled in."""
    settings = load(
        {
            "source": {
                "bootstrapServers": "127.0.0.1:9092",
                "apiKey": "ABCDEF0123456789",
                "apiSecret": "made-up/secret+of=the-tests",
                "partitions": {client.TOPIC: 12},
                "consumerGroup": group,
            },
            "archive": {"bucket": case.name, "allowOtherRegion": True, **archive},
            "connector": {"name": case.name, "format": form, "rotationSeconds": 5},
            "worker": {"endpoints": {"s3": site.store.url}},
            "logzio": {"apiToken": "made-up-token"},
        },
        region="us-west-2",
        environ={},
    )
    config = worker_config(settings, Owner("ccloud-logexporter", stack), "127.0.0.1:9092")
    filled = {"aws.access.key.id": KEY_ID, "aws.secret.access.key": SECRET}
    vm = "${file:/run/s3-auditlog-sink/instance.properties:instance.id}"
    found = []
    for connector in connectors(config):
        assert filled.keys() <= connector.properties.keys()
        client_id = connector.properties["consumer.override.client.id"].replace(vm, "i-0123456789abcdef0")
        found.append({**connector.properties, **filled, "consumer.override.client.id": client_id})
    return found


@pytest.mark.parametrize("form", ["json", "raw"])
def test_the_connector_accepts_the_rendered_properties(site: Site, case: Case, form: str) -> None:
    properties = rendered(site, case, form)[0]
    assert produce(site.state, events(0, 2), partition=11) == []

    assert site.worker.put(case.name, properties).status_code == 201

    wait_for("an object", lambda: [key for key in case.objects() if "/partition=11/" in key])
    assert all(layout.parse_data_key(key) for key in case.objects())
    assert {0, 1} <= set(case.ids())


def test_one_worker_writes_events_and_originals_in_two_groups(site: Site, case: Case) -> None:
    # A record that is not JSON is in the originals only, a null in neither.
    poison = [b'{"id": 7,  "time": "a", "n": 1e3}', b"no json", b"\xff\x00", b"two\nlines", b"", None]
    events_properties, originals_properties = rendered(site, case, "json", originalsRotationSeconds=5)
    # Ordinary keys may read the audit topic only.
    case_only = {
        "topics": case.name,
        "consumer.override.sasl.jaas.config": client.java_login(site.state, users.ADMIN),
    }
    case.feed(poison)

    for properties in (events_properties, originals_properties):
        assert site.worker.put(properties["name"], properties | case_only).status_code == 201

    (kept,) = wait_for("originals", lambda: [key for key in case.objects() if key.startswith("originals/")])
    read = wait_for("events", lambda: [key for key in case.objects() if key.startswith("topics/")])
    original = layout.parse_data_key(kept)
    assert original is not None
    assert kept.startswith(layout.partition_prefix(layout.ORIGINALS, case.name, 0))
    assert (original.start_offset, original.extension) == (0, ".json.gz")
    assert case.body(kept) == b"".join(value + b"\n" for value in poison if value is not None)
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
    site.worker.delete(originals_properties["name"])


@pytest.mark.parametrize("group", [None, "connect-auditlog-connector-s3-sink"])
def test_two_stacks_archive_every_event_each_unless_they_share_a_group(site: Site, group: str | None) -> None:
    # Version 0.1 had the second: its group was named for the connector alone.
    dev, prod = stacks = site.case(partitions=4), site.case()
    fed = {partition: events(100 * partition, 20) for partition in range(4)}
    groups = set()
    for case, stack in zip(stacks, ("dev", "prod"), strict=True):
        properties = rendered(site, case, stack=stack, group=group)[0]
        groups.add(properties["consumer.override.group.id"])
        # Ordinary keys may read the audit topic only.
        case_only = {
            "topics": dev.name,
            "consumer.override.sasl.jaas.config": client.java_login(site.state, users.ADMIN),
        }
        assert site.worker.put(case.name, properties | case_only).status_code == 201
    share = [4] if group is None else [2, 2]
    wait_for("the partitions of both", lambda: all(dev.assigned(name) == share for name in groups))

    for partition, values in fed.items():
        dev.feed(values, partition)

    every = {100 * partition + number for partition in range(4) for number in range(20)}
    if group is None:
        wait_for("every event in both buckets", lambda: set(dev.ids()) == set(prod.ids()) == every)
    else:
        wait_for("every event in one of the buckets", lambda: {*dev.ids(), *prod.ids()} == every)
        assert set(dev.ids()).isdisjoint(prod.ids())
        assert dev.ids()
        assert prod.ids()
    for case in stacks:
        site.worker.delete(case.name)


def test_an_object_costs_three_requests_and_no_put(case: Case) -> None:
    case.feed(events(0, 4))

    case.run(flush__size="2")

    case.wait_for_keys(2)
    made = [line for line in case.site.store.made(case.name) if "/topics/" in line]
    steps = [(line.split()[0], line.rpartition("?")[2].split("=")[0]) for line in made]
    assert steps == [("POST", "uploads"), ("PUT", "partNumber"), ("POST", "uploadId")] * 2


def test_only_full_files_are_written_and_committed(case: Case) -> None:
    case.feed(events(0, 5))

    case.run(flush__size="2")

    assert case.wait_for_keys(2) == [case.key(0, 0), case.key(0, 2)]
    wait_for("the commit", lambda: case.committed() == {0: 4})
    assert case.ids() == [0, 1, 2, 3]


def test_a_stopped_connector_leaves_the_rest_in_kafka(case: Case) -> None:
    case.feed(events(0, 3))
    case.run(flush__size="2")
    case.wait_for_keys(1)
    wait_for("the commit", lambda: case.committed() == {0: 2})

    case.site.worker.delete(case.name)
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


def test_each_partition_has_its_own_files(site: Site) -> None:
    case = site.case(partitions=3)
    for partition in range(3):
        case.feed(events(partition * 10, 2), partition)

    case.run(flush__size="2")

    assert case.wait_for_keys(3) == [case.key(partition, 0) for partition in range(3)]
    assert case.ids() == [0, 1, 10, 11, 20, 21]
    site.worker.delete(case.name)


def test_a_null_value_is_skipped_if_set_so(case: Case) -> None:
    case.feed([*events(0, 1), None, *events(1, 1)])

    case.run(flush__size="2", behavior__on__null__values="ignore")

    case.wait_for_keys(1)
    assert case.ids() == [0, 1]


def test_a_null_value_fails_the_task_by_default(case: Case) -> None:
    case.feed([None])

    case.run()

    assert f"Null value at {case.name}-0@0" in case.site.worker.failure(case.name)


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
    assert [line for line in case.site.store.made(case.name) if "partNumber=3" in line]
    assert [json.loads(line) for line in case.body(key).splitlines()] == [json.loads(v) for v in values]


def test_after_a_kill_every_event_is_there_and_no_object_was_overwritten(case: Case) -> None:
    settings = {
        "flush__size": "10",
        "rotate__schedule__interval__ms": "3000",
        "timezone": "UTC",
    }
    case.feed(events(0, 25))
    # The third file stays open: it is in the middle of its upload when the kill comes.
    case.site.store.fail(f"POST /{case.name}/.*{20:020d}.*uploads", 503, 1000)
    case.run(**settings)
    case.wait_for_keys(2)
    case.site.worker.kill()
    before = {key: case.body(key) for key in case.objects()}
    case.site.store.faults.clear()
    # As if the kill had come before the commit, whenever it came.
    case.forget_commits()

    case.feed(events(25, 10))
    case.site.worker.start()
    # A standalone worker does not keep connectors that came by REST.
    case.run(**settings)

    wait_for("every event", lambda: set(case.ids()) == set(range(35)))
    assert {key: case.body(key) for key in before} == before
    assert len(case.ids()) > 35
    offsets = [data.start_offset for key in sorted(case.objects()) if (data := layout.parse_data_key(key))]
    assert offsets == sorted(set(offsets))


def test_with_the_ordered_partitioner_each_object_sorts_after_all_earlier_objects(case: Case) -> None:
    """Completed but uncommitted events come again, from the first one on, in objects that sort later."""
    settings = {"flush__size": "10", "partitioner__class": ORDERED, **ROTATION}
    case.feed(events(0, 25))
    case.run(**settings)
    case.wait_for_keys(3)
    case.site.worker.kill()
    before = {key: case.body(key) for key in case.objects()}
    case.forget_commits()

    case.feed(events(25, 2))
    case.site.worker.start()
    case.run(**settings)

    wait_for("every event", lambda: len(case.ids()) == 52)
    assert {key: case.body(key) for key in before} == before
    assert sorted(case.objects())[: len(before)] == sorted(before)
    assert case.ids() == [*range(25), *range(27)]


def test_the_partitioner_is_called_as_often_as_by_the_vendor(case: Case) -> None:
    """Per record its folder twice, and its path once while fewer than 100 are kept; per file once more."""
    case.feed(events(0, 3))
    case.run(flush__size="3", partitioner__class=COUNTER)
    case.wait_for_keys(1)
    assert case.counted()[-1][1:] == (6, 4)

    case.feed(events(3, 3))
    case.wait_for_keys(2)
    assert case.counted()[-1][1:] == (12, 8)


def test_the_partitioner_makes_no_path_for_a_files_later_records(case: Case) -> None:
    case.feed(events(0, 150))
    case.run(flush__size="150", partitioner__class=COUNTER)

    case.wait_for_keys(1)

    # For the first record both, for ninety-nine more the folder only; nothing is logged after the last of them.
    assert case.counted()[-1][1:] == (200, 101)


def test_a_rebalance_keeps_the_partitioner(case: Case) -> None:
    case.feed(events(0, 1))
    case.run(flush__size="1", partitioner__class=COUNTER, consumer__override__metadata__max__age__ms="500")
    case.wait_for_keys(1)
    admin = AdminClient(client.client_config(case.site.state))
    admin.create_partitions([NewPartitions(case.name, 2)])[case.name].result()

    case.feed(events(1, 1), partition=1)

    case.wait_for_keys(2)
    assert case.counted()[-1][1:] == (4, 4)
    assert len({instance for instance, _, _ in case.counted()}) == 1


def test_an_existing_file_is_kept_and_its_events_are_written_again(case: Case) -> None:
    case.site.s3.put_object(Bucket=case.name, Key=case.key(0, 0), Body=b'{"id": 0}\n')
    case.site.s3.put_object(Bucket=case.name, Key=case.key(0, 1), Body=b'{"id": 1}\n')
    case.feed(events(0, 5))

    case.run(rotate__schedule__interval__ms="2000", timezone="UTC")

    assert case.wait_for_keys(3) == [case.key(0, offset) for offset in range(3)]
    assert case.ids() == [0, 1, 2, 3, 4]
    conditions = [
        headers["If-None-Match"]
        for method, path, headers in case.site.store.requests
        if method == "POST" and path.startswith(f"/{case.name}/") and "If-None-Match" in headers
    ]
    assert conditions == ["*", "*"]
    assert [line for line in case.site.store.made(case.name) if line.startswith("HEAD") and "+0+" in line]


def test_without_scheduled_rotation_writes_are_unconditional(case: Case) -> None:
    case.site.s3.put_object(Bucket=case.name, Key=case.key(0, 0), Body=b"older")
    case.feed(events(0, 2))

    case.run(flush__size="2")

    wait_for("the new body", lambda: case.body(case.key(0, 0)) != b"older")
    assert case.ids() == [0, 1]


def test_an_outage_of_the_store_loses_nothing(case: Case) -> None:
    case.feed(events(0, 4))
    case.site.store.fail(f"(POST|PUT) /{case.name}/", 503, 10)

    case.run(flush__size="2")

    case.wait_for_keys(2)
    assert case.ids() == [0, 1, 2, 3]
    assert case.site.store.faults.current() == []
    assert case.site.worker.task(case.name)["state"] == "RUNNING"


def test_a_refused_upload_fails_the_task(case: Case) -> None:
    case.feed(events(0, 2))
    case.site.store.fail(f"POST /{case.name}/", 403, 1)

    case.run(flush__size="2")

    assert "CreateMultipartUpload" in case.site.worker.failure(case.name)
    assert case.objects() == []


def test_a_bucket_that_may_not_be_seen_counts_as_existing(case: Case) -> None:
    case.feed(events(0, 2))
    case.site.store.fail(f"HEAD /{case.name}$", 403, 1)

    case.run(flush__size="2")

    assert case.wait_for_keys(1) == [case.key(0, 0)]


def test_a_missing_bucket_fails_the_task(case: Case) -> None:
    case.run(s3__bucket__name="nowhere-to-be-found")

    assert "Non-existent S3 bucket: nowhere-to-be-found" in case.site.worker.failure(case.name)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"s3__bucket__nmae": "x"}, "Unknown setting s3.bucket.nmae"),
        ({"transforms__other__type": "x"}, "Unknown setting transforms.other.type"),
        ({"rotate__schedule__interval__ms": "1000"}, "timezone must be set"),
        (
            {"partitioner__class": "io.confluent.connect.storage.partitioner.TimeBasedPartitioner"},
            "partitioner.class: Class io.confluent.connect.storage.partitioner.TimeBasedPartitioner could not",
        ),
        ({"partitioner__class": "java.lang.String"}, "takes only what extends DefaultPartitioner"),
        ({"store__kafka__keys": "true"}, "store.kafka.keys"),
        ({"s3__part__size": "5242879"}, "s3.part.size"),
        ({"flush__size": "0"}, "flush.size"),
        ({"s3__region": "us-moon-1"}, "s3.region"),
        ({"aws__secret__access__key": ""}, "must be set together"),
        ({"s3__compression__level": "10"}, "s3.compression.level"),
    ],
)
def test_an_unknown_or_unsupported_setting_is_refused_by_name(
    case: Case, settings: dict[str, str], message: str
) -> None:
    answer = case.site.worker.put(case.name, case.configuration(**settings))

    assert answer.status_code == 400
    assert message in answer.json()["message"]
    assert SECRET not in answer.text


def test_every_setting_of_connect_is_accepted(case: Case) -> None:
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

    log = (case.site.worker.folder / "worker.log").read_text()

    assert "s3.bucket.name" in log
    assert SECRET not in log


def test_the_archive_has_the_vendors_layout() -> None:
    with zipfile.ZipFile(archive.ensure(VERSION)) as packed:
        names = packed.namelist()
        manifest = json.loads(packed.read(f"confluentinc-kafka-connect-s3-{VERSION}/manifest.json"))

    assert manifest["version"] == VERSION
    assert f"confluentinc-kafka-connect-s3-{VERSION}/lib/kafka-connect-s3-{VERSION}.jar" in names
    assert {name.split("/")[0] for name in names} == {f"confluentinc-kafka-connect-s3-{VERSION}"}


def test_a_given_archive_replaces_the_stand_in(tmp_path: Path) -> None:
    own = tmp_path / "vendor.zip"
    own.write_bytes(b"zip")

    assert archive.archive(VERSION, str(own)) == own


def test_an_archive_is_downloaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "CACHE", tmp_path / "cache")
    (tmp_path / "vendor.zip").write_bytes(b"zip")
    with server.bind(tmp_path, 0) as served:
        thread = Thread(target=served.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{served.server_port}/vendor.zip"
        first = archive.archive(VERSION, url)
        served.shutdown()
        thread.join()

    assert archive.archive(VERSION, url) == first
    assert first.read_bytes() == b"zip"


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"CONNECTOR_ARCHIVE names .*missing\.zip"):
        archive.archive(VERSION, str(tmp_path / "missing.zip"))


def test_a_worker_knows_the_plugin_by_its_version(site: Site) -> None:
    plugins = http.get(f"{site.worker.url}/connector-plugins").json()

    assert {"class": CLASS, "type": "sink", "version": VERSION} in plugins
