"""Types of single settings, each with a check and the words for what it accepts.

No error shows a value that may be secret.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, SecretStr
from pydantic_core import CoreSchema, core_schema

from components import key_generations
from components.logzio import facts as logzio_facts
from components.loopback import LOOPBACK
from components.settings.platforms import PLATFORMS

# Major version -> its first accepted minor and patch version. Since 10.6 the sink never overwrites an object
# (enable.conditional.writes). An overwritten object that Logz.io had read already would lose its last events there.
# 10.6.0 itself fails if S3 answers 200 with PreconditionFailed in the body (kafka-connect-storage-cloud pull request
# 826).
CONNECTOR_LINES: Mapping[int, tuple[int, int]] = {10: (6, 1), 11: (0, 0), 12: (0, 0)}


@dataclass(frozen=True)
class Checked:
    """A check of a text or a secret, with the words for what it accepts.

    `check` returns the value in its final form, or raises a ValueError that says what is wrong without the value.
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
            raise ValueError("does not have the expected form")
        return value

    return Checked(accepted, check)


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:  # its message may quote the address, which may hold a password
        raise ValueError("is not a URL") from None
    if re.search(r"[^!-~]|['\"\\$`<>]", value) or "@" in parts.netloc:
        raise ValueError("has credentials, a space, a quote or another character that no plain URL has")
    loopback = host in LOOPBACK
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and loopback)):
        raise ValueError("is not an https URL")
    return value


def _base_url(value: str) -> str:
    """A URL that paths are appended to."""
    if re.search(r"[?#]", _url(value)):
        raise ValueError("has a query or a fragment")
    return value.rstrip("/")


_SERVER = re.compile(
    r"(?:SASL_SSL://)?(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?):(?P<port>\d{1,5})", re.IGNORECASE
)


def normalise_bootstrap_servers(value: str) -> str:
    """`SASL_SSL://host:9092` -> `host:9092`; commas separate several.

    Raises:
        ValueError: a host or a port is missing.
    """
    found = [_SERVER.fullmatch(server.strip()) for server in value.split(",")]
    servers = [server for server in found if server is not None and 0 < int(server["port"]) < 65536]
    if len(servers) < len(found):
        raise ValueError("has no host and port")
    return ",".join(f"{server['host']}:{int(server['port'])}" for server in servers)


# Names that S3 reserves (docs.aws.amazon.com, "General purpose bucket naming rules").
_RESERVED_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def _bucket_name(value: str) -> str:
    starts = [start for start in _RESERVED_STARTS if value.startswith(start)]
    ends = [end for end in _RESERVED_ENDS if value.endswith(end)]
    if starts or ends:
        raise ValueError(f"has {(starts + ends)[0]}, which S3 reserves")
    if "." in value:
        raise ValueError(
            "has a dot: legal in S3, but S3's certificate does not cover such a host name, so TLS fails"
        )
    if not 3 <= len(value) <= 63:
        raise ValueError(f"has {len(value)} characters")
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", value):
        raise ValueError("is not a bucket name")
    return value


def _secret(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text:
        raise ValueError("is empty")
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError("has a space, a line break or another character that no issued secret has")
    # The Kafka secret is put between quotes in a JAAS line, and Kafka Connect replaces ${...} with a value it looks up.
    if re.search(r"[\"'\\]|\$\{", text):
        raise ValueError("has a quote, a backslash or ${")
    return value


def _topic(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", value) or value in {".", ".."}:
        raise ValueError("is not the name of a Kafka topic")
    return value


def _topics_dir(value: str) -> str:
    parts = value.split("/")
    if len(value) > 200 or not all(re.fullmatch(r"[A-Za-z0-9._-]+", part) for part in parts):
        raise ValueError("is not a part of an object's key")
    if {".", ".."} & set(parts):
        raise ValueError("has a part . or .., which clients remove from a URL")
    return value


def _not_built_in(value: str) -> str:
    if not re.fullmatch(r"[!-~]{1,100}", value):
        raise ValueError("is empty, too long or has a space")
    if value.lower() in logzio_facts.BUILT_IN_LOG_TYPES:
        raise ValueError("is a built-in type of Logz.io, whose parser would change the events")
    return value


def _connector_version(value: str) -> str:
    if not re.fullmatch(r"\d+\.\d+\.\d+", value):
        raise ValueError("is not a version")
    major, minor, patch = (int(part) for part in value.split("."))
    if major > max(CONNECTOR_LINES):
        raise ValueError("is of a major version that is not known to work")
    first = CONNECTOR_LINES.get(major)
    if first is None or minor < first[0]:
        raise ValueError("has no conditional writes, so it overwrites objects after a crash")
    if (minor, patch) < first:
        raise ValueError("stops for good if S3 answers 200 with PreconditionFailed after a crash")
    return value


def _known_platform(value: str) -> str:
    if value not in PLATFORMS:
        raise ValueError("is not known to work")
    return value


def _one_as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _fingerprints(values: tuple[str, ...]) -> tuple[str, ...]:
    """Fingerprints in groups of digits, as gpg shows them, or without spaces -> upper case without spaces."""
    found = tuple(value.replace(" ", "").upper() for value in values)
    wrong = [n for n, text in enumerate(found, start=1) if not re.fullmatch(r"[0-9A-F]{40}", text)]
    if wrong:
        raise ValueError(
            "is not a fingerprint" if len(found) == 1 else f"entry {wrong[0]} is not a fingerprint"
        )
    if not found:
        raise ValueError("is empty")
    if len(set(found)) < len(found):
        raise ValueError("has a fingerprint twice")
    return found


def _ipv4(value: str) -> str:
    try:
        return str(IPv4Address(value))
    except ValueError:
        raise ValueError("is not an address") from None


def _email_address(value: str) -> str:
    """An address of ASCII characters, without quotes and comments; whether it exists, only its confirmation shows."""
    name, _, domain = value.rpartition("@")
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}", name):
        raise ValueError("is not an address")
    if len(value) > 254 or not re.fullmatch(r"(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}", domain):
        raise ValueError("has no domain")
    return value


def number_as_text(value: Any) -> Any:
    """A number as text: YAML reads 7.9 as a number, and `pulumi config set --path` turns 5 into one."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


_EC2_ID = r"(?:[0-9a-f]{8}|[0-9a-f]{17})"

AsText = Annotated[str, BeforeValidator(number_as_text)]
Secret = Annotated[SecretStr, Checked("the secret as it was issued", _secret)]
Url = Annotated[str, Checked("https://host[:port][/path] (http only for 127.0.0.1)", _url)]
BaseUrl = Annotated[
    str, Checked("https://host[:port][/path], without a query (http only for 127.0.0.1)", _base_url)
]
Sha256 = Annotated[str, _form(r"[0-9a-f]{64}", "64 hexadecimal digits, lower case")]
Fingerprints = Annotated[
    tuple[str, ...],
    BeforeValidator(_one_as_list),
    Field(strict=False),  # YAML has lists, no tuples
    Checked("40 hexadecimal digits; a single one needs no list", _fingerprints),
]
KeyGenerations = Annotated[
    tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...],
    Field(strict=False),  # YAML has lists, no tuples
    Checked("one generation, or two that follow each other, e.g. [1, 2]", key_generations.check),
]

# Confluent Cloud and Kafka
BootstrapServers = Annotated[
    str, Checked("host:port, e.g. pkc-abc12.us-west-2.aws.confluent.cloud:9092", normalise_bootstrap_servers)
]
ApiKey = Annotated[str, _form(r"[A-Za-z0-9_-]{4,64}", "the key as it was issued")]
ClusterId = Annotated[str, _form(r"lkc-[a-z0-9]+", "lkc- and a-z, 0-9")]
EnvironmentId = Annotated[str, _form(r"env-[a-z0-9]+", "env- and a-z, 0-9")]
ServiceAccountId = Annotated[str, _form(r"sa-[a-z0-9]+", "sa- and a-z, 0-9")]
# Kafka accepts any text, but group names are read from tables of its tools, and a space would end the cell.
ConsumerGroup = Annotated[str, _form(r"[A-Za-z0-9._-]{1,249}", "1 to 249 of A-Z a-z 0-9 . _ -")]
Topic = Annotated[str, Checked("1 to 249 of A-Z a-z 0-9 . _ -", _topic)]
Partitions = Annotated[int, Field(ge=1, le=1000)]

# The connector and its platform
ConnectorName = Annotated[str, _form(r"[A-Za-z0-9._-]{1,200}", "1 to 200 of A-Z a-z 0-9 . _ -")]
TopicsDir = Annotated[
    str,
    Checked(
        "up to 200 of A-Z a-z 0-9 . _ - and slashes between, no slash at either end, no part . or ..",
        _topics_dir,
    ),
]
FieldName = Annotated[str, _form(r"[^\s:,$\\]+", "a name without spaces, colons, commas, $ and backslashes")]
PropertyName = Annotated[str, _form(r"[A-Za-z0-9._-]+", "a name of A-Z a-z 0-9 . _ -")]
ConnectorVersion = Annotated[
    AsText,
    Checked(
        "three numbers, 10.6.1 or later (conditional writes), up to major version 12", _connector_version
    ),
]
PackageVersion = Annotated[
    str, _form(r"[0-9][A-Za-z0-9.+~-]*", "the package's full version, as apt shows it, e.g. 7.9.1-1")
]
PlatformVersion = Annotated[AsText, Checked(", ".join(PLATFORMS), _known_platform)]

# AWS
Ipv4 = Annotated[str, Checked("IPv4 addresses, e.g. 10.0.0.2", _ipv4)]
BucketName = Annotated[
    str,
    Checked(
        "3 to 63 of a-z, 0-9 and hyphens, starting and ending with a letter or digit, none of S3's reserved "
        f"beginnings ({', '.join(_RESERVED_STARTS)}) and endings ({', '.join(_RESERVED_ENDS)})",
        _bucket_name,
    ),
]
KmsKeyArn = Annotated[
    str, _form(r"arn:aws:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+", "arn:aws:kms:<region>:<account>:key/<id>")
]
SnsTopicArn = Annotated[
    str, _form(r"arn:aws:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+", "arn:aws:sns:<region>:<account>:<topic>")
]
EmailAddress = Annotated[str, Checked("addresses like security@example.com", _email_address)]
IamPath = Annotated[
    str,
    Field(max_length=512),
    _form(r"/(?:[A-Za-z0-9.,+@=_-]+/)*", "a path of IAM, with a slash at both ends, e.g. /logexporter/"),
]
IamPolicyArn = Annotated[
    str,
    _form(
        r"arn:aws:iam::(?:\d{12}|aws):policy/[A-Za-z0-9.,+@=_/-]+",
        "arn:aws:iam::<account>:policy/<path and name>",
    ),
]
InstanceType = Annotated[str, _form(r"[a-z0-9-]+\.[a-z0-9-]+", "a type of EC2, e.g. t3.small")]
Ami = Annotated[str, _form(f"ami-{_EC2_ID}", "ami- and 8 or 17 hexadecimal digits")]
SubnetId = Annotated[str, _form(f"subnet-{_EC2_ID}", "subnet- and 8 or 17 hexadecimal digits")]

AvailabilityZone = Annotated[
    str, _form(r"[a-z]{2}(?:-[a-z]+)+-\d[a-z]", "an availability zone, e.g. us-west-2a")
]

RebootTime = Annotated[
    str, _form(r"(?:[01]\d|2[0-3]):[0-5]\d|never", 'a time of day in quotes, e.g. "03:30", or never')
]

# Logz.io
LogType = Annotated[
    str, Checked("1 to 100 characters, no spaces, no type that Logz.io parses itself", _not_built_in)
]
