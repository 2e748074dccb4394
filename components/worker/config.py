"""What the files of a VM are made from (pure): the worker's own types, without the settings of a stack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from components.fleet.topics import state_topics
from components.owner import Owner
from components.settings import NAMESPACE


@dataclass(frozen=True)
class Kafka:
    """The audit-log cluster, and what is read from it.

    `bootstrap_servers`: host:port, several with commas. `partitions`: topic -> number of its partitions.
    `consumer_group`: of the connector for events.
    """

    bootstrap_servers: str
    topics: Sequence[str]
    partitions: Mapping[str, int]
    consumer_group: str


@dataclass(frozen=True)
class Sink:
    """The S3 sink: its archive, and the connector for events.

    `flush_size`: most events in an object. `rotation_seconds`: most seconds that an event waits for its object.
    `part_size`: bytes. `renames`: top-level field -> new name. `url`: of the zip. `sha256`: of the zip; None takes any.
    """

    name: str
    topics_dir: str
    flush_size: int
    rotation_seconds: int
    partitioner: Literal["ordered", "default"]
    part_size: int
    format: Literal["json", "raw"]
    compression: Literal["gzip", "none"]
    compression_level: int
    renames: Mapping[str, str]
    flatten: bool
    excluded_fields: Sequence[str]
    properties: Mapping[str, str]
    url: str
    sha256: str | None


@dataclass(frozen=True)
class Originals:
    """The connector for originals; the limits mean the same as in `Sink`."""

    flush_size: int
    rotation_seconds: int


@dataclass(frozen=True)
class Platform:
    """The packages of the Confluent Platform and of Java.

    `version`: the line, e.g. 7.9. `package_version`: None takes the newest of the line. `key_fingerprints`: apt trusts
    the keys of `key_url` that have one of these.
    """

    version: str
    java_version: int
    package: str
    package_version: str | None
    repository_url: str
    key_url: str
    key_fingerprints: Sequence[str]


@dataclass(frozen=True)
class Connect:
    """The process of Kafka Connect. `heap_mb`: MiB. `rest_port`: on 127.0.0.1 only."""

    heap_mb: int
    log_level: str
    rest_port: int


@dataclass(frozen=True)
class Endpoints:
    """Addresses of AWS services; None is the public one."""

    s3: str | None = None
    ssm: str | None = None
    cloudwatch: str | None = None
    iam: str | None = None


@dataclass(frozen=True)
class Fleet:
    """The Connect cluster of mode distributed, which keeps its state in a Kafka cluster of the organisation's own.

    `bootstrap_servers`: of that Kafka cluster, host:port, several with commas. `name`: group of the VMs, and beginning
    of the names of the topics. `replication_factor`: of topics that Connect makes; -1 for the cluster's default.
    """

    bootstrap_servers: str
    name: str
    replication_factor: int

    @property
    def topics(self) -> dict[str, str]:
        """What Connect keeps (`config`, `offset`, `status`) -> the topic for it."""
        return state_topics(self.name)


@dataclass(frozen=True)
class WorkerConfig:
    """Everything that the files of a VM say.

    `region`: of the bucket and of the VMs. `bucket_locked`: the bucket has S3 Object Lock. `originals`: None if they are
    not kept. `writer_identity`: the connectors write with the key of an IAM user, or with the role of the VMs.
    `count`: how many VMs there are. `reboot_time`: of VM 1, HH:MM (UTC) or `never`. `metrics`: whether the VMs send
    metrics to CloudWatch. `canary`: whether `verify --publish` measures from outside. `reader_role`: name of the role
    with which Logz.io reads; None if the VMs do not watch its use. `fleet`: None for mode standalone.
    """

    owner: Owner
    region: str
    kafka: Kafka
    bucket: str
    bucket_locked: bool
    sink: Sink
    originals: Originals | None
    writer_identity: Literal["user", "role"]
    platform: Platform
    connect: Connect
    endpoints: Endpoints
    count: int
    reboot_time: str
    metrics: bool
    canary: bool = False
    reader_role: str | None = None
    fleet: Fleet | None = None

    @property
    def parameters(self) -> dict[str, str]:
        """Credentials that the VM fetches -> name of their parameter.

        The value of a parameter is JSON: {"key": ..., "secret": ...} for `kafka`, {"access_key_id": ...,
        "secret_access_key": ...} for `writer`. A VM that writes with its own role has no `writer`. In mode distributed
        there are `fleet`, as `kafka`, for the organisation's own cluster, and `certificate`,
        {"archive": ..., "password": ..., "not_after": ...} (see `components.fleet.certificate`).
        """
        credentials = [
            "kafka",
            *(["writer"] if self.writer_identity == "user" else []),
            *(["fleet", "certificate"] if self.fleet is not None else []),
        ]
        return {name: parameter_name(self.owner.path, name) for name in credentials}

    @property
    def bootstrap_servers(self) -> str:
        """Of all Kafka clusters that the VMs reach."""
        own = [] if self.fleet is None else [self.fleet.bootstrap_servers]
        return ",".join([self.kafka.bootstrap_servers, *own])

    @property
    def numbers(self) -> range:
        """The numbers of the VMs, from 1 on."""
        return range(1, self.count + 1)

    def connector_parameter(self, connector: str) -> str:
        """The parameter that holds the wanted properties of a connector, in mode distributed."""
        return f"/{NAMESPACE}/{self.owner.path}/connector-{connector}"

    def status_parameter(self, number: int) -> str:
        """The parameter in which a VM says that its connectors run, or why its boot failed (see `readiness`)."""
        return f"/{NAMESPACE}/{self.owner.path}/vm-{number}-status"


def parameter_name(owner: str, credentials: str) -> str:
    """The parameter that holds the VMs' `kafka` or `writer` credentials. `owner`: see `Owner.path`."""
    return f"/{NAMESPACE}/{owner}/{credentials}-credentials"


def metrics_namespace(owner: str) -> str:
    """CloudWatch's namespace for the metrics. The VM may write to no other, so it cannot report for another stack's VM.

    `owner`: see `Owner.path`; at most 201 characters, of the 255 that CloudWatch allows.
    """
    return f"CcloudLogexporter/{owner}"


def default_group(owner: Owner, bucket: str) -> str:
    """The stack's own consumer group. It is as unique as the name of a bucket, which is unique in all of S3."""
    return f"{owner.project}-{owner.stack}-{bucket}"
