"""What Logz.io documents about itself: regions, hosts, limits, what it can index, and built-in log types.

Sources: the API description (log-shipping/s3-buckets), docs "Account region", "Default parsing", "Understanding
Invalid Log Errors" (docs.logz.io/docs/user-guide/explore/troubleshooting/invalid-log-errors; in the repository
logzio/documentation: docs/open360/explore/troubleshooting/invalid-log-errors.md) and "Field Mapping"
(docs/user-guide/data-hub/field-mapping/field-mapping.md there).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

BUCKET_REGIONS = (
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-central-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "sa-east-1",
    "ap-south-1",
    "ca-central-1",
)
"""AWS regions whose buckets Logz.io can read."""

ACCOUNT_REGIONS = {"us": "", "au": "-au", "ca": "-ca", "eu": "-eu", "uk": "-uk"}
"""Account region -> suffix of its host names."""

ACCOUNT_AWS_REGIONS = {
    "us": "us-east-1",
    "au": "ap-southeast-2",
    "ca": "ca-central-1",
    "eu": "eu-central-1",
    "uk": "eu-west-2",
}
"""Account region -> the AWS region that hosts it."""

TOKEN_VARIABLE = "LOGZIO_API_TOKEN"  # noqa: S105  # the name of a variable, no token
"""The environment variable that holds the API token, here and in Logz.io's own tools."""

SHIPPING_TOKEN_VARIABLE = "LOGZIO_SHIPPING_TOKEN"  # noqa: S105  # the name of a variable, no token
"""The environment variable that holds a log shipping token, which `make replay` sends with."""

MAX_OBJECT_BYTES = 50_000_000
"""Logz.io does not fetch a larger object."""

MAX_BODY_BYTES = 10_485_760
"""The listener refuses a larger request (413). Source: docs, "HTTP"; counted here before compression."""

MAX_LINE_BYTES = 500_000
"""The listener refuses a longer line. Source: docs, "HTTP"."""

MAX_AGGREGATED = 1_000
"""Values that an aggregation of the search returns. Source: API description, "Search logs"."""

SEARCH_DAYS = 2
"""Calendar days (UTC) that a search covers. Source: API description, "Search logs"."""

OBJECT_KEY_FIELD = "s3_object_key"
"""The field with the object's key (`logzio.addObjectKey`). Logz.io's own S3 hook writes this name; no documentation
names it for the S3 fetcher."""

INVALID_LOG = "logzio-invalid-log"
INDEX_FAILURE = "logzio-index-failure"
"""The new `type` of an event that breaks a limit, or that has another type in a field than the field has that day.
Newer editions of the page say that `type` stays and a tag has the reason, so `failure` checks both."""

MAX_LOG_CHARACTERS = 500_000
MAX_FIELD_CHARACTERS = 32_700
"""Of a field's name, and of its value."""
MAX_LEVELS = 10
MAX_FIELDS = 1_000
"""Limits of an event; an event beyond them is an invalid log."""

MAPPED_FIELDS = 1_000
"""How many fields of an account filters and visualizations can use; further fields are only searchable."""

# The page's table of tags of an invalid log, and its table of mapping errors.
INVALID_TAGS = (
    "MAX_LOG_LINE_LENGTH",
    "MAX_FIELD_KEY_SIZE",
    "INVALID_FIELD_VALUE_LENGTH",
    "MAX_JSON_DEPTH",
    "MAX_FIELDS_NUMBER",
    "INVALID_FIELDS_NUMBER",
    "FIELDS_MISSING",
    "ARRAY_INDEX_OUT_OF_BOUNDS_EXCEPTION",
)
_MAPPING_ERRORS = (
    "tried to parse field",
    "Can't get text on a START_OBJECT",
    "failed to parse field",
    "Index -1 out of bounds",
    "out of range of long",
    "makes object resolution ambiguous",
)
_FAILURE_MARKS = (INDEX_FAILURE, INVALID_LOG, *INVALID_TAGS, *_MAPPING_ERRORS)

TIME_ERROR = "failed to parse field [@timestamp] of type [date]"

_LONG = range(-(2**63), 2**63)
# "Default parsing": ISO8601, UNIX (seconds) and UNIX_MS. ISO 8601 as far as RFC 3339 and OpenSearch agree on it.
_ISO_8601 = re.compile(
    r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)?)?", re.ASCII
)

BUILT_IN_LOG_TYPES = frozenset(
    {
        "alcide-kaudit",
        "apache",
        "apache-access",
        "apache_access",
        "auditd",
        "awswaf",
        "checkpoint",
        "cisco-asa",
        "cisco-meraki",
        "cloudfront",
        "cloudtrail",
        "collectl-tab",
        "crowdstrike",
        "docker-collector-logs",
        "docker_logs",
        "elasticsearch",
        "elb",
        "eset",
        "eventhub",
        "fail2ban",
        "falco",
        "fargate",
        "fortigate",
        "github",
        "gpfs",
        "guardduty",
        "haproxy",
        "iis",
        "jenkins",
        "juniper",
        "k8s",
        "kafka_server",
        "mcafee_epo",
        "modsecurity",
        "mongodb",
        "monit",
        "mysql",
        "mysql_error",
        "mysql_monitor",
        "mysql_slow_query",
        "nagios",
        "nginx",
        "nginx-access",
        "nginx-error",
        "nginx_access",
        "nginx_error",
        "o365",
        "openvas",
        "openvpn",
        "ossec",
        "paloalto",
        "performance-tab",
        "pfsense",
        "route_53",
        "s3access",
        "sentinel_one",
        "sonicwall",
        "sophos-ep",
        "stormshield",
        "trendmicro_deep",
        "vpcflow",
        "wineventlog",
        "zeek",
        "zipkinspan",
    }
)
"""The types (in lower case) that Logz.io parses itself; our events are plain JSON. Source: "Default parsing"."""


def api_region(region: str) -> str:
    """us-west-2 -> US_WEST_2, the form of the API."""
    return region.upper().replace("-", "_")


def aws_region(region: str) -> str:
    """US_WEST_2 or us-west-2 -> us-west-2."""
    return region.lower().replace("_", "-")


def api_url(account_region: str) -> str:
    """The account API of an account region."""
    return f"https://api{ACCOUNT_REGIONS[account_region]}.logz.io"


def listener_url(account_region: str) -> str:
    """The address that receives logs over HTTPS."""
    return f"https://listener{ACCOUNT_REGIONS[account_region]}.logz.io:8071"


def day_offset(moment: datetime, now: datetime) -> int:
    """The `dayOffset` of a search whose two days hold `moment` and, if it is not today, the day after it."""
    days = (now.astimezone(UTC).date() - moment.astimezone(UTC).date()).days
    return max(0, days - 1)


def search_url(account_region: str) -> str:
    """The page where a person searches."""
    return f"https://app{ACCOUNT_REGIONS[account_region]}.logz.io/#/dashboard/osd/discover"


def failure(event: Mapping[str, Any]) -> str | None:
    """Why Logz.io, which shows this event, did not index its fields; None if it did."""
    tags = event.get("tags")
    texts = [tag for tag in (tags if isinstance(tags, list) else [tags]) if isinstance(tag, str)]
    marks = [text for text in texts if any(mark in text for mark in _FAILURE_MARKS)]
    if event.get("type") in (INDEX_FAILURE, INVALID_LOG):
        return ", ".join([str(event["type"]), *texts])
    return ", ".join(marks) or None


def unindexable(event: Mapping[str, Any], characters: int) -> list[str]:
    """Why Logz.io cannot index an event, regardless of other events of that day; empty if it can.

    Args:
        event: a line of an archived object, parsed.
        characters: length of the line.
    """
    found = invalid_tags(event, characters)
    if event.get("@timestamp") is not None and event_time(event["@timestamp"]) is None:
        found.append(TIME_ERROR)
    shape = _shape(event)
    found += filter(None, map(name_error, sorted(shape.names)))
    found += filter(None, map(number_error, shape.values))
    return found


def invalid_tags(event: Mapping[str, Any], characters: int) -> list[str]:
    """The tags that Logz.io gives an event that breaks limits; empty if it breaks no limit.

    Where the page is ambiguous, this takes the stricter reading: a list is a level of nesting, like an object; a name
    counts wherever it occurs, and its length includes the names above it; a null `@timestamp` is missing.
    """
    shape = _shape(event)
    texts = (value for value in shape.values if isinstance(value, str))
    broken = {
        "MAX_LOG_LINE_LENGTH": characters > MAX_LOG_CHARACTERS,
        "MAX_FIELD_KEY_SIZE": shape.longest_name > MAX_FIELD_CHARACTERS,
        "INVALID_FIELD_VALUE_LENGTH": any(len(text) > MAX_FIELD_CHARACTERS for text in texts),
        "MAX_JSON_DEPTH": shape.levels > MAX_LEVELS,
        "MAX_FIELDS_NUMBER": shape.fields > MAX_FIELDS,
        "FIELDS_MISSING": event.get("@timestamp") is None,
        "ARRAY_INDEX_OUT_OF_BOUNDS_EXCEPTION": "." in shape.names,
    }
    return [tag for tag, is_broken in broken.items() if is_broken]


def name_error(name: str) -> str | None:
    """The mapping error of a field's name, at any level; None if the name is valid.

    The page names a dot anywhere, and `.` `,` `_` `#` at either end. OpenSearch itself refuses an empty name.
    """
    if not name:
        return "field name cannot be an empty string"
    if name.strip(".,_#") != name:
        return f"Object field starting or ending with a [.] makes object resolution ambiguous: [{name}]"
    if "." in name:
        return f"Index -1 out of bounds for length 0: [{name}]"
    return None


def number_error(value: Any) -> str | None:
    """The mapping error of a whole number that is too large; None for any other value."""
    if isinstance(value, int) and value not in _LONG:
        return f"Numeric value ({value}) out of range of long ({_LONG[0]} - {_LONG[-1]})"
    return None


def event_time(value: Any) -> datetime | None:
    """The time that an `@timestamp` means, with its time zone; None if it is not a time.

    ISO 8601 (UTC where it has no offset), seconds or milliseconds since the epoch.
    """
    try:
        if isinstance(value, str) and _ISO_8601.fullmatch(value):
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


@dataclass
class _Shape:
    """What the limits apply to. `fields` counts each occurrence; `longest_name` includes the names above it."""

    names: set[str] = field(default_factory=set)
    values: list[Any] = field(default_factory=list)
    fields: int = 0
    levels: int = 0
    longest_name: int = 0


def _shape(event: Mapping[str, Any]) -> _Shape:
    shape = _Shape()
    # No recursion: an event may be nested deeper than Python's stack. Each entry: a value, its level, and how many
    # characters the names above it have, a dot after each.
    waiting: list[tuple[Any, int, int]] = [(event, 0, 0)]
    while waiting:
        value, level, above = waiting.pop()
        shape.levels = max(shape.levels, level)
        if isinstance(value, Mapping):
            shape.fields += len(value)
            shape.names.update(value)
            for name, inner in value.items():
                shape.longest_name = max(shape.longest_name, above + len(name))
                waiting.append((inner, level + 1, above + len(name) + 1))
        elif isinstance(value, list):
            waiting += [(inner, level + 1, above) for inner in value]
        else:
            shape.values.append(value)
    return shape
