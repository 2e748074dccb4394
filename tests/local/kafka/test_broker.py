"""The local broker accepts clients with a key, and lets an ordinary key only read, as Confluent's does."""

import os
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them, without __all__
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from local.base import processes
from local.systems.kafka import class_archive, client, commits, users
from local.systems.kafka.relay import Relay
from tests.local.kafka_support import produce, start_broker, wait_for


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("kafka")
    start_broker(folder)
    users.add(users.file(folder), "KEY", "right")
    yield folder
    processes.stop_all(folder)


def consumed(state: Path, group: str, *, user: str = "KEY") -> bytes:
    """The first value of the audit topic."""
    consumer = Consumer(
        {**client.client_config(state, user), "group.id": group, "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([client.TOPIC])
    try:
        # A temporary error (a topic that the broker does not know yet) comes as a message, too.
        message = wait_for(
            "an event", lambda: record if (record := consumer.poll(1)) and record.error() is None else None
        )
        value = message.value()
        assert isinstance(value, bytes)
        return value
    finally:
        consumer.close()


def login_error(state: Path, key: str, secret: str) -> str:
    """The error of a client with this key."""
    errors: list[KafkaError] = []

    def refusal() -> str | None:
        consumer.poll(0.2)
        # A busy broker may be slow to answer, which is another error.
        refused = [error.str() for error in errors if error.code() == KafkaError._AUTHENTICATION]
        return refused[0] if refused else None

    consumer = Consumer(
        {
            **client.client_config(state),
            "sasl.username": key,
            "sasl.password": secret,
            "group.id": "login",
            "error_cb": errors.append,
            "log_level": 0,
        }
    )
    try:
        return wait_for("a refused login", refusal)
    finally:
        consumer.close()


def test_an_ordinary_key_reads_the_admins_events(state: Path) -> None:
    assert produce(state, [b"event"]) == []

    assert consumed(state, "reader") == b"event"


def test_an_ordinary_key_cannot_write(state: Path) -> None:
    errors = produce(state, [b"event"], user="KEY")

    assert len(errors) == 1
    assert "TOPIC_AUTHORIZATION_FAILED" in errors[0]


def test_an_ordinary_key_cannot_create_a_topic(state: Path) -> None:
    admin = AdminClient(client.client_config(state, "KEY"))

    with pytest.raises(KafkaException) as refused:
        admin.create_topics([NewTopic("mine", num_partitions=1)])["mine"].result()

    assert refused.value.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


@pytest.mark.parametrize(("key", "secret"), [("KEY", "wrong"), ("NOBODY", "right")])
def test_a_wrong_key_is_refused(state: Path, key: str, secret: str) -> None:
    assert "Authentication failed" in login_error(state, key, secret)


def test_a_running_broker_refuses_a_removed_key_and_accepts_a_new_one(state: Path) -> None:
    users.add(users.file(state), "NEW", "secret")
    assert AdminClient(client.client_config(state, "NEW")).list_topics(timeout=60).topics

    users.remove(users.file(state), "NEW")

    assert "Authentication failed" in login_error(state, "NEW", "secret")


def test_the_audit_topic_has_twelve_partitions_and_keeps_events_for_seven_days(state: Path) -> None:
    admin = AdminClient(client.client_config(state))

    topic = admin.list_topics(timeout=60).topics[client.TOPIC]
    resource = ConfigResource(ResourceType.TOPIC, client.TOPIC)
    settings = admin.describe_configs([resource])[resource].result()

    assert len(topic.partitions) == 12
    assert settings["retention.ms"].value == "604800000"


def test_only_the_owner_reads_the_secrets(state: Path) -> None:
    for file in (users.file(state), state / "kafka" / "broker.pem"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_commits_can_be_refused_and_accepted_again_while_fetching_goes_on(state: Path) -> None:
    assert produce(state, [b"one", b"two"]) == []
    admin = AdminClient(client.client_config(state))
    consumer = Consumer(
        {
            **client.client_config(state, "KEY"),
            "group.id": "committer",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([client.TOPIC])
    try:
        wait_for("an event", lambda: consumer.poll(1))
        commits.refuse(admin, refused=True)
        wait_for("a refusal", lambda: refusal(consumer) == KafkaError.INVALID_COMMIT_OFFSET_SIZE)
        wait_for("another event", lambda: consumer.poll(1))
        commits.refuse(admin, refused=False)
        wait_for("a commit", lambda: refusal(consumer) is None)
    finally:
        # Of all that ask the broker.
        commits.refuse(admin, refused=False)
        consumer.close()


def refusal(consumer: Consumer) -> int | None:
    """The error code of a commit; None if the broker accepts it."""
    try:
        consumer.commit(asynchronous=False)
    except KafkaException as error:
        code: int = error.args[0].code()
        return code
    return None


def test_a_silent_relay_holds_all_traffic_until_it_speaks_again(tmp_path: Path) -> None:
    relay = Relay(processes.free_port(), lambda: int(processes.read(tmp_path, "kafka").ready["relayed_port"]))
    with relay:
        server = start_broker(tmp_path, relay_port=relay.port)
        try:
            assert server.ready["bootstrap"] == f"127.0.0.1:{relay.port}"
            through = {**client.client_config(tmp_path), "bootstrap.servers": server.ready["bootstrap"]}
            consumer = Consumer({**through, "group.id": "far", "auto.offset.reset": "earliest"})
            consumer.subscribe([client.TOPIC])
            produce(tmp_path, [b"before"])
            assert wait_for("an event", lambda: consumer.poll(1)).value() == b"before"

            relay.be_silent()
            # Direct clients are not affected.
            assert produce(tmp_path, [b"meanwhile"]) == []
            assert consumer.poll(3) is None
            with pytest.raises(KafkaException):
                AdminClient(through).list_topics(timeout=3)

            relay.speak()
            assert wait_for("the next event", lambda: consumer.poll(1)).value() == b"meanwhile"
            consumer.close()
        finally:
            processes.stop_all(tmp_path)


def test_a_broker_restarted_on_its_port_still_has_its_events_and_users(tmp_path: Path) -> None:
    first = start_broker(tmp_path)
    users.add(users.file(tmp_path), "KEY", "right")
    assert produce(tmp_path, [b"kept"]) == []
    processes.stop(tmp_path, "kafka")

    second = start_broker(tmp_path, port=int(first.ready["port"]))
    try:
        assert second.ready == first.ready
        assert consumed(tmp_path, "reader") == b"kept"
    finally:
        processes.stop_all(tmp_path)


def test_the_broker_takes_its_classes_from_the_archive(state: Path) -> None:
    (broker,) = processes.children(processes.read(state, "kafka").pid)

    assert str(class_archive.ensure()) in Path(f"/proc/{broker}/maps").read_text()


def test_the_broker_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    server = start_broker(tmp_path)

    os.kill(server.pid, signal.SIGKILL)

    def is_gone() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", int(server.ready["port"]))) != 0

    assert wait_for("the end of the broker", is_gone)
    processes.stop_all(tmp_path)
