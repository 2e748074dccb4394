"""Broker and AWS, and workers that archive a backlog from the one into the other."""

import json
import shlex
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import javaproperties
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them, without __all__
    AdminClient,
    NewTopic,
)

from components.owner import Owner
from components.settings import load
from components.worker import bundle, connect
from components.worker.config import WorkerConfig
from components.worker_settings import worker_config
from local.base import processes
from local.base.waiting import wait_until
from local.proofs.bench.figures import Backlog, Configuration, Sample, sample
from local.stack.deployment import REGION, aws_client, aws_environment
from local.systems.aws import traffic
from local.systems.connector.worker import COMPILER, Worker
from local.systems.kafka import client, users

# The only object that is not full would be the last one of a partition, and there is none: see Backlog. A rotation
# meanwhile would make short ones.
_ROTATION_MS = 24 * 3600 * 1000


class BenchError(RuntimeError):
    """A worker refused its connector."""


@dataclass(frozen=True)
class Site:
    """Where the workers run. `plugins`: the plugin path with the S3 connector. `values`: the events of the backlog."""

    state: Path
    endpoint: str
    plugins: Path
    backlog: Backlog
    values: Sequence[bytes]

    def catch_up(self, configuration: Configuration, attempt: int) -> Sample:
        """Lets workers archive the backlog, each time from a topic of its own into a bucket of its own.

        The tasks join their group while the topic is empty, and see the events of a transaction all at once, when it is
        committed: starts of JVMs and rebalances are no part of the time.
        """
        name = f"bench-{configuration.workers}x{configuration.tasks}-{attempt}"
        admin = AdminClient(client.client_config(self.state))
        admin.create_topics([NewTopic(name, num_partitions=self.backlog.partitions)])[name].result()
        location = {"LocationConstraint": REGION}
        aws_client(self.state, self.endpoint, "s3").create_bucket(
            Bucket=name, CreateBucketConfiguration=location
        )
        config = self._config(name)
        (connector,) = connect.connectors(config)
        with ExitStack() as stack:
            workers = []
            for number in range(1, configuration.workers + 1):
                worker = self._worker(config, self.state / name / str(number))
                stack.callback(worker.stop)
                worker.start()
                workers.append(worker)
                self._connect(worker, connector, configuration)
            wait_until(
                lambda: (
                    len(_shares(admin, connector.group)) == configuration.members
                    and sum(_shares(admin, connector.group)) == self.backlog.partitions
                ),
                "each task has its partitions",
            )
            producer = self._produce(name)
            found = self._measure(configuration, workers, producer)
            # All objects may be there by chance: the group says that each event is in one of them.
            wait_until(
                lambda: _committed(admin, connector.group) == self.backlog.events, "all events are committed"
            )
        admin.delete_topics([name])[name].result()
        return found

    def _measure(self, configuration: Configuration, workers: Sequence[Worker], producer: Producer) -> Sample:
        before = traffic.completed(self.endpoint)
        started = [processes.usage(worker.pid) for worker in workers]
        began = time.monotonic()
        producer.commit_transaction()
        wait_until(
            lambda: traffic.completed(self.endpoint) - before >= self.backlog.objects,
            "all objects are in the bucket",
            poll=0.1,
        )
        seconds = time.monotonic() - began
        ended = [processes.usage(worker.pid) for worker in workers]
        return sample(configuration, self.backlog.events, seconds, started, ended)

    def _config(self, name: str) -> WorkerConfig:
        """The product's defaults, without originals."""
        bootstrap = json.loads(client.address_file(self.state).read_text())["bootstrap"]
        settings = load(
            {
                "source": {
                    "bootstrapServers": bootstrap,
                    "apiKey": "UNUSED",
                    "apiSecret": "unused",
                    "topics": [name],
                    "partitions": {name: self.backlog.partitions},
                },
                "archive": {"bucket": name, "allowOtherRegion": True, "originals": False},
                "worker": {"endpoints": {"s3": self.endpoint}},
                "logzio": {"apiToken": "unused"},
            },
            region=REGION,
            environ={},
        )
        return worker_config(settings, Owner("ccloud-logexporter", "bench"), bootstrap)

    def _worker(self, config: WorkerConfig, folder: Path) -> Worker:
        """A worker with the files and the JVM's options of a VM, in `folder`."""
        secrets = folder / "secrets"
        secrets.mkdir(parents=True)
        aws = aws_environment(self.state, self.endpoint)
        credentials = {
            # Ordinary keys may read the audit topic only.
            "kafka.sasl.jaas.config": client.java_login(self.state, users.ADMIN),
            "aws.access.key.id": aws["AWS_ACCESS_KEY_ID"],
            "aws.secret.access.key": aws["AWS_SECRET_ACCESS_KEY"],
        }
        _write(secrets / Path(connect.SECRETS_FILE).name, credentials)
        _write(secrets / Path(connect.INSTANCE_FILE).name, {"instance.id": f"vm-{folder.name}"})
        trust = client.java_trust(self.state)
        rendered = {
            **connect.worker_properties(config),
            **trust,
            **{f"consumer.{name}": value for name, value in trust.items()},
        }
        places = {
            connect.SECRETS_FOLDER: secrets,
            connect.STATE_FOLDER: folder,
            connect.PLUGIN_FOLDER: self.plugins,
        }
        return Worker(folder, moved(rendered, places), jvm_options(config))

    def _connect(
        self, worker: Worker, connector: connect.SinkConnector, configuration: Configuration
    ) -> None:
        changed = {
            "tasks.max": str(configuration.tasks),
            "flush.size": str(self.backlog.flush_size),
            "rotate.schedule.interval.ms": str(_ROTATION_MS),
            "consumer.override.isolation.level": "read_committed",
        }
        places = {connect.SECRETS_FOLDER: worker.folder / "secrets"}
        answer = worker.put(connector.name, moved(connector.properties, places) | changed)
        if answer.status_code != 201:
            raise BenchError(f"the worker refused its connector: {answer.text}")

    def _produce(self, topic: str) -> Producer:
        """Produces the backlog in a transaction, which the producer has still to commit."""
        producer = Producer(
            {
                **client.client_config(self.state),
                "transactional.id": topic,
                "transaction.timeout.ms": 900_000,
                "linger.ms": 20,
                # All events fit into the client's queue.
                "queue.buffering.max.messages": len(self.values) + 1,
                "queue.buffering.max.kbytes": 2_000_000,
            }
        )
        producer.init_transactions()
        producer.begin_transaction()
        for index, value in enumerate(self.values):
            producer.produce(topic, value, partition=index % self.backlog.partitions)
        # A commit of the transaction fails if an event was refused.
        producer.flush()
        return producer


def moved(properties: Mapping[str, str], places: Mapping[str, Path]) -> dict[str, str]:
    """The properties with other folders in place of the VM's: `places` is former folder -> new folder."""
    found = dict(properties)
    for former, folder in places.items():
        found = {name: value.replace(former, str(folder)) for name, value in found.items()}
    return found


def jvm_options(config: WorkerConfig) -> list[str]:
    """The JVM's options from the service's environment on a VM, and the compiler that the local stack uses."""
    content = bundle.files(config)[f"/etc/{connect.SERVICE}/environment"].content
    variables = dict(word.split("=", 1) for word in shlex.split(content))
    names = ("KAFKA_HEAP_OPTS", "KAFKA_JVM_PERFORMANCE_OPTS", "KAFKA_JMX_OPTS")
    return [*(option for name in names for option in variables[name].split()), COMPILER]


def _shares(admin: AdminClient, group: str) -> list[int]:
    """How many partitions each member of the group has; none while the broker does not know the group yet."""
    try:
        members = admin.describe_consumer_groups([group])[group].result().members
    except KafkaException:
        return []
    return [len(member.assignment.topic_partitions) for member in members if member.assignment]


def _committed(admin: AdminClient, group: str) -> int:
    """How many events of all partitions the group has committed."""
    answer = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result()
    return sum(max(0, partition.offset) for partition in answer.topic_partitions)


def _write(file: Path, properties: Mapping[str, str]) -> None:
    file.touch(mode=0o600)
    file.write_text(javaproperties.dumps(dict(properties), timestamp=False))
