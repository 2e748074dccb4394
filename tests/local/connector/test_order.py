"""Kafka is silent for longer than a consumer's session: what Logz.io has in the end, by partitioner.

Nothing crashes. Objects of two rotations are completed and neither is committed, so the sink reads both again. The
times are those of the defaults (rotation 60 s, session 45 s, 75 s of silence), cut down together.
"""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient

from components import policies
from components.archive import layout
from components.owner import Owner
from components.settings import load
from components.worker.config import default_group
from components.worker.connect import connectors
from components.worker_settings import worker_config
from local.base import paths, processes, progress
from local.proofs.checker.checker import Checker
from local.proofs.client import Feed
from local.proofs.generator.load import steady
from local.proofs.history.history import History, Pipeline
from local.proofs.history.places import Bucket, DeliveredStore
from local.proofs.history.reader import Reader
from local.stack.deployment import aws_client, aws_environment
from local.systems.aws import traffic
from local.systems.kafka import client, users
from local.systems.kafka.relay import Relay
from local.systems.logzio.server import Emulator
from tests.local.connect_support import Worker, unpack
from tests.local.kafka_support import wait_for
from tests.local.logzio_support import BODY, BUCKETS, api, running

ROTATION, SESSION, SILENCE = 8, 6, 10
RATE = 60.0
PARTITIONERS = ("ordered", "default")
OWNER = Owner("ccloud-logexporter", "dev")


@dataclass
class Chain:
    """A connector with this partitioner, its bucket, its registrations, and the reader of the results."""

    partitioner: str
    s3: Any
    store: Path
    emulator: Emulator

    def __post_init__(self) -> None:
        history = History(Pipeline(originals=False))
        self.checker = Checker(history)
        delivered = DeliveredStore(self.store, self.bucket)
        self.reader = Reader(history, Bucket(self.s3, self.bucket), delivered)

    @property
    def bucket(self) -> str:
        return f"archive-{self.partitioner}"

    def has_uncommitted(self, admin: AdminClient) -> bool:
        """Whether an object begins at or after its partition's committed offset."""
        group = default_group(OWNER, self.bucket)
        answer = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result()
        committed = {found.partition: found.offset for found in answer.topic_partitions}
        keys = [layout.parse_data_key(listed.key) for listed in Bucket(self.s3, self.bucket).listing()]
        return any(key is not None and key.start_offset >= committed.get(key.partition, 0) for key in keys)

    def newest_is_read(self) -> bool:
        """Whether Logz.io has nothing left to read: each registration's last key is the prefix's last with events.

        A sentinel does not count: it may be a second older than its registration, and is never read then.
        """
        listing = Bucket(self.s3, self.bucket).listing()
        keys = [listed.key for listed in listing if layout.parse_data_key(listed.key)]
        return all(
            registration["last_key"] == max(own)
            for registration in self.emulator.state()["registrations"]
            if registration["bucket"] == self.bucket
            and (own := [key for key in keys if key.startswith(registration["prefix"])])
        )


@dataclass(frozen=True)
class Outcome:
    """Counts of the events that were accepted during the run."""

    produced: int
    lost_in_the_bucket: int
    lost_in_logzio: int
    twice: int


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Outcome]]:
    state, plugins = tmp_path_factory.mktemp("order"), tmp_path_factory.mktemp("plugins")
    unpack(plugins)

    def broker_port() -> int:
        return int(processes.read(state, "kafka").ready["relayed_port"])

    relay = Relay(processes.free_port(), broker_port)
    try:
        endpoint = f"http://127.0.0.1:{start(state, 'aws')}"
        start(state, "kafka", "--relay-port", str(relay.port))
        with relay, running(state, endpoint) as emulator:
            yield silence(state, plugins, endpoint, relay, emulator)
    finally:
        processes.stop_all(state)


def start(state: Path, name: str, *arguments: str) -> int:
    """A server of the local stack; returns its port."""
    argv = [sys.executable, "-m", f"local.systems.{name}", "--state", str(state), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(paths.ROOT)}
    return int(processes.start(state, name, argv, env=environment, cwd=paths.ROOT).ready["port"])


def silence(
    state: Path, plugins: Path, endpoint: str, relay: Relay, emulator: Emulator
) -> dict[str, Outcome]:
    """Produces events, silences Kafka right after a rotation, and counts once everything that can arrive has arrived."""
    deployer = aws_environment(state, endpoint)
    key, secret = deployer["AWS_ACCESS_KEY_ID"], deployer["AWS_SECRET_ACCESS_KEY"]

    store = state / "logzio" / "store.sqlite"
    chains = [
        Chain(partitioner, aws_client(state, endpoint, "s3"), store, emulator) for partitioner in PARTITIONERS
    ]
    users.add(users.file(state), "WORKER", "worker-secret")
    bootstrap = f"127.0.0.1:{relay.port}"
    worker = Worker(state, plugins, plugins, bootstrap=bootstrap, session_seconds=SESSION)
    feed = Feed(state, steady(RATE))
    try:
        worker.start()
        for chain in chains:
            register(chain, aws_client(state, endpoint, "iam"))
            properties = rendered(chain, endpoint) | {
                "aws.access.key.id": key,
                "aws.secret.access.key": secret,
                "consumer.override.sasl.jaas.config": client.java_login(state, "WORKER"),
            }
            assert worker.put(chain.bucket, properties).status_code == 201
        feed.start()

        def all_flow() -> bool:
            fed = feed.ids()[: int(RATE)]
            for chain in chains:
                chain.reader.read()
            # Not every event: with the vendor's partitioner, a pause of a busy machine may lose some as the outage does.
            return len(fed) == RATE and all(
                not chain.checker.unarchived(fed) and len(chain.checker.undelivered(fed)) < RATE
                for chain in chains
            )

        wait_for("events in both chains", all_flow)
        admin = AdminClient(client.client_config(state))
        wait_for(
            "silence between the objects of both sinks and their commit",
            lambda: is_silent_before_a_commit(relay, endpoint, chains, admin),
        )
        time.sleep(SILENCE)
        # What Logz.io has not read yet, the sink writes again under the same key: nothing of it would be lost.
        wait_for("Logz.io to read those objects", lambda: all(chain.newest_is_read() for chain in chains))
        relay.speak()
        accepted = feed.ids()

        def all_archived() -> bool:
            for chain in chains:
                chain.reader.read()
            return not any(chain.checker.unarchived(accepted) for chain in chains)

        wait_for("every event in the buckets", all_archived)
        # The objects that hold them may overlap with later ones: two rotations more, and all of them read.
        time.sleep(2 * ROTATION)
    finally:
        feed.stop()
        worker.stop()
    wait_for("Logz.io to read all it ever will", lambda: all(chain.newest_is_read() for chain in chains))
    for chain in chains:
        chain.reader.read()
    found = {
        chain.partitioner: Outcome(
            len(accepted),
            len(chain.checker.unarchived(accepted)),
            len(chain.checker.undelivered(accepted)),
            chain.checker.duplicates(),
        )
        for chain in chains
    }
    progress.say(f"{found}")
    return found


def is_silent_before_a_commit(relay: Relay, endpoint: str, chains: list[Chain], admin: AdminClient) -> bool:
    """Silences Kafka at the next rotation; lets it speak again if a sink was faster and has committed its objects."""
    before = traffic.completed(endpoint)
    while traffic.completed(endpoint) == before:
        time.sleep(0.01)
    relay.be_silent()
    # The other sink's objects of this rotation may still be on their way, those of the next may not.
    deadline = time.monotonic() + ROTATION / 2
    while not all(chain.has_uncommitted(admin) for chain in chains):
        if time.monotonic() > deadline:
            relay.speak()
            return False
        time.sleep(0.1)
    return True


def register(chain: Chain, iam: Any) -> None:
    """The bucket, Logz.io's identity for it, and a registration for each partition."""
    chain.s3.create_bucket(Bucket=chain.bucket, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    with api(chain.emulator) as logzio:
        details = logzio.get(f"{BUCKETS}/aws-assume-role-details").json()
        trust = policies.reader_trust(details["logzioAWSAccountId"], details["assignedExternalId"])
        role = iam.create_role(RoleName=chain.bucket, AssumeRolePolicyDocument=policies.to_json(trust))
        reader = policies.to_json(policies.reader(chain.bucket, "topics", None))
        iam.put_role_policy(RoleName=chain.bucket, PolicyName="reader", PolicyDocument=reader)
        for partition in range(client.PARTITIONS):
            chain.s3.put_object(
                Bucket=chain.bucket, Key=layout.sentinel_key("topics", client.TOPIC, partition), Body=b""
            )
            prefix = layout.partition_prefix("topics", client.TOPIC, partition)
            body = {**BODY, "bucket": chain.bucket, "prefix": prefix, "arn": role["Role"]["Arn"]}
            assert logzio.post(BUCKETS, json=body).status_code == 201


def rendered(chain: Chain, endpoint: str) -> dict[str, str]:
    """The connector's properties, as the program renders them."""
    settings = load(
        {
            "source": {
                "bootstrapServers": "127.0.0.1:9092",
                "apiKey": "ABCDEF0123456789",
                "apiSecret": "made-up/secret+of=the-tests",
                "partitions": {client.TOPIC: client.PARTITIONS},
            },
            "archive": {"bucket": chain.bucket, "allowOtherRegion": True, "originals": False},
            "connector": {
                "name": chain.bucket,
                "rotationSeconds": ROTATION,
                "partitioner": chain.partitioner,
            },
            "writer": {"identity": "role"},
            "worker": {"endpoints": {"s3": endpoint}},
            "logzio": {"apiToken": "made-up-token"},
        },
        region="us-west-2",
        environ={},
    )
    (connector,) = connectors(worker_config(settings, OWNER, "127.0.0.1:9092"))
    # On a VM, the file with its id is there.
    return {**connector.properties, "consumer.override.client.id": chain.bucket}


def test_nothing_is_lost_in_the_bucket_with_either_partitioner(outcomes: dict[str, Outcome]) -> None:
    assert {outcome.lost_in_the_bucket for outcome in outcomes.values()} == {0}


def test_both_sinks_read_uncommitted_events_again(outcomes: dict[str, Outcome]) -> None:
    """Otherwise the test shows nothing: in each sink the outage must fall between the objects and their commit."""
    assert all(outcome.twice > 0 for outcome in outcomes.values()), outcomes


def test_with_the_vendors_partitioner_logzio_never_reads_some_events(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["default"].lost_in_logzio > 0, outcomes


def test_with_the_ordered_partitioner_logzio_reads_every_event(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["ordered"].lost_in_logzio == 0, outcomes
