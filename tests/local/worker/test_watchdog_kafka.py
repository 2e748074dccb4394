"""The watchdog's measurements of a real broker with Kafka's own tools, with a key that may only read."""

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import javaproperties
import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from components.worker.files.watchdog import group, kafka
from components.worker.files.watchdog.group import Measured, measure
from components.worker.files.watchdog.memory import Memory
from local.base import processes
from local.systems.kafka import client, users
from local.systems.packages import debs
from tests.local.kafka_support import events, produce, start_broker, wait_for

TOPIC = client.TOPIC
SINK, READER = "sink", "READER"
ROTATION = 60
# Each test has partitions of its own.
MARKED, ABORTED, EXPIRED, NEVER_READ, SKIPPED = range(5)


@dataclass
class Stack:
    """A broker with the audit topic, and the state of a stack's watchdog."""

    state: Path
    clock: SimpleNamespace
    settings: dict[str, Any]

    @cached_property
    def admin(self) -> AdminClient:
        # A client that is deleted before its answer comes never gives it.
        return AdminClient(client.client_config(self.state))

    def commit(self, partition: int, offset: int) -> None:
        """Commits as the sink does after an object."""
        place = ConsumerGroupTopicPartitions(self.group, [TopicPartition(TOPIC, partition, offset)])

        def is_taken() -> bool:
            # A broker that has just started has no coordinator yet.
            answer = self.admin.alter_consumer_group_offsets([place])[self.group].result()
            return all(partition.error is None for partition in answer.topic_partitions)

        wait_for("a commit", is_taken)

    def expire(self, partition: int, before: int) -> None:
        """Deletes the records before an offset, as Kafka does after 7 days."""
        for deleted in self.admin.delete_records([TopicPartition(TOPIC, partition, before)]).values():
            deleted.result()

    def transaction(self, partition: int, values: list[bytes], *, commit: bool) -> None:
        """Writes the records and, after them, the marker of their transaction."""
        login = client.client_config(self.state)
        producer = Producer({**login, "transactional.id": f"of-{partition}-{time.time_ns()}"})
        producer.init_transactions(120)
        producer.begin_transaction()
        for value in values:
            producer.produce(TOPIC, value, partition=partition)
        producer.flush(120)
        if commit:
            producer.commit_transaction(120)
        else:
            producer.abort_transaction(120)

    def look(self, memory: Memory, after: float = 0) -> Measured:
        """The watchdog's next measurement, `after` so many seconds."""
        self.clock.now += group.MEASURE_SECONDS + after
        return measure(self.settings, memory)

    @property
    def group(self) -> str:
        return str(self.settings["connectors"][0]["group"])


@pytest.fixture(scope="module", params=debs.LINES, ids=lambda line: f"platform {line.platform}")
def tools(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of a line's package, with its jars beside them."""
    root = tmp_path_factory.mktemp("package")
    package = debs.ensure() / f"confluent-kafka_{request.param.versions[-1]}_all.deb"
    subprocess.run(["dpkg-deb", "--extract", package, root], check=True)
    return root / "usr" / "bin"


@pytest.fixture(scope="module")
def broker(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One for each line's tools, since each test has a partition of its own."""
    assert tools
    state = tmp_path_factory.mktemp("broker")
    start_broker(state)
    users.add(users.file(state), READER, "reader-secret")
    try:
        yield state
    finally:
        processes.stop_all(state)


@pytest.fixture(scope="module")
def properties(broker: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings of the tools, with the reader's login."""
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    login = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.jaas.config": f'{module} required username="{READER}" password="reader-secret";',
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(client.ca_file(broker)),
    }
    file = tmp_path_factory.mktemp("login") / "worker.properties"
    file.write_text(javaproperties.dumps(login, timestamp=False))
    return file


@pytest.fixture(scope="module")
def environment(tools: Path, broker: Path, properties: Path) -> dict[str, str]:
    """The variables of the tools. Each of the many JVMs here starts from an archive of their classes."""
    archive = properties.with_name("classes.jsa")
    variables = {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "LOG_DIR": str(properties.parent),
        "KAFKA_JMX_OPTS": "-Dnone",
    }
    recorded = subprocess.run(
        [
            *("kafka-consumer-groups", "--bootstrap-server", bootstrap(broker)),
            *("--command-config", properties, "--list"),
        ],
        env={**os.environ, **variables, "KAFKA_OPTS": f"-XX:ArchiveClassesAtExit={archive}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert archive.exists(), recorded.stdout + recorded.stderr
    return {**variables, "KAFKA_OPTS": f"-XX:SharedArchiveFile={archive}"}


def bootstrap(broker: Path) -> str:
    return str(client.client_config(broker)["bootstrap.servers"])


@pytest.fixture
def stack(
    broker: Path,
    properties: Path,
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Stack:
    monkeypatch.setattr(kafka, "CLIENT_PROPERTIES", str(properties))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(group, "time", SimpleNamespace(monotonic=lambda: clock.now))
    name = f"group-of-{tmp_path.name}"
    connector = {
        "name": SINK,
        "prefix": "",
        "group": name,
        "client_id_prefix": f"{name}-sink-",
        "rotation_seconds": ROTATION,
    }
    settings = {
        "connectors": [connector],
        "bootstrap_servers": bootstrap(broker),
        "partitions": {TOPIC: client.PARTITIONS},
        "rest_port": None,
        "fleet": None,
    }
    return Stack(broker, clock, settings)


def test_a_transaction_marker_does_not_count_as_waiting(stack: Stack) -> None:
    memory = Memory(pid=1)
    stack.transaction(MARKED, events(0, 3), commit=True)
    stack.commit(MARKED, 3)

    first = stack.look(memory).values
    later = stack.look(memory).values
    assert (first["ConsumerLag"], later["ConsumerLag"], later["SecondsStuck"]) == (1, 0, 0)
    assert memory.connector(SINK).empty_to == {f"{TOPIC}-{MARKED}": 4}

    # An event after it waits, and is overdue after its rotation.
    assert produce(stack.state, events(3, 1), topic=TOPIC, partition=MARKED) == []
    assert stack.look(memory).values["ConsumerLag"] == 1
    assert stack.look(memory).values["SecondsStuck"] == group.MEASURE_SECONDS - ROTATION
    stack.commit(MARKED, 5)
    assert stack.look(memory).values["ConsumerLag"] == 0


def test_records_of_an_aborted_transaction_are_archived_and_so_count_as_waiting(stack: Stack) -> None:
    memory = Memory(pid=1)
    assert produce(stack.state, events(0, 1), topic=TOPIC, partition=ABORTED) == []
    stack.transaction(ABORTED, events(1, 2), commit=False)
    stack.commit(ABORTED, 1)

    stack.look(memory)
    assert stack.look(memory).values["SecondsStuck"] == group.MEASURE_SECONDS - ROTATION


def test_what_expired_unread_is_counted_once_and_does_not_wait(stack: Stack) -> None:
    memory = Memory(pid=1)
    assert produce(stack.state, events(0, 10), topic=TOPIC, partition=EXPIRED) == []
    stack.commit(EXPIRED, 3)
    stack.expire(EXPIRED, 8)

    found = stack.look(memory)
    assert (found.values["ConsumerLag"], found.values["ExpiredEvents"]) == (2, 5)
    assert [(gap.first, gap.place.log_start, gap.events) for gap in found.expired] == [(3, 8, 5)]
    group.remember_expired(memory, found.expired)
    assert stack.look(memory).values["ExpiredEvents"] == 0

    # The rest, too: nothing waits any more, and no partition is ever stuck.
    stack.expire(EXPIRED, 10)
    found = stack.look(memory)
    assert (found.values["ConsumerLag"], found.values["ExpiredEvents"]) == (0, 2)
    assert stack.look(memory, after=9000).values["SecondsStuck"] == 0


def test_what_expired_before_the_first_commit_is_not_missed_and_the_rest_waits(stack: Stack) -> None:
    memory = Memory(pid=1)
    assert produce(stack.state, events(0, 5), topic=TOPIC, partition=NEVER_READ) == []
    stack.expire(NEVER_READ, 2)
    reader = Consumer({**client.client_config(stack.state, READER), "group.id": stack.group})
    reader.subscribe([TOPIC])
    try:
        # A partition without a commit is in the table as long as it has a member.
        wait_for("an assignment", lambda: reader.poll(1) or reader.assignment())
        held = [
            position
            for position in kafka.parse_positions(*kafkas_answer(stack))
            if position.partition == NEVER_READ
        ]
        found = stack.look(memory)
    finally:
        reader.close()

    assert [(position.committed, position.log_start, position.end) for position in held] == [(None, 2, 5)]
    assert found.expired == []
    assert memory.connector(SINK).due_at.keys() >= {f"{TOPIC}-{NEVER_READ}"}


def kafkas_answer(stack: Stack) -> tuple[str, dict[tuple[str, int], int]]:
    """The group's table, and the oldest offsets."""
    return kafka.group_table(stack.settings, stack.group), kafka.log_starts(stack.settings, [TOPIC])


def test_a_skipped_record_at_the_end_does_not_count_as_waiting_nor_a_marker_after_it(stack: Stack) -> None:
    memory = Memory(pid=1)
    stack.transaction(SKIPPED, [*events(0, 1), b"no json"], commit=True)
    stack.commit(SKIPPED, 1)
    memory.connector(SINK).skipped = {f"{TOPIC}-{SKIPPED}": [1]}

    assert stack.look(memory).values["ConsumerLag"] == 1
    assert stack.look(memory).values["ConsumerLag"] == 0
    # It is not counted as missed once both have expired.
    stack.expire(SKIPPED, 3)
    assert stack.look(memory).values["ExpiredEvents"] == 0


def test_a_member_of_another_stack_is_seen_by_its_client_id(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    login = {**client.client_config(stack.state, READER), "group.id": stack.group}
    prefix = stack.settings["connectors"][0]["client_id_prefix"]
    own, foreign = (
        Consumer({**login, "client.id": client_id}) for client_id in (f"{prefix}i-1", "other-sink-i-2")
    )
    stack.commit(MARKED, 0)
    try:
        for consumer in (own, foreign):
            consumer.subscribe([TOPIC])
        wait_for(
            "both are members",
            lambda: (
                [consumer.poll(0.5) for consumer in (own, foreign)]
                and own.assignment()
                and foreign.assignment()
            ),
        )
        found = stack.look(Memory(pid=1))
    finally:
        own.close()
        foreign.close()

    assert found.values["ForeignMembers"] == 1
    assert f"foreign member of group {stack.group}: client id other-sink-i-2" in capsys.readouterr().out


def test_what_kafka_logs_is_not_in_a_tools_answer(
    stack: Stack, properties: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = tmp_path / "worker.properties"
    former.write_text(properties.read_text().replace("reader-secret", "a-former-secret"))
    monkeypatch.setattr(kafka, "CLIENT_PROPERTIES", str(former))

    answer = kafka.group_table(stack.settings, stack.group)

    # The tool's own words; Kafka's client logs an error, too.
    assert "Authentication failed: Invalid username or password" in answer
    assert "failed authentication due to" not in answer


def test_a_check_creates_no_consumer_group(stack: Stack) -> None:
    before = group_ids(stack)
    kafka.holds_event(stack.settings, kafka.Position(TOPIC, MARKED, 1, 0, 3), 1, [])

    assert group_ids(stack) == before


def group_ids(stack: Stack) -> set[str]:
    return {group.group_id for group in stack.admin.list_consumer_groups().result().valid}
