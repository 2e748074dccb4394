"""Two real workers of a Connect cluster with what a VM gets: what they share, what they refuse, what they show."""

import base64
import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import httpx
import javaproperties
import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them, without __all__
    AdminClient,
    ConfigResource,
    ResourceType,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from components.fleet.certificate import make
from components.owner import Owner
from components.settings import load
from components.worker import connect
from components.worker.config import WorkerConfig
from components.worker.files.watchdog import fleet
from components.worker_settings import worker_config
from local.base import http, processes
from local.systems.connector.worker import Worker
from local.systems.kafka import client, users
from tests.local.connect_support import KEY_ID, SECRET, unpack
from tests.local.kafka_support import create_topic, object_store, start_broker, wait_for

TOPIC, BUCKET, PARTITIONS = "cluster-events", "cluster-bucket", 4


@dataclass
class Cluster:
    """Two members. `folder`: stands for the folder that has a VM's secrets. `secrets`: none of these may show."""

    state: Path
    folder: Path
    config: WorkerConfig
    members: tuple[Worker, Worker]
    certificate: Mapping[str, str]
    secrets: frozenset[str]

    @property
    def wanted(self) -> dict[str, dict[str, str]]:
        """Name of each connector -> its properties, as the program makes them."""
        return {made.name: moved(made.properties, self.folder) for made in connect.connectors(self.config)}

    @property
    def settings(self) -> dict[str, Any]:
        """Of the first member's watchdog."""
        port = int(self.members[0].url.rpartition(":")[2])
        connectors = [{"name": name, "parameter": name} for name in self.wanted]
        return {"connectors": connectors, "rest_port": port, "fleet": {"port": 8443}}

    def state_of(self, what: str) -> bytes:
        """All that a topic with Connect's state holds."""
        assert self.config.fleet is not None
        login = client.client_config(self.state)
        consumer = Consumer({**login, "group.id": "reads", "enable.partition.eof": True})
        consumer.assign([TopicPartition(self.config.fleet.topics[what], 0, OFFSET_BEGINNING)])
        found = b""
        # The end of a partition comes as an error.
        while (message := consumer.poll(60)) is not None and message.error() is None:
            found += (message.key() or b"") + (message.value() or b"")
        consumer.close()
        return found


def moved(properties: Mapping[str, str], folder: Path) -> dict[str, str]:
    return {name: value.replace(connect.SECRETS_FOLDER, str(folder)) for name, value in properties.items()}


def configured(state: Path, endpoint: str) -> WorkerConfig:
    bootstrap = json.loads(client.address_file(state).read_text())["bootstrap"]
    raw = {
        "source": {
            "cluster": "lkc-audit1",
            "environment": "env-audit1",
            "serviceAccount": "sa-audit1",
            "topics": [TOPIC],
            "partitions": {TOPIC: PARTITIONS},
        },
        "archive": {"bucket": BUCKET},
        "connector": {"rotationSeconds": 5},
        "worker": {"mode": "distributed", "count": 2, "endpoints": {"s3": endpoint}},
        "fleet": {"cluster": "lkc-own1", "environment": "env-own1", "replicationFactor": -1},
        "logzio": {"apiToken": "made-up-token"},
    }
    settings = load(raw, region="us-west-2", environ={})
    return worker_config(settings, Owner("ccloud-logexporter", "dev"), bootstrap, bootstrap)


def member(state: Path, folder: Path, config: WorkerConfig, number: int) -> Worker:
    home = state / f"member-{number}"
    plugins = home / "plugins"
    plugins.mkdir(parents=True)
    unpack(plugins)
    properties = {
        **moved(connect.worker_properties(config), folder),
        "plugin.path": str(plugins),
        **client.java_trust(state),
        **{
            f"{name}.{key}": value
            for name in ("consumer", "admin")
            for key, value in client.java_trust(state).items()
        },
    }
    return Worker(home, properties, member=True)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    state = tmp_path_factory.mktemp("cluster")
    with ExitStack() as stack:
        stack.callback(processes.stop_all, state)
        start_broker(state)
        store = stack.enter_context(object_store())
        boto3.client(
            "s3",
            region_name="us-east-1",
            endpoint_url=store.url,
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
        ).create_bucket(Bucket=BUCKET)
        create_topic(state, TOPIC, PARTITIONS)
        certificate = make("test", datetime.now(UTC))
        folder = state / "secrets"
        folder.mkdir()
        login = client.java_login(state, users.ADMIN)
        secrets = {
            "kafka.sasl.jaas.config": login,
            "fleet.sasl.jaas.config": login,
            "aws.access.key.id": KEY_ID,
            "aws.secret.access.key": SECRET,
            "certificate.password": certificate["password"],
        }
        (folder / "secrets.properties").write_text(javaproperties.dumps(secrets, timestamp=False))
        (folder / "instance.properties").write_text("instance.id=vm\naddress=127.0.0.1\n")
        (folder / "certificate.p12").write_bytes(base64.b64decode(certificate["archive"]))
        config = configured(state, store.url)
        members = member(state, folder, config, 1), member(state, folder, config, 2)
        for worker in members:
            stack.callback(worker.stop)
            worker.start()
        password = users.read(users.file(state))[users.ADMIN]
        planted = frozenset({SECRET, password, certificate["password"]})
        yield Cluster(state, folder, config, members, certificate, planted)


@pytest.fixture(scope="module")
def running(cluster: Cluster) -> Cluster:
    """Its connectors run, each with a task on both members or on one of them."""
    with pytest.MonkeyPatch.context() as patch:
        wanted = cluster.wanted
        patch.setattr(fleet, "_wanted", wanted.get)
        wait_for("the connectors are given", lambda: fleet.give_connectors(cluster.settings))
    for name in cluster.wanted:
        wait_for("the tasks run", partial(runs, cluster.members[0], name))
    return cluster


def runs(worker: Worker, name: str) -> bool:
    return [task["state"] for task in worker.tasks(name)] == ["RUNNING"] * 2


def has(worker: Worker, name: str, properties: Mapping[str, str]) -> bool:
    return bool(http.get(f"{worker.url}/connectors/{name}/config").json() == properties)


def test_the_watchdog_gives_both_connectors_and_connect_has_just_their_properties(running: Cluster) -> None:
    for name, wanted in running.wanted.items():
        for worker in running.members:
            assert has(worker, name, wanted)


def test_events_are_archived_by_the_tasks_of_the_cluster(running: Cluster) -> None:
    producer = Producer(client.client_config(running.state))
    for number in range(40):
        producer.produce(TOPIC, json.dumps({"id": str(number)}).encode(), partition=number % PARTITIONS)
    producer.flush()
    name = connect.connectors(running.config)[0].name

    def committed() -> bool:
        """With the login of the connector: the worker's own is for another cluster."""
        answer = http.get(f"{running.members[1].url}/connectors/{name}/offsets").json()
        offsets = [part["offset"]["kafka_offset"] for part in answer["offsets"]]
        return offsets == [40 // PARTITIONS] * PARTITIONS

    wait_for("all events are committed", committed)


def test_a_member_passes_a_change_on_to_the_leader(running: Cluster) -> None:
    name, wanted = next(iter(running.wanted.items()))
    for number, worker in enumerate(running.members):
        changed = {**wanted, "flush.size": str(1000 + number)}

        assert worker.put(name, changed).status_code == 200
        for other in running.members:
            wait_for("the other member knows it", partial(has, other, name, changed))


def context(certificate: Mapping[str, str], folder: Path) -> ssl.SSLContext:
    """Trusts the certificate, and presents it with its key."""
    key, cert, _ = pkcs12.load_key_and_certificates(
        base64.b64decode(certificate["archive"]), certificate["password"].encode()
    )
    assert key is not None
    assert cert is not None
    folder.mkdir()
    (folder / "cert.pem").write_bytes(cert.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    made = ssl.create_default_context(cafile=str(folder / "cert.pem"))
    made.check_hostname = False
    made.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return made


def test_another_vm_needs_the_certificate(running: Cluster, tmp_path: Path) -> None:
    address = f"https://{running.members[0].address}/connectors"
    own = context(running.certificate, tmp_path / "own")
    stranger = context(make("stranger", datetime.now(UTC)), tmp_path / "stranger")
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    stranger.verify_mode = ssl.CERT_NONE

    assert set(httpx.get(address, verify=own).json()) == set(running.wanted)
    for refused in (trusting, stranger):
        with pytest.raises(httpx.TransportError):
            httpx.get(address, verify=refused)
    with pytest.raises(httpx.TransportError):
        httpx.get(address.replace("https", "http"))


def test_no_secret_is_in_the_topics_the_answers_or_the_logs(running: Cluster) -> None:
    places = {what: running.state_of(what) for what in ("config", "offset", "status")}
    paths = ["connectors?expand=info&expand=status", "admin/loggers"]
    for name in running.wanted:
        paths += [
            f"connectors/{name}/{part}" for part in ("config", "status", "tasks", "tasks-config", "offsets")
        ]
        paths += [f"connectors/{name}"]
    for worker in running.members:
        places |= {f"{worker.url}/{path}": http.get(f"{worker.url}/{path}").content for path in paths}
        places[str(worker.folder)] = (worker.folder / "worker.log").read_bytes()

    assert b"${file:" in places["config"]
    found = [
        (place, secret)
        for place, content in places.items()
        for secret in running.secrets
        if secret.encode() in content
    ]
    assert found == []


def test_whoever_reaches_the_plain_interface_could_read_a_secret(running: Cluster) -> None:
    """Why it listens on the loopback alone, and the other one asks for a certificate."""
    name, wanted = next(iter(running.wanted.items()))
    asks = {**wanted, "topics": wanted["aws.secret.access.key"]}
    url = f"{running.members[0].url}/connector-plugins/S3SinkConnector/config/validate"

    assert SECRET in http.put(url, json={**asks, "name": name}).text


def test_connect_makes_its_topics_compacted_and_with_one_partition(running: Cluster) -> None:
    assert running.config.fleet is not None
    names = running.config.fleet.topics.values()
    admin = AdminClient(client.client_config(running.state))
    known = admin.list_topics(timeout=60).topics
    asked = admin.describe_configs([ConfigResource(ResourceType.TOPIC, name) for name in names])

    assert [len(known[name].partitions) for name in names] == [1, 1, 1]
    assert [answer.result()["cleanup.policy"].value for answer in asked.values()] == ["compact"] * 3
