"""What the files of a VM are made from (pure): the worker's own types, without the settings of a stack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

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
class WorkerConfig:
    """Everything that the files of a VM say.

    `region`: of the bucket and of the VMs. `bucket_locked`: the bucket has S3 Object Lock. `originals`: None if they are
    not kept. `writer_identity`: the connectors write with the key of an IAM user, or with the role of the VMs.
    `count`: how many VMs there are. `reboot_time`: of VM 1, HH:MM (UTC) or `never`. `metrics`: whether the VMs send
    metrics to CloudWatch. `canary`: whether `verify --publish` measures from outside. `reader_role`: name of the role
    with which Logz.io reads; None if the VMs do not watch its use.
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

    @property
    def parameters(self) -> dict[str, str]:
        """Credentials that the VM fetches (`kafka`, `writer`) -> name of their parameter.

        The value of a parameter is JSON: {"key": ..., "secret": ...} for `kafka`, {"access_key_id": ...,
        "secret_access_key": ...} for `writer`. A VM that writes with its own role has no `writer`.
        """
        credentials = ("kafka", "writer") if self.writer_identity == "user" else ("kafka",)
        return {name: parameter_name(self.owner.path, name) for name in credentials}

    @property
    def numbers(self) -> range:
        """The numbers of the VMs, from 1 on."""
        return range(1, self.count + 1)

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
