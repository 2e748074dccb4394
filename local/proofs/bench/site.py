"""Broker and AWS, and workers that archive a backlog from the one into the other."""

import json
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

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
from local.base import processes, progress
from local.base.processes import Usage
from local.base.waiting import wait_until
from local.proofs.bench.backlog import Backlog
from local.proofs.bench.consumer import BareConsumer
from local.stack import lifecycle
from local.stack.deployment import REGION, aws_client, aws_environment, server_url
from local.systems import faults
from local.systems.aws import traffic
from local.systems.connector import plugin
from local.systems.connector.worker import Worker
from local.systems.faults import Fault
from local.systems.kafka import client, users

# The only object that is not full would be the last one of a partition, and there is none: see Backlog. A rotation
# meanwhile would make short ones.
_ROTATION_MS = 24 * 3600 * 1000


class BenchError(RuntimeError):
    """A part of the measurement did not do what it must; the message says which."""


def jvm_options(config: WorkerConfig) -> list[str]:
    """The JVM's options from the service's environment on a VM."""
    content = bundle.files(config)[f"/etc/{connect.SERVICE}/environment"].content
    variables = dict(word.split("=", 1) for word in shlex.split(content))
    names = ("KAFKA_HEAP_OPTS", "KAFKA_JVM_PERFORMANCE_OPTS", "KAFKA_JMX_OPTS")
    return [option for name in names for option in variables[name].split()]


@dataclass(frozen=True)
class Setup:
    """What workers run with: a VM's files, but for what is given here.

    Attributes:
        workers: how many there are; each has the connectors.
        tasks: of each connector.
        settings: of a stack file, section -> setting -> value.
        connectors: makes the connectors from a VM's configuration.
        changed: properties of every connector.
        worker: properties of the worker.
        options: makes the JVM's options from a VM's configuration.
    """

    workers: int = 1
    tasks: int = 1
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    connectors: Callable[[WorkerConfig], Sequence[connect.SinkConnector]] = connect.connectors
    changed: Mapping[str, str] = field(default_factory=dict)
    worker: Mapping[str, str] = field(default_factory=dict)
    options: Callable[[WorkerConfig], Sequence[str]] = jvm_options

    @property
    def members(self) -> int:
        """Of each consumer group: each task is one."""
        return self.workers * self.tasks


@dataclass(frozen=True)
class Measurement:
    """The backlog passed once.

    Attributes:
        events: of the backlog.
        seconds: from the moment when the tasks may read the events, to the last object.
        started, ended: what each process had used before, and after.
        objects, requests, stored_bytes: in S3, of the backlog alone; 0 without S3.
    """

    events: int
    seconds: float
    started: tuple[Usage, ...]
    ended: tuple[Usage, ...]
    objects: int = 0
    requests: int = 0
    stored_bytes: int = 0

    @property
    def cpu_seconds(self) -> float:
        """Of all processes, while the backlog passed."""
        return sum(use.cpu_seconds for use in self.ended) - sum(use.cpu_seconds for use in self.started)


@dataclass(frozen=True)
class Site:
    """Where the workers run. `plugins`: the plugin path with the S3 connector. `values`: the events of the backlogs."""

    state: Path
    endpoint: str
    plugins: Path
    values: Sequence[bytes]

    def catch_up(
        self, name: str, setup: Setup, backlog: Backlog, *, warm_up: int = 0, delay: float = 0.0
    ) -> Measurement:
        """Lets workers archive the backlog, from a topic into a bucket of this name.

        The tasks join their group while the topics are empty, and see the events of a transaction all at once, when it
        is committed: starts of JVMs and rebalances are no part of the time.

        Args:
            warm_up: events that the workers archive before, from a topic of their own; a multiple of each flush size.
            delay: seconds by which S3 answers later.

        Raises:
            BenchError: a worker refused a connector.
            WaitError: events were not archived.
        """
        s3 = aws_client(self.state, self.endpoint, "s3")
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        config = self._config(name, setup, backlog, warm_up)
        connectors = [
            {**connector.properties, **self._changed(setup, connector, backlog)}
            for connector in setup.connectors(config)
        ]
        groups = [connector.group for connector in setup.connectors(config)]
        sizes = [int(properties["flush.size"]) for properties in connectors]
        with self._topics(name, backlog, warm_up) as admin, self._slow(delay), ExitStack() as stack:
            workers = []
            for number in range(1, setup.workers + 1):
                worker = self._worker(config, setup, self.state / name / str(number))
                stack.callback(worker.stop)
                worker.start()
                workers.append(worker)
                for properties in connectors:
                    self._connect(worker, properties)
            self._wait_for_members(admin, groups, setup.members, backlog.partitions + bool(warm_up))
            if warm_up:
                with self._completed(sum(warm_up // size for size in sizes)):
                    self._produce(f"{name}-warm", 1, warm_up, backlog.batch_bytes).commit_transaction()
            found = self._measure(workers, self._produce_all(name, backlog), backlog, sizes)
            # All objects may be there by chance: the groups say that each event is in one of them.
            wait_until(
                lambda: all(_committed(admin, group, name) == backlog.events for group in groups),
                "all events are committed",
            )
        return replace(found, stored_bytes=_emptied(s3, name, f"/{name}/"))

    def consume(self, name: str, backlog: Backlog, *, warm_up: int) -> Measurement:
        """Lets a bare consumer read the backlog: the limit of what any worker can do. Arguments as in `catch_up`."""
        config = self._config(name, Setup(), backlog, warm_up)
        properties = {
            "bootstrap.servers": config.kafka.bootstrap_servers,
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "PLAIN",
            # Ordinary keys may read the audit topic only.
            "sasl.jaas.config": client.java_login(self.state, users.ADMIN),
            "group.id": name,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            **client.java_trust(self.state),
        }
        topics, counts = [name, f"{name}-warm"], [warm_up, backlog.events]
        consumer = BareConsumer(self.state / name, properties, topics, counts, jvm_options(config))
        with self._topics(name, backlog, warm_up) as admin, consumer:
            self._wait_for_members(admin, [name], 1, backlog.partitions + 1)
            self._produce(f"{name}-warm", 1, warm_up, backlog.batch_bytes).commit_transaction()
            consumer.wait()
            producer = self._produce_all(name, backlog)
            started, began = processes.usage(consumer.pid), time.monotonic()
            producer.commit_transaction()
            consumer.wait()
            seconds = time.monotonic() - began
            return Measurement(backlog.events, seconds, (started,), (processes.usage(consumer.pid),))

    # --- the measurement

    def _measure(
        self, workers: Sequence[Worker], producer: Producer, backlog: Backlog, sizes: Sequence[int]
    ) -> Measurement:
        objects = sum(backlog.objects(size) for size in sizes)
        requests = self._requests()
        started = tuple(processes.usage(worker.pid) for worker in workers)
        began = time.monotonic()
        with self._completed(objects):
            producer.commit_transaction()
        seconds = time.monotonic() - began
        ended = tuple(processes.usage(worker.pid) for worker in workers)
        return Measurement(backlog.events, seconds, started, ended, objects, self._requests() - requests)

    @contextmanager
    def _completed(self, objects: int) -> Iterator[None]:
        """Waits at its end until so many objects were completed since its begin."""
        before = traffic.completed(self.endpoint)
        yield
        wait_until(
            lambda: traffic.completed(self.endpoint) - before >= objects,
            "all objects are in the bucket",
            poll=0.1,
        )

    def _requests(self) -> int:
        counted = traffic.counted(self.endpoint)
        return sum(sum(by_operation.values()) for by_operation in counted.values())

    @contextmanager
    def _slow(self, delay: float) -> Iterator[None]:
        """S3 answers `delay` seconds later meanwhile."""
        if delay:
            faults.inject(self.endpoint, Fault(answer="slow", delay=delay, times=None))
        try:
            yield
        finally:
            faults.clear(self.endpoint)

    # --- Kafka

    @contextmanager
    def _topics(self, name: str, backlog: Backlog, warm_up: int) -> Iterator[AdminClient]:
        topics = [NewTopic(name, num_partitions=backlog.partitions)]
        if warm_up:
            topics.append(NewTopic(f"{name}-warm", num_partitions=1))
        admin = AdminClient(client.client_config(self.state))
        for created in admin.create_topics(topics).values():
            created.result()
        yield admin
        for deleted in admin.delete_topics([topic.topic for topic in topics]).values():
            deleted.result()

    def _wait_for_members(
        self, admin: AdminClient, groups: Sequence[str], members: int, partitions: int
    ) -> None:
        def has_all(group: str) -> bool:
            shares = _shares(admin, group)
            return len(shares) == members and sum(shares) == partitions

        wait_until(lambda: all(map(has_all, groups)), "each task has its partitions")

    def _produce_all(self, topic: str, backlog: Backlog) -> Producer:
        return self._produce(topic, backlog.partitions, backlog.events, backlog.batch_bytes)

    def _produce(self, topic: str, partitions: int, count: int, batch_bytes: int) -> Producer:
        """Produces events in a transaction, which the producer has still to commit."""
        producer = Producer(
            {
                **client.client_config(self.state),
                "transactional.id": topic,
                "transaction.timeout.ms": 900_000,
                "linger.ms": 20,
                "batch.size": batch_bytes,
                # All events fit into the client's queue.
                "queue.buffering.max.messages": count + 1,
                "queue.buffering.max.kbytes": 2_000_000,
            }
        )
        producer.init_transactions()
        producer.begin_transaction()
        for index in range(count):
            producer.produce(topic, self.values[index], partition=index % partitions)
        # A commit of the transaction fails if an event was refused.
        producer.flush()
        return producer

    # --- the workers

    def _config(self, name: str, setup: Setup, backlog: Backlog, warm_up: int) -> WorkerConfig:
        """The product's defaults, but for what the setup gives."""
        bootstrap = json.loads(client.address_file(self.state).read_text())["bootstrap"]
        partitions = {name: backlog.partitions} | ({f"{name}-warm": 1} if warm_up else {})
        document = {
            "source": {
                "bootstrapServers": bootstrap,
                "apiKey": "UNUSED",
                "apiSecret": "unused",
                "topics": list(partitions),
                "partitions": partitions,
            },
            "archive": {"bucket": name, "allowOtherRegion": True},
            "worker": {"endpoints": {"s3": self.endpoint}},
            "logzio": {"apiToken": "unused"},
        }
        for section, values in setup.settings.items():
            document[section] = {**document.get(section, {}), **values}
        settings = load(document, region=REGION, environ={})
        return worker_config(settings, Owner("ccloud-logexporter", "bench"), bootstrap)

    def _worker(self, config: WorkerConfig, setup: Setup, folder: Path) -> Worker:
        """A worker with the files of a VM, in `folder`."""
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
            **setup.worker,
        }
        places = {
            connect.SECRETS_FOLDER: secrets,
            connect.STATE_FOLDER: folder,
            connect.PLUGIN_FOLDER: self.plugins,
        }
        return Worker(folder, moved(rendered, places), setup.options(config))

    def _changed(self, setup: Setup, connector: connect.SinkConnector, backlog: Backlog) -> dict[str, str]:
        return {
            **setup.changed,
            "tasks.max": str(setup.tasks),
            "flush.size": str(min(int(connector.properties["flush.size"]), backlog.per_partition)),
            "rotate.schedule.interval.ms": str(_ROTATION_MS),
            "timezone": "UTC",
            "consumer.override.isolation.level": "read_committed",
        }

    def _connect(self, worker: Worker, properties: Mapping[str, str]) -> None:
        places = {connect.SECRETS_FOLDER: worker.folder / "secrets"}
        answer = worker.put(properties["name"], moved(properties, places))
        if answer.status_code != 201:
            raise BenchError(f"the worker refused its connector: {answer.text}")


@contextmanager
def serving(state: Path, connector: Path, values: Sequence[bytes]) -> Iterator[Site]:
    """A site with a broker and an AWS of its own, which are stopped at the end.

    Args:
        state: folder of the servers.
        connector: the S3 connector's zip.
        values: the events.

    Raises:
        RuntimeError: a server did not start.
    """
    lifecycle.end(state)
    plugins = state / "plugins"
    try:
        plugin.unpack(connector, plugins)
        with progress.step("starting AWS (moto), Kafka"):
            endpoint = server_url(lifecycle.serve(state, "aws", "local.systems.aws"))
            lifecycle.serve(state, "kafka", "local.systems.kafka", "--many-events")
        yield Site(state, endpoint, plugins, values)
    finally:
        processes.stop_all(state)
    # The logs are worth keeping only if something went wrong.
    lifecycle.end(state)


def moved(properties: Mapping[str, str], places: Mapping[str, Path]) -> dict[str, str]:
    """The properties with other folders in place of the VM's: `places` is former folder -> new folder."""
    found = dict(properties)
    for former, folder in places.items():
        found = {name: value.replace(former, str(folder)) for name, value in found.items()}
    return found


def _shares(admin: AdminClient, group: str) -> list[int]:
    """How many partitions each member of the group has; none while the broker does not know the group yet."""
    try:
        members = admin.describe_consumer_groups([group])[group].result().members
    except KafkaException:
        return []
    return [len(member.assignment.topic_partitions) for member in members if member.assignment]


def _committed(admin: AdminClient, group: str, topic: str) -> int:
    """How many events of all the topic's partitions the group has committed."""
    answer = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result()
    return sum(max(0, found.offset) for found in answer.topic_partitions if found.topic == topic)


def _emptied(s3: Any, bucket: str, part: str) -> int:
    """Empties a bucket, since moto has its objects in memory; returns the bytes of the keys with this part."""
    size = 0
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        listed = page.get("Contents", [])
        size += sum(found["Size"] for found in listed if part in found["Key"])
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": found["Key"]} for found in listed]})
    return size


def _write(file: Path, properties: Mapping[str, str]) -> None:
    file.touch(mode=0o600)
    file.write_text(javaproperties.dumps(dict(properties), timestamp=False))
