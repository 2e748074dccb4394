"""Every setting: type, default, description, rule. All problems are reported at once, before anything is made.

The stack file holds one object per section (`ccloud-logexporter:source`, `:archive`, `:writer`, `:connector`,
`:worker`, `:logzio`, `:tags`), with names in camelCase. Secrets are never echoed: neither by an error here nor
by the validation library.
"""

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import pulumi
import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from components import layout, logzio_facts

NAMESPACE = "ccloud-logexporter"
TOKEN_VARIABLE = "LOGZIO_API_TOKEN"  # noqa: S105  # the name of a variable, no token
DEFAULT_TOPIC = "confluent-audit-log-events"

# The bytes that one archived event is taken to need at most when objects are sized (8 KiB, uncompressed).
EVENT_BYTES = 8192
MIN_PART_SIZE = 5 * 1024 * 1024

# Since this version the sink never overwrites an object (enable.conditional.writes): an overwritten object
# that Logz.io had read already would lose its tail.
OLDEST_CONNECTOR = (10, 6)

# Platform line -> the Java versions that Kafka Connect of that line runs on (Confluent's and Kafka's docs).
JAVA_FOR_PLATFORM: Mapping[str, tuple[int, ...]] = {
    "7.7": (8, 11, 17),
    "7.8": (8, 11, 17),
    "7.9": (8, 11, 17),
    "8.0": (17, 21),
    "8.1": (17, 21),
    "8.2": (17, 21),
    "8.3": (17, 21),
}

# MiB of memory of x86 instance types that fit this work (AWS's instance type tables).
INSTANCE_MEMORY: Mapping[str, int] = {
    "t2.small": 2048,
    "t2.medium": 4096,
    "t2.large": 8192,
    "t3.micro": 1024,
    "t3.small": 2048,
    "t3.medium": 4096,
    "t3.large": 8192,
    "t3a.micro": 1024,
    "t3a.small": 2048,
    "t3a.medium": 4096,
    "t3a.large": 8192,
    "m5.large": 8192,
    "m6i.large": 8192,
    "m7i.large": 8192,
    "c5.large": 4096,
    "c6i.large": 4096,
    "c7i.large": 4096,
    "r5.large": 16384,
    "r6i.large": 16384,
}
ARM_FAMILY = re.compile(r"^[a-z]+\d+g[a-z]*\.")

# What the system, the JVM's own needs and a package upgrade take beside the heap.
OTHER_MEMORY_MB = 640


class SettingsError(ValueError):
    """The settings cannot be used; `problems` has one line for each thing to mend."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        lines = "".join(f"\n  - {problem}" for problem in self.problems)
        super().__init__(f"{len(self.problems)} setting(s) to mend, nothing was made:{lines}")


def _text(pattern: str, accepted: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"does not have the form; accepted: {accepted}")
        return value

    return AfterValidator(check)


def _url(value: str) -> str:
    parts = urlsplit(value)
    loopback = parts.hostname in {"127.0.0.1", "localhost", "::1"}
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and loopback)):
        raise ValueError("is no https URL; accepted: https://host[:port][/path] (http only for 127.0.0.1)")
    if re.search(r"[\s'\"\\$`]", value) or parts.username or parts.password:
        raise ValueError("holds a space, a quote or credentials; accepted: a plain https URL")
    return value.rstrip("/")


def normalise_bootstrap_servers(value: str) -> str:
    """`SASL_SSL://host:9092` -> `host:9092`; several are separated by commas.

    Raises:
        ValueError: a host or a port is missing.
    """
    servers = [re.sub(r"^SASL_SSL://", "", one.strip(), flags=re.IGNORECASE) for one in value.split(",")]
    for server in servers:
        host, _, port = server.rpartition(":")
        if not re.fullmatch(r"[A-Za-z0-9.-]+", host) or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(
                "has no host and port; accepted: host:port, e.g. pkc-abc12.us-west-2.aws.confluent.cloud:9092"
            )
    return ",".join(servers)


def _bucket_name(value: str) -> str:
    accepted = "accepted: 3 to 63 of a-z, 0-9 and hyphens, starting and ending with a letter or digit"
    if "." in value:
        raise ValueError(f"has a dot, which breaks TLS to the bucket; {accepted}")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", value):
        raise ValueError(f"is no bucket name; {accepted}")
    reserved_start = next(
        (one for one in ("xn--", "sthree-", "amzn-s3-demo-") if value.startswith(one)), None
    )
    ends = ("-s3alias", "--ol-s3", "--x-s3", "--table-s3")
    reserved_end = next((one for one in ends if value.endswith(one)), None)
    if reserved_start or reserved_end:
        raise ValueError(f"has {reserved_start or reserved_end}, which S3 keeps for itself; {accepted}")
    return value


def _secret(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]+", value.get_secret_value()):
        raise ValueError(
            "is empty or holds a space or control character; accepted: the secret as it was issued"
        )
    if re.search(r"[\"'\\]|\$\{", value.get_secret_value()):
        raise ValueError("holds a quote, a backslash or ${; accepted: the secret as it was issued")
    return value


def _topic(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", value) or value in {".", ".."}:
        raise ValueError("is no Kafka topic name; accepted: up to 249 of A-Z a-z 0-9 . _ -")
    return value


def _partitions(value: int) -> int:
    if not 1 <= value <= 1000:
        raise ValueError("is no number of partitions; accepted: 1 to 1000, as Kafka has it")
    return value


def _not_built_in(value: str) -> str:
    if value in logzio_facts.BUILT_IN_LOG_TYPES:
        raise ValueError(
            "is a built-in type of Logz.io, whose parser would take the events apart; accepted: your own"
        )
    return value


def _connector_version(value: str) -> str:
    if not re.fullmatch(r"\d+\.\d+\.\d+", value):
        raise ValueError("is no version; accepted: three numbers, e.g. 12.1.11")
    if tuple(int(part) for part in value.split(".")[:2]) < OLDEST_CONNECTOR:
        raise ValueError("overwrites objects after a crash; accepted: 10.6.0 or later (conditional writes)")
    return value


def _rename(value: str) -> str:
    if not re.fullmatch(r"[^\s:,$]+", value):
        raise ValueError("is no field name; accepted: text without spaces, colons, commas and $")
    return value


def _number_as_text(value: Any) -> Any:
    """YAML reads 7.9 as a number; a version is text."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Url = Annotated[str, AfterValidator(_url)]
Secret = Annotated[SecretStr, AfterValidator(_secret)]
Topic = Annotated[str, AfterValidator(_topic)]
Sha256 = Annotated[str, _text(r"[0-9a-f]{64}", "64 hexadecimal digits, lower case")]
KmsKeyArn = Annotated[
    str,
    _text(r"arn:aws:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+", "arn:aws:kms:<region>:<account>:key/<id>"),
]


class _Section(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        # A validation error is not to show what was given: it may be a secret.
        hide_input_in_errors=True,
    )


class Source(_Section):
    """The audit-log cluster: an endpoint with a key, or the three ids from which both are found and made."""

    bootstrap_servers: Annotated[str, AfterValidator(normalise_bootstrap_servers)] | None = Field(
        default=None,
        description="Endpoint of the audit-log cluster, host:port. Leave out to have it looked up by the ids.",
    )
    api_key: Annotated[str, _text(r"[A-Za-z0-9_-]{4,64}", "the key as it was issued")] | None = Field(
        default=None, description="API key of the audit-log cluster. Leave out to have one made by the ids."
    )
    api_secret: Secret | None = Field(default=None, description="Its secret.")
    cluster: Annotated[str, _text(r"lkc-[a-z0-9]+", "lkc-...")] | None = Field(
        default=None, description="Id of the audit-log cluster, from `confluent audit-log describe`."
    )
    environment: Annotated[str, _text(r"env-[a-z0-9]+", "env-...")] | None = Field(
        default=None, description="Id of its environment, from the same command."
    )
    service_account: Annotated[str, _text(r"sa-[a-z0-9]+", "sa-...")] | None = Field(
        default=None,
        description="Id of the audit log's own service account, from the same command; it will own the key.",
    )
    topics: tuple[Topic, ...] = Field(default=(DEFAULT_TOPIC,), description="Topics to archive.")
    partitions: dict[Topic, Annotated[int, AfterValidator(_partitions)]] = Field(
        description="Number of partitions of each topic, as Kafka has it. No default: a number that is too small "
        "loses the events of the partitions beyond it in Logz.io."
    )

    @model_validator(mode="after")
    def _one_way(self) -> "Source":
        endpoint = {
            "bootstrapServers": self.bootstrap_servers,
            "apiKey": self.api_key,
            "apiSecret": self.api_secret,
        }
        ids = {
            "cluster": self.cluster,
            "environment": self.environment,
            "serviceAccount": self.service_account,
        }
        given = {name for name, value in {**endpoint, **ids}.items() if value is not None}
        if given not in (set(endpoint), set(ids)):
            shown = ", ".join(sorted(given)) or "nothing"
            raise ValueError(
                f"has {shown}; accepted: either {', '.join(endpoint)}, or {', '.join(ids)}, each complete"
            )
        return self


class Archive(_Section):
    """The organisation's own bucket."""

    bucket: Annotated[str, AfterValidator(_bucket_name)] = Field(description="Name of the bucket.")
    retention_days: Annotated[int, Field(ge=1, le=36500)] | None = Field(
        default=None, description="Days after which events are deleted; none keeps them for ever."
    )
    kms_key_arn: KmsKeyArn | None = Field(
        default=None, description="KMS key that encrypts the objects; none takes S3's own."
    )
    destroy_with_data: bool = Field(
        default=False,
        description="Whether `pulumi destroy` deletes the bucket with all events. A change takes effect with the "
        "next `pulumi up`, so run that before `destroy`.",
    )
    adopt_existing: bool = Field(
        default=False,
        description="Takes over the bucket that an earlier `destroy` kept, with the settings that it had.",
    )
    allow_other_region: bool = Field(
        default=False,
        description="Allows a bucket in another region than the audit-log cluster's (data residency); every event "
        "then crosses regions.",
    )


class Writer(_Section):
    """The S3 sink's identity in AWS."""

    identity: Literal["user", "role"] = Field(
        default="user", description="An IAM user with a key, or the VM's role (no long-lived key)."
    )


class Connector(_Section):
    """The S3 sink."""

    name: Annotated[str, _text(r"[A-Za-z0-9._-]{1,200}", "A-Z a-z 0-9 . _ -")] = Field(
        default="auditlog-connector-s3-sink",
        description="Name of the connector and, with `connect-` before it, of its consumer group. A new name reads "
        "the topic again from its beginning.",
    )
    topics_dir: Annotated[
        str, _text(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*", "a/b, no slash at either end")
    ] = Field(default="topics", description="First part of every object's key.")
    flush_size: int = Field(
        default=5000,
        ge=1,
        le=logzio_facts.MAX_OBJECT_BYTES // EVENT_BYTES,
        description="Most events in an object. At 8 KiB each they stay under the 50 MB that Logz.io fetches.",
    )
    rotation_seconds: int = Field(
        default=60,
        ge=5,
        le=3600,
        description="Most seconds that an event waits for its object. Never off: the last events of a quiet "
        "partition would stay behind and be lost after 7 days.",
    )
    part_size: int = Field(
        default=MIN_PART_SIZE,
        ge=MIN_PART_SIZE,
        le=100 * 1024 * 1024,
        description="Bytes of a part of an upload; S3 takes 5 MiB at least.",
    )
    format: Literal["json", "raw"] = Field(
        default="json",
        description="`json`: searchable, with renamed fields. `raw`: the bytes as Confluent sent them.",
    )
    compression: Literal["gzip", "none"] = Field(default="gzip", description="Compression of the objects.")
    compression_level: int = Field(default=6, ge=1, le=9, description="gzip's level; 1 is a fifth faster.")
    renames: dict[Annotated[str, AfterValidator(_rename)], Annotated[str, AfterValidator(_rename)]] = Field(
        default={"time": "@timestamp", "type": "event_type"},
        description="Top-level fields that get another name (json only). Logz.io takes `@timestamp` as the event's "
        "time and keeps `type` for itself.",
    )
    version: Annotated[str, BeforeValidator(_number_as_text), AfterValidator(_connector_version)] = Field(
        default="12.1.11", description="Version of Confluent's S3 sink connector."
    )
    archive_url: Url | None = Field(
        default=None,
        description="Where its zip is downloaded; Confluent Hub's address of the version if left out.",
    )
    archive_sha256: Sha256 | None = Field(
        default=None, description="SHA-256 of the zip; with it, any other zip is refused."
    )
    properties: dict[str, str] = Field(
        default={}, description="Further connector properties; none of those that the project sets."
    )

    @property
    def download_url(self) -> str:
        """The address of the connector's zip."""
        zip_name = f"confluentinc-kafka-connect-s3-{self.version}.zip"
        return self.archive_url or (
            "https://hub-downloads.confluent.io/api/plugins/confluentinc/kafka-connect-s3/versions/"
            f"{self.version}/{zip_name}"
        )


class Endpoints(_Section):
    """Addresses of AWS services where they are not the public ones."""

    s3: Url | None = Field(default=None, description="S3.")
    ssm: Url | None = Field(default=None, description="Systems Manager (the parameter store).")
    cloudwatch: Url | None = Field(default=None, description="CloudWatch.")


class Worker(_Section):
    """The VM and what is installed on it."""

    platform_version: Annotated[str, BeforeValidator(_number_as_text)] = Field(
        default="7.9", description="Line of the Confluent Platform."
    )
    java_version: int = Field(
        default=8, description="Java on the VM; which ones fit depends on the platform."
    )
    package: Literal["confluent-kafka", "confluent-platform"] = Field(
        default="confluent-kafka",
        description="`confluent-kafka` has all that is needed; `confluent-platform` is everything, as in the article.",
    )
    instance_type: Annotated[str, _text(r"[a-z0-9-]+\.[a-z0-9-]+", "e.g. t3.small")] = Field(
        default="t3.small", description="EC2 instance type."
    )
    ami: Annotated[str, _text(r"ami-[0-9a-f]{8,17}", "ami-...")] | None = Field(
        default=None,
        description="Image of a Debian family; the newest Ubuntu LTS at the first `up` if left out.",
    )
    subnet_id: Annotated[str, _text(r"subnet-[0-9a-f]{8,17}", "subnet-...")] | None = Field(
        default=None, description="An existing subnet with a way out; a small network of its own if left out."
    )
    volume_gb: int = Field(default=20, ge=10, le=1000, description="Size of the encrypted root volume.")
    heap_mb: int = Field(default=384, ge=128, le=65536, description="Heap of Kafka Connect.")
    log_level: Literal["INFO", "DEBUG"] = Field(default="INFO", description="Log level of Kafka Connect.")
    rest_port: int = Field(
        default=8083, ge=1024, le=65535, description="Port of Connect's REST interface, on 127.0.0.1 only."
    )
    repository_url: Url = Field(
        default="https://packages.confluent.io/deb",
        description="Package repository; the platform version is appended.",
    )
    repository_key_url: Url | None = Field(
        default=None,
        description="Its public key; `<repositoryUrl>/<platformVersion>/archive.key` if left out.",
    )
    repository_key_fingerprint: Annotated[str, _text(r"[0-9A-F]{40}", "40 hexadecimal digits")] = Field(
        default="CBBB821E8FAF364F79835C438B1DA6120C2BF624",
        description="Fingerprint of that key; any other key is refused.",
    )
    endpoints: Endpoints = Field(
        default=Endpoints(), description="Endpoints of AWS services (private endpoints, air-gapped sites)."
    )

    @property
    def key_url(self) -> str:
        """The address of the package repository's key."""
        return self.repository_key_url or f"{self.repository_url}/{self.platform_version}/archive.key"


class Logzio(_Section):
    """The Logz.io account."""

    region: Literal["us", "au", "ca", "eu", "uk"] = Field(
        default="us", description="Region of the account (not of the bucket)."
    )
    api_url: Url | None = Field(
        default=None, description="Address of the account API, if it is not the region's own."
    )
    api_token: Secret | None = Field(
        default=None, description=f"API token of the account. The environment variable {TOKEN_VARIABLE} wins."
    )
    log_type: Annotated[
        str, _text(r"\S{1,100}", "up to 100 characters, no spaces"), AfterValidator(_not_built_in)
    ] = Field(default="confluent_audit", description="Value of the field `type` in Logz.io.")
    authentication: Literal["role", "keys"] = Field(
        default="role",
        description="How Logz.io reads the bucket: a role that only this account can take, or a user's key.",
    )
    add_object_key: bool = Field(default=False, description="Adds the object's key to each event as a field.")
    adopt_existing: bool = Field(
        default=False,
        description="Takes over registrations that exist for the same bucket and prefix instead of refusing them.",
    )

    @property
    def base_url(self) -> str:
        """The account API."""
        return self.api_url or logzio_facts.api_url(self.region)

    @property
    def search_url(self) -> str | None:
        """Where a person searches; not known where the API is elsewhere than in its region."""
        return None if self.api_url else logzio_facts.search_url(self.region)


class Settings(_Section):
    """All settings, each in its section; `region` is `aws:region`, where the bucket and the VM are."""

    source: Source
    archive: Archive
    writer: Writer = Writer()
    connector: Connector = Connector()
    worker: Worker = Worker()
    logzio: Logzio = Logzio()
    tags: dict[str, str] = Field(default={}, description="Tags of every resource, beside the project's own.")
    region: str

    @property
    def topic_partitions(self) -> list[tuple[str, int]]:
        """Every partition to archive: (topic, number)."""
        return [
            (topic, partition)
            for topic in self.source.topics
            for partition in range(self.source.partitions[topic])
        ]

    @property
    def partition_prefixes(self) -> list[str]:
        """The prefix of each partition in the bucket."""
        return [
            layout.partition_prefix(self.connector.topics_dir, topic, partition)
            for topic, partition in self.topic_partitions
        ]


SECTIONS: Mapping[str, type[_Section]] = {
    "source": Source,
    "archive": Archive,
    "writer": Writer,
    "connector": Connector,
    "worker": Worker,
    "logzio": Logzio,
}


def load(raw: Mapping[str, Any], *, region: str | None, environ: Mapping[str, str]) -> Settings:
    """Settings from the sections as they stand in the stack file (`source` -> object, ...).

    Raises:
        SettingsError: with every problem at once.
    """
    problems: list[str] = []
    sections: dict[str, Any] = {}
    given = {**raw, "logzio": _with_token(raw.get("logzio"), environ)}
    known = [*SECTIONS, "tags"]
    problems += [
        f"{NAMESPACE}:{name}: is no setting{_did_you_mean(name, known)}"
        for name in given
        if name not in known
    ]
    for name, model in SECTIONS.items():
        try:
            sections[name] = model.model_validate({} if given.get(name) is None else given[name])
        except ValidationError as error:
            problems += _explained(name, model, error)
    tags = _tags(given.get("tags"), problems)
    problems += [problem for rule in RULES for problem in rule(sections, region)]
    if problems or region is None:
        raise SettingsError(problems)
    return Settings(**sections, tags=tags, region=region)


def from_pulumi(config: pulumi.Config, environ: Mapping[str, str]) -> Settings:
    """Settings of the stack that Pulumi runs.

    Raises:
        SettingsError: with every problem at once.
    """
    raw = {name: config.get_object(name) for name in [*SECTIONS, "tags"]}
    return load(raw, region=pulumi.Config("aws").get("region"), environ=environ)


def load_stack_file(path: Path) -> Settings:
    """Settings of a stack file without engine or secrets: each encrypted or missing secret is a placeholder.

    Raises:
        SettingsError: with every problem at once.
        OSError: the file cannot be read.
    """
    config = yaml.safe_load(path.read_text()).get("config", {})
    raw = {
        name.removeprefix(f"{NAMESPACE}:"): _without_secrets(value)
        for name, value in config.items()
        if name.startswith(f"{NAMESPACE}:")
    }
    source = raw.get("source") or {}
    if "apiKey" in source:
        source.setdefault("apiSecret", "placeholder")
    return load(raw, region=config.get("aws:region"), environ={TOKEN_VARIABLE: "placeholder"})


def secret(value: SecretStr) -> pulumi.Output[str]:
    """A secret as Pulumi keeps it: encrypted in the state and hidden in its output."""
    return pulumi.Output.secret(value.get_secret_value())


def warnings(settings: Settings) -> list[str]:
    """What works but deserves a look."""
    found = []
    if settings.connector.archive_sha256 is None:
        found.append(
            f"{NAMESPACE}:connector.archiveSha256 is not set: the connector's archive is installed unchecked"
        )
    return found


def region_of_endpoint(bootstrap_servers: str) -> str | None:
    """us-west-2 from `pkc-abc12.us-west-2.aws.confluent.cloud:9092`; None where the name does not tell."""
    match = re.search(r"\.([a-z]{2}(?:-[a-z]+)+-\d)\.aws\.", bootstrap_servers)
    return match.group(1) if match else None


def require_region(cluster_region: str, region: str, *, allow_other_region: bool) -> None:
    """Holds the bucket's region against the audit-log cluster's.

    Raises:
        SettingsError: they differ and that is not allowed.
    """
    problem = _region_problem(cluster_region, region)
    if problem and not allow_other_region:
        raise SettingsError([problem])


Rule = Callable[[Mapping[str, Any], str | None], Iterator[str]]


def _region_is_readable(_: Mapping[str, Any], region: str | None) -> Iterator[str]:
    accepted = f"accepted: {', '.join(logzio_facts.BUCKET_REGIONS)}"
    if region is None:
        yield f"aws:region: is missing; {accepted}"
    elif region not in logzio_facts.BUCKET_REGIONS:
        yield f"aws:region: Logz.io cannot read a bucket in {region}; {accepted}"


def _bucket_is_beside_the_cluster(sections: Mapping[str, Any], region: str | None) -> Iterator[str]:
    source, archive = sections.get("source"), sections.get("archive")
    if source is None or archive is None or region is None or source.bootstrap_servers is None:
        return
    problem = _region_problem(region_of_endpoint(source.bootstrap_servers), region)
    if problem and not archive.allow_other_region:
        yield problem


def _every_topic_has_its_partitions(sections: Mapping[str, Any], _: str | None) -> Iterator[str]:
    source = sections.get("source")
    if source is None:
        return
    if not source.topics:
        yield f"{NAMESPACE}:source.topics: is empty; accepted: at least one topic"
    elif set(source.topics) != set(source.partitions):
        shown = ", ".join(sorted(source.partitions)) or "nothing"
        yield (
            f"{NAMESPACE}:source.partitions: has a number for {shown}; accepted: one for each of "
            f"{', '.join(source.topics)}, and for nothing else"
        )


def _java_runs_the_platform(sections: Mapping[str, Any], _: str | None) -> Iterator[str]:
    worker = sections.get("worker")
    if worker is None:
        return
    fitting = JAVA_FOR_PLATFORM.get(worker.platform_version)
    if fitting is None:
        yield (
            f"{NAMESPACE}:worker.platformVersion: {worker.platform_version} is not known to work; accepted: "
            f"{', '.join(JAVA_FOR_PLATFORM)}"
        )
    elif worker.java_version not in fitting:
        yield (
            f"{NAMESPACE}:worker.javaVersion: {worker.java_version} does not run platform {worker.platform_version}; "
            f"accepted: {', '.join(str(version) for version in fitting)}"
        )


def _heap_fits(sections: Mapping[str, Any], _: str | None) -> Iterator[str]:
    source, worker = sections.get("source"), sections.get("worker")
    if worker is None:
        return
    name = f"{NAMESPACE}:worker.heapMb"
    if source is not None and worker.heap_mb < (least := least_heap_mb(sum(source.partitions.values()))):
        yield (
            f"{name}: {worker.heap_mb} is too small for {sum(source.partitions.values())} partitions; "
            f"accepted: {least} or more"
        )
    memory = INSTANCE_MEMORY.get(worker.instance_type)
    if memory is not None and worker.heap_mb > memory - OTHER_MEMORY_MB:
        yield (
            f"{name}: {worker.heap_mb} does not fit {worker.instance_type} ({memory} MiB, of which "
            f"{OTHER_MEMORY_MB} are for the rest); accepted: at most {memory - OTHER_MEMORY_MB}, or a larger "
            f"{NAMESPACE}:worker.instanceType"
        )


def _image_fits(sections: Mapping[str, Any], _: str | None) -> Iterator[str]:
    worker = sections.get("worker")
    if worker is not None and worker.ami is None and ARM_FAMILY.match(worker.instance_type):
        yield (
            f"{NAMESPACE}:worker.instanceType: {worker.instance_type} is an ARM type and the default image is for "
            f"x86; accepted: an x86 type, or {NAMESPACE}:worker.ami with an ARM image"
        )


def _token_is_there(sections: Mapping[str, Any], _: str | None) -> Iterator[str]:
    logzio = sections.get("logzio")
    if logzio is not None and logzio.api_token is None:
        yield (
            f"{NAMESPACE}:logzio.apiToken: is missing; accepted: `pulumi config set --secret --path "
            f"{NAMESPACE}:logzio.apiToken`, or the environment variable {TOKEN_VARIABLE}"
        )


# What components/worker/connect.py sets: a test there holds the two together.
OWN_CONNECTOR_PROPERTIES = frozenset(
    {
        "name",
        "connector.class",
        "tasks.max",
        "topics",
        "topics.regex",
        "topics.dir",
        "key.converter",
        "value.converter",
        "value.converter.schemas.enable",
        "s3.region",
        "s3.bucket.name",
        "s3.part.size",
        "s3.elastic.buffer.enable",
        "storage.class",
        "format.class",
        "format.bytearray.extension",
        "schema.compatibility",
        "directory.delim",
        "file.delim",
        "filename.offset.zero.pad.width",
        "flush.size",
        "rotate.schedule.interval.ms",
        "timezone",
        "enable.conditional.writes",
        "store.kafka.keys",
        "store.kafka.headers",
        "behavior.on.null.values",
        "s3.compression.type",
        "s3.compression.level",
        "errors.tolerance",
        "errors.log.enable",
        "errors.log.include.messages",
        "store.url",
        "aws.access.key.id",
        "aws.secret.access.key",
    }
)

# Properties that would bring another layout than one ascending prefix per partition.
_TIME_LAYOUT = {
    "partitioner.class",
    "partition.duration.ms",
    "path.format",
    "locale",
    "timestamp.extractor",
    "timestamp.field",
    "rotate.interval.ms",
    "partition.field.name",
}
_FOREIGN_CLIENTS = ("producer.override.", "admin.override.", "consumer.override.")


def _properties_are_further_ones(sections: Mapping[str, Any], _: str | None) -> Iterator[str]:
    connector = sections.get("connector")
    for key in connector.properties if connector is not None else ():
        name = f"{NAMESPACE}:connector.properties.{key}"
        if key in _TIME_LAYOUT:
            yield (
                f"{name}: is refused: Logz.io reads each prefix in alphabetical order and never looks back, so any "
                "layout but one prefix per partition loses events; accepted: leave it out"
            )
        elif key in OWN_CONNECTOR_PROPERTIES or key.startswith("transforms"):
            yield f"{name}: is set by the project; accepted: the setting that stands for it, or leave it out"
        elif key.startswith(_FOREIGN_CLIENTS):
            yield f"{name}: would send the connector to another cluster or group; accepted: leave it out"


def _raw_has_no_renames(sections: Mapping[str, Any], _: str | None) -> Iterator[str]:
    connector = sections.get("connector")
    if connector is None or connector.format != "raw" or "renames" not in connector.model_fields_set:
        return
    if connector.renames:
        yield (
            f"{NAMESPACE}:connector.renames: raw bytes have no fields to rename; accepted: leave it out, or format json"
        )


RULES: tuple[Rule, ...] = (
    _region_is_readable,
    _bucket_is_beside_the_cluster,
    _every_topic_has_its_partitions,
    _java_runs_the_platform,
    _heap_fits,
    _image_fits,
    _token_is_there,
    _properties_are_further_ones,
    _raw_has_no_renames,
)


def least_heap_mb(partitions: int) -> int:
    """The least heap for a number of partitions, in MiB, with the elastic buffer on.

    Measured: 12 partitions run from 128, with 192 comfortable; 50 die at 384 without the buffer and are
    comfortable at 512 with it. Between and beyond: a line through (12, 192) and (50, 512).
    """
    return 192 if partitions <= 12 else 192 + -(-(partitions - 12) * 320 // 38)


def _region_problem(cluster_region: str | None, region: str) -> str | None:
    if cluster_region is None or cluster_region == region:
        return None
    return (
        f"aws:region: is {region}, but the audit-log cluster is in {cluster_region}; accepted: {cluster_region}, or "
        f"{NAMESPACE}:archive.allowOtherRegion: true where data residency asks for another one"
    )


def _with_token(logzio: Any, environ: Mapping[str, str]) -> Any:
    token = environ.get(TOKEN_VARIABLE)
    if token and (logzio is None or isinstance(logzio, Mapping)):
        return {**(logzio or {}), "apiToken": token}
    return logzio


def _tags(raw: Any, problems: list[str]) -> dict[str, str]:
    if raw is None:
        return {}
    if not isinstance(raw, Mapping) or not all(isinstance(value, str) for value in raw.values()):
        problems.append(f"{NAMESPACE}:tags: is no object of texts; accepted: name: text, ...")
        return {}
    problems += [
        f"{NAMESPACE}:tags.{name}: AWS keeps aws: for itself; accepted: another name"
        for name in raw
        if str(name).lower().startswith("aws:")
    ]
    return {str(name): value for name, value in raw.items()}


def _explained(section: str, model: type[_Section], error: ValidationError) -> Iterator[str]:
    for found in error.errors(include_url=False, include_input=False, include_context=False):
        path = ".".join([f"{NAMESPACE}:{section}", *(str(part) for part in found["loc"] if part != "[key]")])
        if found["type"] == "extra_forbidden":
            known = [field.alias or name for name, field in model.model_fields.items()]
            yield f"{path}: is no setting{_did_you_mean(str(found['loc'][-1]), known)}"
        elif found["type"] == "missing":
            yield f"{path}: is missing; accepted: {_described(model, found['loc'])}"
        elif found["type"] == "value_error":
            yield f"{path}: {found['msg'].removeprefix('Value error, ')}"
        else:
            yield f"{path}: {found['msg'][0].lower()}{found['msg'][1:]}; accepted: {_described(model, found['loc'])}"


def _described(model: type[_Section], location: tuple[int | str, ...]) -> str:
    for name, field in model.model_fields.items():
        if location and location[0] in (name, field.alias):
            return str(field.description)
    return "an object: " + ", ".join(field.alias or name for name, field in model.model_fields.items())


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {close[0]}?" if close else f"; accepted: {', '.join(sorted(known))}"


def _without_secrets(value: Any) -> Any:
    """An encrypted value stands in the file as {"secure": ...}."""
    if isinstance(value, dict):
        if value.keys() == {"secure"}:
            return "placeholder"
        return {name: _without_secrets(inner) for name, inner in value.items()}
    if isinstance(value, str) and value.startswith("{"):
        return json.loads(value)
    return value
