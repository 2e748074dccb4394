"""Every setting: type, default, description, rule. All problems are reported at once, before anything is made.

The stack file holds one object per section (`ccloud-logexporter:source`, `:archive`, `:writer`, `:connector`,
`:worker`, `:logzio`, `:tags`), with names in camelCase. Secrets are never echoed: neither by an error here nor
by the validation library.
"""

import difflib
import functools
import json
import math
import re
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import pulumi
import yaml
from pulumi.runtime.config import CONFIG
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    SecretStr,
    ValidationError,
    create_model,
)
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, ErrorDetails, core_schema

from components import generations, layout, logzio_facts

NAMESPACE = "ccloud-logexporter"
TOKEN_VARIABLE = "LOGZIO_API_TOKEN"  # noqa: S105  # the name of a variable, no token
DEFAULT_TOPIC = "confluent-audit-log-events"

# The bytes that one archived event is taken to need at most when objects are sized (8 KiB, uncompressed), and
# the round number of them that stays under what Logz.io fetches: 6,100 x 8 KiB = 49,971,200 bytes.
EVENT_BYTES = 8192
MAX_FLUSH_SIZE = logzio_facts.MAX_OBJECT_BYTES // EVENT_BYTES // 100 * 100

MIB = 1024 * 1024
MIN_PART_SIZE = 5 * MIB  # S3's own lower bound for a part of an upload

# Since 10.6 the sink never overwrites an object (enable.conditional.writes): an overwritten object that Logz.io
# had read already would lose its tail. Major version -> its first minor version that will do.
CONNECTOR_LINES: Mapping[int, int] = {10: 6, 11: 0, 12: 0}

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

# MiB of memory of x86 instance types (AWS's tables): the burstable ones by size, the others by what their
# `large` has. A type that is not here is not checked.
_BURSTABLE = {"nano": 512, "micro": 1024, "small": 2048, "medium": 4096, "large": 8192, "xlarge": 16384}
_BURSTABLE_FAMILIES = {"t2", "t3", "t3a"}
_LARGE = {
    **dict.fromkeys(("c5", "c5a", "c6i", "c6a", "c7i", "c7a", "c7i-flex"), 4096),
    **dict.fromkeys(("m5", "m5a", "m6i", "m6a", "m7i", "m7a", "m7i-flex"), 8192),
    **dict.fromkeys(("r5", "r5a", "r6i", "r6a", "r7i", "r7a"), 16384),
}
_TIMES_LARGE = {"large": 1, "xlarge": 2, "2xlarge": 4, "4xlarge": 8}

# Graviton: the family's generation is followed by a g (t4g, m7gd, im4gn); a1 came before that rule.
_ARM_TYPE = re.compile(r"^(a1|[a-z]+\d+g[a-z]*)\.")

# What the system, the JVM's own needs and a package upgrade take beside the heap.
OTHER_MEMORY_MB = 640

# Measured with the elastic buffer on and parts of 5 MiB: 12 partitions run with 128 MiB of heap, 50 are comfortable
# with 512. `least_heap_mb` draws the line through both.
MEASURED_PARTITIONS = (12, 50)
MEASURED_HEAP_MB = (128, 512)
LEAST_HEAP_MB = MEASURED_HEAP_MB[0]

# An object in S3 takes ten tags at most; the project's own stand on every resource, the sentinel objects too.
MAX_TAGS = 10
OWN_TAGS = ("Project", "Stack", "ManagedBy")


class SettingsError(pulumi.RunError, ValueError):
    """The settings cannot be used; `problems` has one line for each thing to mend.

    A RunError: Pulumi shows its text, without the program's stack trace.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        lines = "".join(f"\n  - {problem}" for problem in self.problems)
        super().__init__(f"{len(self.problems)} setting(s) to mend, nothing was made:{lines}")


@dataclass(frozen=True)
class Checked:
    """A check of a text or a secret, beside the words for what it accepts.

    `check` gives the value as it is to be used, or raises a ValueError that says what is wrong, without the value.
    """

    accepted: str
    check: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def _checked(self, value: Any) -> Any:
        try:
            return self.check(value)
        except ValueError as wrong:
            raise ValueError(f"{wrong}; accepted: {self.accepted}") from None


def _form(pattern: str, accepted: str) -> Checked:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError("has another form")
        return value

    return Checked(accepted, check)


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:  # its text may quote the address, and with it a password
        raise ValueError("is no URL") from None
    if re.search(r"[^!-~]|['\"\\$`<>]", value) or "@" in parts.netloc:
        raise ValueError("holds credentials, a space, a quote or another character that no plain URL has")
    loopback = host in {"127.0.0.1", "localhost", "::1"}
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and loopback)):
        raise ValueError("is no https URL")
    return value


def _base_url(value: str) -> str:
    """An address to which paths are appended."""
    if re.search(r"[?#]", _url(value)):
        raise ValueError("has a query or a fragment")
    return value.rstrip("/")


_SERVER = re.compile(
    r"(?:SASL_SSL://)?(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?):(?P<port>\d{1,5})", re.IGNORECASE
)


def normalise_bootstrap_servers(value: str) -> str:
    """`SASL_SSL://host:9092` -> `host:9092`; several are separated by commas.

    Raises:
        ValueError: a host or a port is missing.
    """
    found = [_SERVER.fullmatch(server.strip()) for server in value.split(",")]
    servers = [server for server in found if server is not None and 0 < int(server["port"]) < 65536]
    if len(servers) < len(found):
        raise ValueError("has no host and port")
    return ",".join(f"{server['host']}:{int(server['port'])}" for server in servers)


# What S3 keeps for itself (docs.aws.amazon.com, "General purpose bucket naming rules").
_RESERVED_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def _bucket_name(value: str) -> str:
    starts = [start for start in _RESERVED_STARTS if value.startswith(start)]
    ends = [end for end in _RESERVED_ENDS if value.endswith(end)]
    if starts or ends:
        raise ValueError(f"has {(starts + ends)[0]}, which S3 keeps for itself")
    if "." in value:
        raise ValueError(
            "has a dot: legal in S3, but its certificate does not cover such a host name, so TLS breaks"
        )
    if not 3 <= len(value) <= 63:
        raise ValueError(f"has {len(value)} characters")
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", value):
        raise ValueError("is no bucket name")
    return value


def _secret(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text:
        raise ValueError("is empty")
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError("holds a space, a line break or another character that no issued secret has")
    # The Kafka secret stands between quotes in a JAAS line, and ${ is where Kafka Connect looks values up.
    if re.search(r"[\"'\\]|\$\{", text):
        raise ValueError("holds a quote, a backslash or ${")
    return value


def _topic(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", value) or value in {".", ".."}:
        raise ValueError("is no name of a Kafka topic")
    return value


def _topics_dir(value: str) -> str:
    parts = value.split("/")
    if len(value) > 200 or not all(re.fullmatch(r"[A-Za-z0-9._-]+", part) for part in parts):
        raise ValueError("is no part of an object's key")
    if {".", ".."} & set(parts):
        raise ValueError("has a part . or .., which addresses resolve away")
    return value


def _not_built_in(value: str) -> str:
    if not re.fullmatch(r"[!-~]{1,100}", value):
        raise ValueError("is empty, too long or has a space")
    if value.lower() in logzio_facts.BUILT_IN_LOG_TYPES:
        raise ValueError("is a built-in type of Logz.io, whose parser would take the events apart")
    return value


def _connector_version(value: str) -> str:
    if not re.fullmatch(r"\d+\.\d+\.\d+", value):
        raise ValueError("is no version")
    major, minor, _ = (int(part) for part in value.split("."))
    if major > max(CONNECTOR_LINES):
        raise ValueError("is of a line that is not known to work")
    if minor < CONNECTOR_LINES.get(major, minor + 1):
        raise ValueError("has no conditional writes, so that it overwrites objects after a crash")
    return value


def _known_platform(value: str) -> str:
    if value not in JAVA_FOR_PLATFORM:
        raise ValueError("is not known to work")
    return value


def _key_generations(value: tuple[int, ...]) -> tuple[int, ...]:
    generations.check(value)
    return value


def _fingerprint(value: str) -> str:
    """As gpg shows it, in groups, or without spaces."""
    text = value.replace(" ", "").upper()
    if not re.fullmatch(r"[0-9A-F]{40}", text):
        raise ValueError("is no fingerprint")
    return text


def _number_as_text(value: Any) -> Any:
    """YAML reads 7.9 as a number, and `pulumi config set --path` makes one of 5; here they are texts."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


Secret = Annotated[SecretStr, Checked("the secret as it was issued", _secret)]
Url = Annotated[str, Checked("https://host[:port][/path] (http only for 127.0.0.1)", _url)]
BaseUrl = Annotated[
    str, Checked("https://host[:port][/path], without a query (http only for 127.0.0.1)", _base_url)
]
Topic = Annotated[str, Checked("1 to 249 of A-Z a-z 0-9 . _ -", _topic)]
Partitions = Annotated[int, Field(ge=1, le=1000)]
FieldName = Annotated[str, _form(r"[^\s:,$\\]+", "a name without spaces, colons, commas, $ and backslashes")]
AsText = Annotated[str, BeforeValidator(_number_as_text)]

KeyGenerations = Annotated[
    tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...],
    Field(strict=False),  # YAML has lists, no tuples
    Checked("one generation, or two that follow each other, e.g. [1, 2]", _key_generations),
]

_EC2_ID = r"(?:[0-9a-f]{8}|[0-9a-f]{17})"


class _Section(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        # No guesses: `yes` is no number of partitions.
        strict=True,
        # A validation error is not to show what was given: it may be a secret.
        hide_input_in_errors=True,
    )


SnsTopicArn = Annotated[
    str, _form(r"arn:aws:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+", "arn:aws:sns:<region>:<account>:<topic>")
]


class Source(_Section):
    """The audit-log cluster: an endpoint with a key, or the three ids from which both are found and made."""

    bootstrap_servers: (
        Annotated[
            str,
            Checked(
                "host:port, e.g. pkc-abc12.us-west-2.aws.confluent.cloud:9092", normalise_bootstrap_servers
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="Endpoint of the audit-log cluster, host:port. Leave out to have it looked up by the ids.",
    )
    api_key: Annotated[str, _form(r"[A-Za-z0-9_-]{4,64}", "the key as it was issued")] | None = Field(
        default=None, description="API key of the audit-log cluster. Leave out to have one made by the ids."
    )
    api_secret: Secret | None = Field(default=None, description="Its secret.")
    cluster: Annotated[str, _form(r"lkc-[a-z0-9]+", "lkc- and a-z, 0-9")] | None = Field(
        default=None, description="Id of the audit-log cluster, from `confluent audit-log describe`."
    )
    environment: Annotated[str, _form(r"env-[a-z0-9]+", "env- and a-z, 0-9")] | None = Field(
        default=None, description="Id of its environment, from the same command."
    )
    service_account: Annotated[str, _form(r"sa-[a-z0-9]+", "sa- and a-z, 0-9")] | None = Field(
        default=None,
        description="Id of the audit log's own service account, from the same command; it will own the key.",
    )
    key_generations: KeyGenerations = Field(
        default=(1,),
        description="Generations of the API key that the program makes; the last one is in use. `make rotate` "
        "changes it.",
    )
    topics: Annotated[tuple[Topic, ...], Field(strict=False)] = Field(  # YAML has lists, no tuples
        default=(DEFAULT_TOPIC,), description="Topics to archive."
    )
    partitions: dict[Topic, Partitions] = Field(
        description="Number of partitions of each topic, as Kafka has it. No default: a number that is too small "
        "loses the events of the partitions beyond it in Logz.io."
    )


class Archive(_Section):
    """The organisation's own bucket."""

    bucket: Annotated[
        str,
        Checked(
            "3 to 63 of a-z, 0-9 and hyphens, starting and ending with a letter or digit, none of S3's own "
            f"beginnings ({', '.join(_RESERVED_STARTS)}) and endings ({', '.join(_RESERVED_ENDS)})",
            _bucket_name,
        ),
    ] = Field(description="Name of the bucket; unique in all of S3.")
    retention_days: Annotated[int, Field(ge=1, le=36500)] | None = Field(
        default=None, description="Days after which events are deleted; none keeps them for ever."
    )
    kms_key_arn: (
        Annotated[
            str,
            _form(
                r"arn:aws:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+", "arn:aws:kms:<region>:<account>:key/<id>"
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="KMS key that encrypts the objects, in the bucket's region; none takes S3's own.",
    )
    object_lock_days: Annotated[int, Field(ge=1, le=36500)] | None = Field(
        default=None,
        description="Days for which nobody, the account's owner included, can delete or change an event (S3 Object "
        "Lock in compliance mode, with versions). What is locked stays locked: leaving it out again does not undo it.",
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
    key_generations: KeyGenerations = Field(
        default=(1,),
        description="Generations of the user's key; the last one is in use. `make rotate` changes it.",
    )


class Connector(_Section):
    """The S3 sink."""

    name: Annotated[str, _form(r"[A-Za-z0-9._-]{1,200}", "1 to 200 of A-Z a-z 0-9 . _ -")] = Field(
        default="auditlog-connector-s3-sink",
        description="Name of the connector and, with `connect-` before it, of its consumer group. A new name reads "
        "the topic again from its beginning.",
    )
    topics_dir: Annotated[
        str,
        Checked(
            "up to 200 of A-Z a-z 0-9 . _ - and slashes between, no slash at either end, no part . or ..",
            _topics_dir,
        ),
    ] = Field(default="topics", description="First part of every object's key.")
    flush_size: Annotated[int, Field(ge=1000, le=MAX_FLUSH_SIZE)] = Field(
        default=5000,
        description="Most events in an object. At 8 KiB each they stay under the 50 MB that Logz.io fetches; "
        "with fewer than 1000, a crash while catching up would leave events unread there.",
    )
    rotation_seconds: Annotated[int, Field(ge=5, le=3600)] = Field(
        default=60,
        description="Most seconds that an event waits for its object. Never off: the last events of a quiet "
        "partition would stay behind and be lost after 7 days.",
    )
    part_size: Annotated[int, Field(ge=MIN_PART_SIZE, le=100 * MIB)] = Field(
        default=MIN_PART_SIZE,
        description="Bytes of a part of an upload; S3 takes 5 MiB at least. Each partition may hold one in memory.",
    )
    format: Literal["json", "raw"] = Field(
        default="json",
        description="`json`: searchable, with renamed fields. `raw`: the bytes as Confluent sent them.",
    )
    compression: Literal["gzip", "none"] = Field(default="gzip", description="Compression of the objects.")
    compression_level: Annotated[int, Field(ge=1, le=9)] = Field(
        default=6,
        description="gzip's level; 1 is a fifth faster and its objects nearly half as large again.",
    )
    renames: dict[FieldName, FieldName] = Field(
        default={"time": "@timestamp", "type": "event_type"},
        description="Top-level fields that get another name (json only). Logz.io takes `@timestamp` as the event's "
        "time and keeps `type` for itself.",
    )
    version: Annotated[
        AsText,
        Checked("three numbers, 10.6.0 or later (conditional writes), up to line 12", _connector_version),
    ] = Field(default="12.1.11", description="Version of Confluent's S3 sink connector.")
    archive_url: Url | None = Field(
        default=None,
        description="Where its zip is downloaded; Confluent Hub's address of the version if left out.",
    )
    archive_sha256: Annotated[str, _form(r"[0-9a-f]{64}", "64 hexadecimal digits, lower case")] | None = (
        Field(default=None, description="SHA-256 of the zip; with it, any other zip is refused.")
    )
    properties: dict[Annotated[str, _form(r"[A-Za-z0-9._-]+", "a name of A-Z a-z 0-9 . _ -")], AsText] = (
        Field(
            default={},
            description="Further connector properties; none of those that the project sets. They stand in plain text.",
        )
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

    s3: BaseUrl | None = Field(default=None, description="Endpoint of S3.")
    ssm: BaseUrl | None = Field(
        default=None, description="Endpoint of Systems Manager (the parameter store)."
    )
    cloudwatch: BaseUrl | None = Field(default=None, description="Endpoint of CloudWatch.")


class Worker(_Section):
    """The VM and what is installed on it."""

    platform_version: Annotated[AsText, Checked(", ".join(JAVA_FOR_PLATFORM), _known_platform)] = Field(
        default="7.9", description="Line of the Confluent Platform."
    )
    java_version: int = Field(
        default=8, description="Java on the VM: 8, 11 or 17 for platform 7.x, 17 or 21 for 8.x."
    )
    package: Literal["confluent-kafka", "confluent-platform"] = Field(
        default="confluent-kafka",
        description="`confluent-kafka` has all that is needed; `confluent-platform` is everything, as in the article.",
    )
    instance_type: Annotated[str, _form(r"[a-z0-9-]+\.[a-z0-9-]+", "a type of EC2, e.g. t3.small")] = Field(
        default="t3.small", description="EC2 instance type."
    )
    ami: Annotated[str, _form(f"ami-{_EC2_ID}", "ami- and 8 or 17 hexadecimal digits")] | None = Field(
        default=None,
        description="Image of a Debian family; the newest Ubuntu LTS at the first `up` if left out.",
    )
    subnet_id: Annotated[str, _form(f"subnet-{_EC2_ID}", "subnet- and 8 or 17 hexadecimal digits")] | None = (
        Field(
            default=None,
            description="An existing subnet with a way out; a small network of its own if left out.",
        )
    )
    volume_gb: Annotated[int, Field(ge=10, le=1000)] = Field(
        default=20, description="Size of the encrypted root volume, in GiB."
    )
    heap_mb: Annotated[int, Field(ge=LEAST_HEAP_MB, le=65536)] = Field(
        default=384,
        description=f"Heap of Kafka Connect, in MiB. {LEAST_HEAP_MB} carry {MEASURED_PARTITIONS[0]} partitions, "
        f"{MEASURED_HEAP_MB[1]} carry {MEASURED_PARTITIONS[1]}.",
    )
    log_level: Literal["INFO", "DEBUG"] = Field(
        default="INFO", description="Log level of Kafka Connect; DEBUG to look into a fault."
    )
    rest_port: Annotated[int, Field(ge=1024, le=65535)] = Field(
        default=8083, description="Port of Connect's REST interface, on 127.0.0.1 only."
    )
    repository_url: BaseUrl = Field(
        default="https://packages.confluent.io/deb",
        description="Package repository; the platform version is appended.",
    )
    repository_key_url: Url | None = Field(
        default=None,
        description="Its public key; `<repositoryUrl>/<platformVersion>/archive.key` if left out.",
    )
    # Confluent's own, as gpg shows it for https://packages.confluent.io/deb/7.4/archive.key; the same key signs
    # the other lines and the client packages.
    repository_key_fingerprint: Annotated[str, Checked("40 hexadecimal digits", _fingerprint)] = Field(
        default="CBBB821E8FAF364F79835C438B1DA6120C2BF624",
        description="Fingerprint of that key; any other key is refused.",
    )
    metrics: bool = Field(
        default=True,
        description="Whether the VM's watchdog sends metrics to CloudWatch, with an alarm on each that matters. "
        "Without, it only writes a line in the VM's journal every minute.",
    )
    alarm_topic_arn: SnsTopicArn | None = Field(
        default=None, description="SNS topic that is told of alarms; none shows them in CloudWatch only."
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
    api_url: BaseUrl | None = Field(
        default=None, description="Address of the account API, if it is not the region's own."
    )
    api_token: Secret | None = Field(
        default=None, description=f"API token of the account. The environment variable {TOKEN_VARIABLE} wins."
    )
    log_type: Annotated[
        str, Checked("1 to 100 characters, no spaces, no type that Logz.io parses itself", _not_built_in)
    ] = Field(default="confluent_audit", description="Value of the field `type` in Logz.io.")
    authentication: Literal["role", "keys"] = Field(
        default="role",
        description="How Logz.io reads the bucket: a role that only this account can take, or a user's key.",
    )
    key_generations: KeyGenerations = Field(
        default=(1,),
        description="Generations of that user's key; the last one is in use. `make rotate` changes it.",
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
    tags: dict[str, AsText] = Field(
        default={},
        description=f"Tags of every resource, beside the project's own ({', '.join(OWN_TAGS)}); at most "
        f"{MAX_TAGS - len(OWN_TAGS)}.",
    )
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
    known: dict[str, Any] = {"region": region}
    given = {**raw, "logzio": _with_token(raw.get("logzio"), environ)}
    names = [*SECTIONS, "tags"]
    problems += [_unknown(str(name), str(name), names) for name in given if name not in names]
    for section, model in SECTIONS.items():
        problems += _read(section, model, {} if given.get(section) is None else given[section], known)
    tags = _tags(given.get("tags"), problems)
    for needs, rule in RULES:
        # What is wrong by itself has been told; a rule looks only at settings that are right by themselves.
        if all(name in known for name in needs):
            problems += rule(*(known[name] for name in needs))
    if problems or region is None:
        raise SettingsError(problems)
    return Settings(**{section: known[section] for section in SECTIONS}, tags=tags, region=region)


def from_pulumi(config: pulumi.Config, environ: Mapping[str, str]) -> Settings:
    """Settings of the stack that Pulumi runs.

    Raises:
        SettingsError: with every problem at once.
    """
    # pulumi.Config does not list its names, and a misspelt section is to be seen. The language host hands all of
    # them over in this variable, or the SDK's own host in this mapping.
    stack = {**json.loads(environ.get("PULUMI_CONFIG", "{}")), **CONFIG.get()}
    given = {name.partition(":")[2] for name in stack if name.startswith(f"{NAMESPACE}:")}
    names = sorted({*SECTIONS, "tags", *given})
    # Not get_object: its refusal of what is no JSON quotes the value, and with it a secret.
    raw = {name: _parsed(config.get(name)) for name in names}
    return load(raw, region=pulumi.Config("aws").get("region"), environ=environ)


def load_stack_file(path: Path) -> Settings:
    """Settings of a stack file without engine or secrets: each encrypted or missing secret is a placeholder.

    Raises:
        SettingsError: with every problem at once.
        OSError: the file cannot be read.
    """
    config = _stack_config(path)
    sections = {
        name.removeprefix(f"{NAMESPACE}:"): _parsed(value)
        for name, value in config.items()
        if name.startswith(f"{NAMESPACE}:")
    }
    encrypted = [name for name, value in sections.items() if _is_encrypted(value)]
    if encrypted:
        raise SettingsError(
            _problem(
                name,
                "is encrypted as a whole",
                f"`pulumi config set --secret --path {NAMESPACE}:{name}.<name>`",
            )
            for name in encrypted
        )
    raw = {name: _without_secrets(value) for name, value in sections.items()}
    source = raw.get("source")
    if isinstance(source, dict) and "apiKey" in source:
        source.setdefault("apiSecret", _PLACEHOLDER)
    return load(raw, region=config.get("aws:region"), environ={TOKEN_VARIABLE: _PLACEHOLDER})


def secret(value: SecretStr) -> pulumi.Output[str]:
    """A secret as Pulumi keeps it: encrypted in the state and hidden in its output."""
    return pulumi.Output.secret(value.get_secret_value())


def warnings(settings: Settings) -> list[str]:
    """What works but deserves a look."""
    found = []
    connector = settings.connector
    if connector.archive_sha256 is None:
        found.append(
            f"{NAMESPACE}:connector.archiveSha256 is not set: the connector's archive is installed unchecked"
        )
    if connector.format == "raw" or connector.renames.get("time") != "@timestamp":
        setting = "format is raw" if connector.format == "raw" else "renames has no time: @timestamp"
        found.append(
            f"{NAMESPACE}:connector.{setting}: Logz.io shows each event at the time of its arrival, not at its own"
        )
    return found


def region_of_endpoint(bootstrap_servers: str) -> str | None:
    """us-west-2 from `pkc-abc12.us-west-2.aws.confluent.cloud:9092`; None where the name does not tell."""
    match = re.search(r"\.([a-z]{2}(?:-[a-z]+)+-\d)\.aws\.", bootstrap_servers.lower())
    return match.group(1) if match else None


def require_region(cluster_region: str, region: str, *, allow_other_region: bool) -> None:
    """Holds the bucket's region against the audit-log cluster's.

    Raises:
        SettingsError: they differ and that is not allowed.
    """
    problem = _region_problem(cluster_region, region)
    if problem and not allow_other_region:
        raise SettingsError([problem])


def least_heap_mb(partitions: int, part_size: int = MIN_PART_SIZE) -> int:
    """The least heap in MiB for a number of partitions, with the elastic buffer on.

    A line through what was measured with parts of 5 MiB. A larger part (`part_size`, in bytes) may fill up in
    each partition at once, so that what it has more comes on top for each of them.
    """
    few, many = MEASURED_PARTITIONS
    slope = (MEASURED_HEAP_MB[1] - MEASURED_HEAP_MB[0]) / (many - few)
    larger_parts = partitions * (part_size - MIN_PART_SIZE) / MIB
    return math.ceil(LEAST_HEAP_MB + max(0, partitions - few) * slope + larger_parts)


def instance_memory_mb(instance_type: str) -> int | None:
    """MiB of memory of an instance type; None for one that is not in the tables."""
    family, _, size = instance_type.partition(".")
    if family in _BURSTABLE_FAMILIES:
        return _BURSTABLE.get(size)
    if family in _LARGE and size in _TIMES_LARGE:
        return _LARGE[family] * _TIMES_LARGE[size]
    return None


def accepted(annotation: Any) -> str:
    """What a setting of this type takes, in words; from the very annotation that checks it."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is None:
        simple = {str: "text", int: "whole number", bool: "`true`, `false`", SecretStr: "secret"}
        words = simple.get(annotation) or f"object with {', '.join(_names(annotation))}"
    elif origin is Annotated:
        words = _accepted_with(arguments[0], arguments[1:])
    elif origin is Literal:
        words = ", ".join(f"`{one}`" for one in arguments)
    elif origin is tuple:
        words = f"list, each: {accepted(arguments[0])}"
    elif origin is dict:
        words = f"object, each value: {accepted(arguments[1])}"
    else:
        words = " or ".join(accepted(one) for one in arguments if one is not types.NoneType)
    return words


def _accepted_with(annotation: Any, metadata: Iterable[Any]) -> str:
    text = accepted(annotation)
    for one in metadata:
        if isinstance(one, Checked) and annotation is not SecretStr:
            text = f"{text}: {one.accepted}"
        elif isinstance(one, FieldInfo) and one.metadata and annotation is int:
            least = next(bound.ge for bound in one.metadata if hasattr(bound, "ge"))
            most = next(bound.le for bound in one.metadata if hasattr(bound, "le"))
            text = f"{text}, {least} to {most}"
    return text


def annotation_at(model: type[BaseModel], location: Iterable[int | str]) -> Any:
    """The annotation of a setting in a section: ("endpoints", "s3") -> that of `Endpoints.s3`.

    Raises:
        KeyError: there is no such setting.
    """
    annotation: Any = model
    for step in location:
        annotation = _plain(annotation)
        arguments = typing.get_args(annotation)
        if arguments:
            annotation = arguments[-1] if typing.get_origin(annotation) is dict else arguments[0]
        else:
            hints = typing.get_type_hints(annotation, include_extras=True)
            name = {field.alias: name for name, field in annotation.model_fields.items()}.get(
                str(step), str(step)
            )
            annotation = hints[name]
    return annotation


def _plain(annotation: Any) -> Any:
    """Without metadata and without `| None`."""
    while typing.get_origin(annotation) in (Annotated, typing.Union, types.UnionType):
        annotation = typing.get_args(annotation)[0]
    return annotation


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _problem(setting: str, wrong: str, accepted_instead: str) -> str:
    return f"{NAMESPACE}:{setting}: {wrong}; accepted: {accepted_instead}"


def _unknown(setting: str, name: str, names: Iterable[str]) -> str:
    names = list(names)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f", did you mean {close[0]}?" if close else ""
    return _problem(setting, f"is no setting{hint}", ", ".join(names))


def _read(section: str, model: type[_Section], raw: Any, known: dict[str, Any]) -> list[str]:
    """Reads one section: the problems of its settings, each by itself.

    Enters into `known` the section if it is right as a whole, each setting that is right by itself
    (`worker.heap_mb`), and which settings were given at all (`worker given`, camelCase).
    """
    if not isinstance(raw, Mapping):
        return [_problem(section, "is no object", f"an {accepted(model)}")]
    raw = {str(name): value for name, value in raw.items() if value is not None}
    problems, wrong = [], set()
    try:
        value = known[section] = model.model_validate(raw)
    except ValidationError as error:
        found = error.errors(include_url=False)
        problems = [_explained(section, model, one) for one in found]
        wrong = {str(one["loc"][0]) for one in found}
        value = _lenient(model).model_validate({name: raw[name] for name in raw if name not in wrong})
    for name, field in model.model_fields.items():
        if not wrong & {name, field.alias}:
            known[f"{section}.{name}"] = getattr(value, name)
    known[f"{section} given"] = {to_camel(name) for name in raw}
    return problems


@functools.cache
def _lenient(model: type[_Section]) -> type[_Section]:
    """The section with nothing required, to read what is right beside what is wrong."""
    required: dict[str, Any] = {
        name: (field.annotation, None) for name, field in model.model_fields.items() if field.is_required()
    }
    return create_model(model.__name__, __base__=model, **required)


_BOUNDS = {"greater_than_equal", "less_than_equal"}
_WRONG = {
    "missing": "is missing",
    "literal_error": "is none of these",
    "greater_than_equal": "{} is too small",
    "less_than_equal": "{} is too large",
}


def _explained(section: str, model: type[_Section], found: ErrorDetails) -> str:
    """One error of the validation library as a line that never shows a text that was given."""
    location = [part for part in found["loc"] if part != "[key]"]
    setting = ".".join([section, *(str(part) for part in location)])
    kind = found["type"]
    if kind == "extra_forbidden":
        return _unknown(setting, str(location[-1]), _names(_plain(annotation_at(model, location[:-1]))))
    if kind == "value_error":
        line = f"{NAMESPACE}:{setting}: {found['msg'].removeprefix('Value error, ')}"
    else:
        # Only a number is ever shown: no secret is one.
        wrong = _WRONG.get(kind, "is of another type").format(found["input"] if kind in _BOUNDS else None)
        line = _problem(setting, wrong, accepted(annotation_at(model, location)))
    fields = model.model_fields.items()
    described = next(field for name, field in fields if location[0] in (name, field.alias))
    return f"{line}. {described.description}"


def _tags(raw: Any, problems: list[str]) -> dict[str, str]:
    """AWS's rules for tags, and IAM's, which takes names for the same that differ in case alone."""
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        problems.append(_problem("tags", "is no object", "an object: name to text"))
        return {}
    tags = {str(name): _number_as_text(value) for name, value in raw.items()}
    for name, value in tags.items():
        text = re.compile(r"[\w\s.:/=+@-]*")
        if name.lower().startswith("aws:"):
            problems.append(
                _problem(f"tags.{name}", "has a name that AWS keeps for itself", "no aws: before it")
            )
        elif not (0 < len(name) <= 128 and text.fullmatch(name)):
            problems.append(
                _problem(f"tags.{name}", "is no name", "1 to 128 letters, digits, spaces and _.:/=+-@")
            )
        if not (isinstance(value, str) and len(value) <= 256 and text.fullmatch(value)):
            problems.append(
                _problem(f"tags.{name}", "is no value", "up to 256 letters, digits, spaces and _.:/=+-@")
            )
    all_names = [*(name for name in OWN_TAGS if name not in tags), *tags]
    if len(all_names) > MAX_TAGS:
        most = MAX_TAGS - len(OWN_TAGS)
        problems.append(
            _problem("tags", f"has {len(tags)} tags", f"at most {most}: an object in S3 takes {MAX_TAGS}")
        )
    if len({name.lower() for name in all_names}) < len(all_names):
        problems.append(
            _problem(
                "tags",
                "has names that differ only in case, from each other or from the project's own",
                f"names that differ from each other and from {', '.join(OWN_TAGS)}",
            )
        )
    return tags


# Rules across settings. `RULES` at the end says which settings each looks at.


def _endpoint_or_ids(given: set[str]) -> Iterator[str]:
    endpoint = {"bootstrapServers", "apiKey", "apiSecret"}
    ids = {"cluster", "environment", "serviceAccount"}
    way = given & (endpoint | ids)
    if way not in (endpoint, ids):
        yield _problem(
            "source",
            f"has {', '.join(sorted(way)) or 'no cluster'}",
            "either bootstrapServers, apiKey and apiSecret, or cluster, environment and serviceAccount",
        )


def _given_key_has_no_generations(given: set[str]) -> Iterator[str]:
    if {"apiKey", "keyGenerations"} <= given:
        yield _problem(
            "source.keyGenerations",
            "is set, but the key is given as apiKey",
            "leave it out; a given key is rotated by giving another one",
        )


def _role_has_no_key(section: str) -> Callable[[set[str], str], Iterator[str]]:
    def rule(given: set[str], way: str) -> Iterator[str]:
        if way == "role" and "keyGenerations" in given:
            yield _problem(f"{section}.keyGenerations", "is set, but a role has no key", "leave it out")

    return rule


def _region_is_readable(region: str | None) -> Iterator[str]:
    regions = ", ".join(logzio_facts.BUCKET_REGIONS)
    if region is None:
        yield f"aws:region: is missing; accepted: {regions}"
    elif region not in logzio_facts.BUCKET_REGIONS:
        yield f"aws:region: Logz.io cannot read a bucket in {region}; accepted: {regions}"


def _bucket_is_beside_the_cluster(
    bootstrap_servers: str | None, allow_other_region: bool, region: str | None
) -> Iterator[str]:
    if bootstrap_servers is None or region is None or allow_other_region:
        return
    problem = _region_problem(region_of_endpoint(bootstrap_servers), region)
    if problem:
        yield problem


def _region_problem(cluster_region: str | None, region: str) -> str | None:
    if cluster_region is None or cluster_region == region:
        return None
    return (
        f"aws:region: is {region}, but the audit-log cluster is in {cluster_region}; accepted: {cluster_region}, or "
        f"{NAMESPACE}:archive.allowOtherRegion: true where data residency asks for another one"
    )


def _key_is_in_the_buckets_region(kms_key_arn: str | None, region: str | None) -> Iterator[str]:
    if kms_key_arn is None or region is None:
        return
    key_region = kms_key_arn.split(":")[3]
    if key_region != region:
        yield _problem(
            "archive.kmsKeyArn", f"is a key in {key_region}", f"a key in {region}, where the bucket is"
        )


def _deletion_waits_for_the_lock(
    object_lock_days: int | None, retention_days: int | None, destroy_with_data: bool
) -> Iterator[str]:
    if object_lock_days is None:
        return
    if destroy_with_data:
        yield _problem(
            "archive.destroyWithData",
            "is set together with objectLockDays, and S3 deletes nothing that is locked",
            "one of the two",
        )
    if retention_days is not None and retention_days < object_lock_days:
        yield _problem(
            "archive.retentionDays",
            f"{retention_days} ends before the lock of {object_lock_days} days does",
            f"{object_lock_days} or more",
        )


def _bucket_is_taken_over_or_given_up(adopt_existing: bool, destroy_with_data: bool) -> Iterator[str]:
    if adopt_existing and destroy_with_data:
        yield _problem(
            "archive.adoptExisting",
            "is set together with destroyWithData, but a bucket is taken over as one that is kept",
            f"true with {NAMESPACE}:archive.destroyWithData: false; change that after the `up` that took it over",
        )


def _topic_arn_is_in_the_vms_region(alarm_topic_arn: str | None, region: str | None) -> Iterator[str]:
    if alarm_topic_arn is None or region is None:
        return
    topic_region = alarm_topic_arn.split(":")[3]
    if topic_region != region:
        yield _problem(
            "worker.alarmTopicArn",
            f"is a topic in {topic_region}, and CloudWatch tells only those of its own region",
            f"a topic in {region}",
        )


def _topics_are_named_once(topics: tuple[str, ...]) -> Iterator[str]:
    if not topics:
        yield _problem("source.topics", "is empty", "at least one topic")
    elif len(set(topics)) < len(topics):
        yield _problem("source.topics", "has a topic twice", "each topic once")


def _every_topic_has_its_partitions(topics: tuple[str, ...], partitions: dict[str, int]) -> Iterator[str]:
    if topics and set(topics) != set(partitions):
        shown = ", ".join(sorted(partitions)) or "nothing"
        wanted = ", ".join(dict.fromkeys(topics))
        yield _problem(
            "source.partitions",
            f"has a number for {shown}",
            f"one for each of {wanted}, and for nothing else",
        )


def _java_runs_the_platform(platform_version: str, java_version: int) -> Iterator[str]:
    fitting = JAVA_FOR_PLATFORM[platform_version]
    if java_version not in fitting:
        yield _problem(
            "worker.javaVersion",
            f"{java_version} does not run platform {platform_version}",
            ", ".join(str(version) for version in fitting),
        )


def _heap_carries_the_partitions(heap_mb: int, partitions: dict[str, int], part_size: int) -> Iterator[str]:
    number = sum(partitions.values())
    least = least_heap_mb(number, part_size)
    if heap_mb < least:
        yield _problem(
            "worker.heapMb",
            f"{heap_mb} is too small for {number} partitions with parts of {part_size / MIB:.0f} MiB",
            f"{least} or more",
        )


def _heap_fits_the_instance(heap_mb: int, instance_type: str) -> Iterator[str]:
    memory = instance_memory_mb(instance_type)
    if memory is None or heap_mb <= memory - OTHER_MEMORY_MB:
        return
    most = memory - OTHER_MEMORY_MB
    larger = f"a larger {NAMESPACE}:worker.instanceType"
    yield _problem(
        "worker.heapMb",
        f"{heap_mb} does not fit {instance_type} ({memory} MiB, of which {OTHER_MEMORY_MB} are for the rest)",
        f"at most {most}, or {larger}" if most >= LEAST_HEAP_MB else larger,
    )


def _image_fits_the_instance(instance_type: str, ami: str | None) -> Iterator[str]:
    if ami is None and _ARM_TYPE.match(instance_type):
        yield _problem(
            "worker.instanceType",
            f"{instance_type} is an ARM type and the default image is for x86",
            f"an x86 type, or {NAMESPACE}:worker.ami with an ARM image",
        )


def _token_is_there(api_token: SecretStr | None) -> Iterator[str]:
    if api_token is None:
        yield _problem(
            "logzio.apiToken",
            "is missing",
            f"`pulumi config set --secret --path {NAMESPACE}:logzio.apiToken`, or the environment variable "
            f"{TOKEN_VARIABLE}",
        )


# Connector properties that a setting stands for, and the others that the project sets (components/worker/connect.py:
# a test there holds both lists together) or that would undo what it sets.
_SETTING_OF = {
    "name": "connector.name",
    "topics": "source.topics",
    "topics.dir": "connector.topicsDir",
    "s3.bucket.name": "archive.bucket",
    "s3.part.size": "connector.partSize",
    "format.class": "connector.format",
    "flush.size": "connector.flushSize",
    "rotate.schedule.interval.ms": "connector.rotationSeconds",
    "s3.compression.type": "connector.compression",
    "s3.compression.level": "connector.compressionLevel",
    "store.url": "worker.endpoints.s3",
    "s3.send.digest": "archive.objectLockDays",
}
OWN_CONNECTOR_PROPERTIES = frozenset(_SETTING_OF) | {
    "connector.class",
    "tasks.max",
    "topics.regex",
    "key.converter",
    "value.converter",
    "value.converter.schemas.enable",
    "s3.region",
    "s3.elastic.buffer.enable",
    "storage.class",
    "format.bytearray.extension",
    "schema.compatibility",
    "directory.delim",
    "file.delim",
    "filename.offset.zero.pad.width",
    "timezone",
    "enable.conditional.writes",
    "store.kafka.keys",
    "store.kafka.headers",
    "behavior.on.null.values",
    "errors.tolerance",
    "errors.log.enable",
    "errors.log.include.messages",
    "aws.access.key.id",
    "aws.secret.access.key",
}

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

# Where the consumer may be tuned without taking it to another cluster or group, or past events.
_CONSUMER_TUNING = {
    f"consumer.override.{name}"
    for name in (
        "client.rack",
        "fetch.max.bytes",
        "fetch.max.wait.ms",
        "fetch.min.bytes",
        "heartbeat.interval.ms",
        "max.partition.fetch.bytes",
        "max.poll.interval.ms",
        "max.poll.records",
        "receive.buffer.bytes",
        "request.timeout.ms",
        "session.timeout.ms",
    )
}

# Beginnings of names, what is wrong with them, and what to write instead.
_REFUSED_BEGINNINGS = (
    ("key.converter.", "would change what the project sets", "leave it out"),
    ("value.converter.", "would change what the project sets", "leave it out"),
    ("transforms", "is set by the project", f"{NAMESPACE}:connector.renames"),
    ("predicates", "belongs to transforms, which the project sets", f"{NAMESPACE}:connector.renames"),
    (
        "errors.deadletterqueue.",
        "needs a topic to write to, and the audit-log cluster is read-only",
        "leave it out",
    ),
    (
        "consumer.override.",
        "would send the connector to another cluster, to another group or past events",
        f"{', '.join(sorted(_CONSUMER_TUNING))}, or leave it out",
    ),
    ("producer.override.", "is for another cluster; the connector writes to none", "leave it out"),
    ("admin.override.", "is for another cluster; the connector writes to none", "leave it out"),
)
_SECRET_PROPERTY = re.compile(r"password|secret|token|jaas|customer\.key", re.IGNORECASE)


def _properties_are_further_ones(properties: dict[str, str]) -> Iterator[str]:
    for name in properties:
        refusal = _refusal(name)
        if refusal is not None:
            yield _problem(f"connector.properties.{name}", *refusal)


def _refusal(name: str) -> tuple[str, str] | None:
    """What is wrong with a further property of this name, and what to write instead."""
    if name in _TIME_LAYOUT:
        return (
            "is refused: Logz.io reads each prefix in alphabetical order and never looks back, so any layout but one "
            "prefix per partition, one of time above all, loses events",
            "leave it out",
        )
    if name in OWN_CONNECTOR_PROPERTIES:
        setting = _SETTING_OF.get(name)
        return "is set by the project", f"{NAMESPACE}:{setting}" if setting else "leave it out"
    if name in _CONSUMER_TUNING:
        return None
    if _SECRET_PROPERTY.search(name):
        return "would stand in plain text in the VM's user-data", "leave it out"
    found = (one for one in _REFUSED_BEGINNINGS if name.startswith(one[0]))
    _, wrong, instead = next(found, (None, None, None))
    return (wrong, instead) if wrong and instead else None


def _raw_has_no_renames(data_format: str, renames: dict[str, str], given: set[str]) -> Iterator[str]:
    if data_format == "raw" and renames and "renames" in given:
        yield _problem(
            "connector.renames", "has fields, and raw bytes have none", "leave it out, or format json"
        )


def _renames_lose_no_field(renames: dict[str, str]) -> Iterator[str]:
    if len(set(renames.values())) < len(renames):
        yield _problem(
            "connector.renames",
            "gives two fields the same name, so that one is lost",
            "a name of its own for each",
        )


RULES: tuple[tuple[tuple[str, ...], Callable[..., Iterator[str]]], ...] = (
    (("source given",), _endpoint_or_ids),
    (("source given",), _given_key_has_no_generations),
    (("writer given", "writer.identity"), _role_has_no_key("writer")),
    (("logzio given", "logzio.authentication"), _role_has_no_key("logzio")),
    (("region",), _region_is_readable),
    (("source.bootstrap_servers", "archive.allow_other_region", "region"), _bucket_is_beside_the_cluster),
    (("archive.kms_key_arn", "region"), _key_is_in_the_buckets_region),
    (
        ("archive.object_lock_days", "archive.retention_days", "archive.destroy_with_data"),
        _deletion_waits_for_the_lock,
    ),
    (("archive.adopt_existing", "archive.destroy_with_data"), _bucket_is_taken_over_or_given_up),
    (("worker.alarm_topic_arn", "region"), _topic_arn_is_in_the_vms_region),
    (("source.topics",), _topics_are_named_once),
    (("source.topics", "source.partitions"), _every_topic_has_its_partitions),
    (("worker.platform_version", "worker.java_version"), _java_runs_the_platform),
    (("worker.heap_mb", "source.partitions", "connector.part_size"), _heap_carries_the_partitions),
    (("worker.heap_mb", "worker.instance_type"), _heap_fits_the_instance),
    (("worker.instance_type", "worker.ami"), _image_fits_the_instance),
    (("logzio.api_token",), _token_is_there),
    (("connector.properties",), _properties_are_further_ones),
    (("connector.format", "connector.renames", "connector given"), _raw_has_no_renames),
    (("connector.renames",), _renames_lose_no_field),
)
"""Which settings a rule looks at, and the rule; it is asked when each of them is right by itself."""


_PLACEHOLDER = "placeholder"


def _with_token(logzio: Any, environ: Mapping[str, str]) -> Any:
    token = environ.get(TOKEN_VARIABLE)
    if token and (logzio is None or isinstance(logzio, Mapping)):
        kept = {name: value for name, value in (logzio or {}).items() if name != "api_token"}
        return {**kept, "apiToken": token}
    return logzio


def _parsed(value: Any) -> Any:
    """A section as Pulumi hands it over: JSON in a text. What is no JSON stays, and is refused as no object."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _stack_config(path: Path) -> Mapping[str, Any]:
    try:
        stack = yaml.safe_load(path.read_text())
    except yaml.YAMLError:  # its text quotes the file
        stack = None
    config = stack.get("config") if isinstance(stack, Mapping) else None
    if not isinstance(config, Mapping):
        raise SettingsError([f"{path.name}: is no stack file; accepted: YAML with config:"])
    return {str(name): value for name, value in config.items()}


def _is_encrypted(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"secure"}


def _without_secrets(value: Any) -> Any:
    """An encrypted value stands in the file as {"secure": ...}."""
    if _is_encrypted(value):
        return _PLACEHOLDER
    if isinstance(value, dict):
        return {name: _without_secrets(inner) for name, inner in value.items()}
    return value
