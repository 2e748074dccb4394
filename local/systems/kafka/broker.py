"""Configures and starts a broker, and makes the topic and the access rules of the audit-log cluster."""

import base64
import json
import secrets
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import javaproperties
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them, without __all__
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from local.base import java, processes
from local.base.files import write_atomically
from local.base.waiting import wait_until
from local.systems.kafka import certificates, client, jars, users

_HOST = "127.0.0.1"
_START_SECONDS = 500.0

COMMON_OPTIONS = ("-Xmx512m", "-XX:+UseSerialGC")
"""Of every broker's JVM."""

# Kafka's defaults are those of a large machine. With these, an idle broker takes half of the CPU, and its controller
# does not write a record to disk each half second.
_FEW_EVENTS_PROPERTIES = {
    "metadata.max.idle.interval.ms": "0",
    "num.io.threads": "2",
    "num.network.threads": "1",
    "background.threads": "1",
}

_LOG4J = {
    "log4j.rootLogger": "WARN, stdout",
    "log4j.appender.stdout": "org.apache.log4j.ConsoleAppender",
    "log4j.appender.stdout.layout": "org.apache.log4j.PatternLayout",
    "log4j.appender.stdout.layout.ConversionPattern": "[%d] %p %m (%c)%n",
    "log4j.logger.kafka.server.KafkaRaftServer": "INFO",
}

_TOPIC_SETTINGS = {
    "retention.ms": str(7 * 24 * 3600 * 1000),  # as Confluent keeps its audit events
    "max.message.bytes": str(20 * 1024 * 1024),  # the most that a Confluent Cloud cluster takes
}


class BrokerError(RuntimeError):
    """The broker ended or did not answer."""


@dataclass(frozen=True)
class Relayed:
    """A second listener, whose clients connect through a relay: `port` is the broker's, `relay_port` the relay's."""

    port: int
    relay_port: int


def start(
    state: Path,
    port: int,
    relayed: Relayed | None = None,
    *,
    few_events: bool = False,
    options: Sequence[str] = (),
    output: int | None = None,
) -> "subprocess.Popen[bytes]":
    """Starts the broker's JVM on `port`, with the data that an earlier broker left in `state`.

    It ends when the calling process ends. Nobody has a right but the local stack itself. `few_events`: it takes
    little CPU; without it, the broker has the defaults of Kafka and of the JVM, as measurements with tens of thousands
    of events need. `options`: further ones of the JVM. `output`: for its log, as `subprocess` takes it.
    """
    directory = state / "kafka"
    directory.mkdir(parents=True, exist_ok=True)
    certificates.ensure(directory)
    if users.ADMIN not in users.read(users.file(state)):
        users.add(users.file(state), users.ADMIN, secrets.token_urlsafe(32))
    properties = directory / "server.properties"
    controller_port = processes.free_port()
    wanted = server_properties(directory, port=port, controller_port=controller_port, relayed=relayed)
    _write(properties, {**wanted, **_FEW_EVENTS_PROPERTIES} if few_events else wanted)
    _write(directory / "log4j.properties", _LOG4J)
    if not (directory / "data" / "meta.properties").exists():
        arguments = ("format", "-t", _cluster_id(), "-c", str(properties))
        tool = _java(directory, java.SHORT_LIVED, "kafka.tools.StorageTool", *arguments)
        java.run(tool, needs="openjdk-17-jre-headless")
    client.address_file(state).write_text(json.dumps({"bootstrap": f"{_HOST}:{port}"}))
    if few_events:
        # With 3,000 events, the second compiler took a CPU-second more than it saved. With 60,000 events each read took
        # 4.4 CPU-seconds or more without it, and 0.9 or less with it: that is TLS.
        options = [*options, java.FIRST_COMPILER_ONLY]
    command = _java(directory, options, "kafka.Kafka", str(properties))
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", *command], stdin=subprocess.DEVNULL, stdout=output
    )


def _cluster_id() -> str:
    """16 random bytes in base64, as Kafka requires; the first bit is 0, because an id must not begin with a dash."""
    first, *others = secrets.token_bytes(16)
    return base64.urlsafe_b64encode(bytes([first & 0x7F, *others])).decode().rstrip("=")


def server_properties(
    directory: Path, *, port: int, controller_port: int, relayed: Relayed | None = None
) -> dict[str, str]:
    """One node that is broker and controller; clients connect by SASL_SSL only."""
    # Listener -> the port it listens on, and the port it advertises.
    clients = {"CLIENT": (port, port)}
    if relayed is not None:
        clients["RELAYED"] = (relayed.port, relayed.relay_port)
    listening = [f"{name}://{_HOST}:{own}" for name, (own, _) in clients.items()]
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{_HOST}:{controller_port}",
        "listeners": ",".join([*listening, f"CONTROLLER://{_HOST}:{controller_port}"]),
        "advertised.listeners": ",".join(
            f"{name}://{_HOST}:{advertised}" for name, (_, advertised) in clients.items()
        ),
        "listener.security.protocol.map": ",".join(
            [*(f"{name}:SASL_SSL" for name in clients), "CONTROLLER:PLAINTEXT"]
        ),
        "inter.broker.listener.name": "CLIENT",
        "controller.listener.names": "CONTROLLER",
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        **{key: value for name in clients for key, value in _login(directory, name).items()},
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(directory / "broker.pem"),
        # At its start the broker checks that it could connect to itself.
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(directory / "ca.pem"),
        "principal.builder.class": "logexporter.kafka.OwnerPrincipalBuilder",
        "api.keys.file": str(directory / "api-keys.json"),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        # The broker connects to its own controller without a login, on loopback.
        "super.users": f"User:{users.ADMIN};User:ANONYMOUS",
        "auto.create.topics.enable": "false",
        "log.dirs": str(directory / "data"),
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
    }


def _login(directory: Path, listener: str) -> dict[str, str]:
    """Who may log in, and the user of the broker's own logins: it connects to itself to write transaction markers."""
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    users_file = directory / "users.json"
    own = f'username="{users.ADMIN}" password="{users.read(users_file)[users.ADMIN]}"'
    plain = f"listener.name.{listener.lower()}.plain."
    return {
        f"{plain}sasl.jaas.config": f'{module} required users_file="{users_file}" {own};',
        f"{plain}sasl.server.callback.handler.class": "logexporter.kafka.UsersFileHandler",
    }


def wait(state: Path, process: "subprocess.Popen[bytes]") -> None:
    """Waits until the broker answers.

    Raises:
        BrokerError: the JVM ended.
        WaitError: it gave no answer for 500 seconds.
    """
    host, _, port = json.loads(client.address_file(state).read_text())["bootstrap"].rpartition(":")

    def answers() -> bool:
        if process.poll() is not None:
            raise BrokerError("the broker ended: see its log")
        # A bare connection first: librdkafka logs each one that is refused.
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            return False
        return True

    wait_until(answers, "the broker answers", seconds=_START_SECONDS, poll=0.1)


def make_audit_log(state: Path) -> None:
    """Creates the audit topic, and gives all other keys the right to read.

    Confluent's audit-log cluster takes no records and no topics from its customers (its documentation,
    "Audit log best practices").
    """
    admin = AdminClient(client.client_config(state))
    topic = NewTopic(
        client.TOPIC, num_partitions=client.PARTITIONS, replication_factor=1, config=_TOPIC_SETTINGS
    )
    for created in admin.create_topics([topic]).values():
        try:
            created.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
    # The controller has it; the broker learns of it a moment later.
    wait_until(
        lambda: client.TOPIC in admin.list_topics(timeout=120).topics, "the audit topic is there", poll=0.05
    )
    for granted in admin.create_acls(
        [_reads(ResourceType.TOPIC, client.TOPIC), _reads(ResourceType.GROUP, "*")]
    ).values():
        granted.result()


def _reads(kind: ResourceType, name: str) -> AclBinding:
    """Everybody may read it, from anywhere; READ includes DESCRIBE."""
    return AclBinding(
        kind,
        name,
        ResourcePatternType.LITERAL,
        "User:*",
        "*",
        AclOperation.READ,
        AclPermissionType.ALLOW,
    )


def _java(directory: Path, options: Sequence[str], main: str, *arguments: str) -> list[str]:
    return [
        "java",
        *COMMON_OPTIONS,
        *options,
        f"-Dlog4j.configuration=file:{directory / 'log4j.properties'}",
        "-cp",
        f"{jars.ensure_login()}/*:{jars.ensure()}/*",
        main,
        *arguments,
    ]


def _write(file: Path, properties: Mapping[str, str]) -> None:
    write_atomically(file, javaproperties.dumps(dict(properties), timestamp=False), mode=0o600)
