"""What Logz.io documents about itself: regions, hosts, limits, built-in log types.

Sources: the API description (log-shipping/s3-buckets), docs "Account region", "Default parsing".
"""

from datetime import UTC, datetime

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

TOKEN_VARIABLE = "LOGZIO_API_TOKEN"  # noqa: S105  # the name of a variable, no token
"""The environment variable that holds the API token, here and in Logz.io's own tools."""

SHIPPING_TOKEN_VARIABLE = "LOGZIO_SHIPPING_TOKEN"  # noqa: S105  # the name of a variable, no token
"""The environment variable that holds a log shipping token, which `make replay` sends with."""

MAX_OBJECT_BYTES = 50_000_000
"""A larger object is not fetched."""

MAX_BODY_BYTES = 10_485_760
"""A larger request to the listener is refused (413). Source: docs, "HTTP"; counted here before compression."""

MAX_LINE_BYTES = 500_000
"""The listener takes no longer line. Source: docs, "HTTP"."""

MAX_AGGREGATED = 1_000
"""Values that an aggregation of the search returns. Source: API description, "Search logs"."""

SEARCH_DAYS = 2
"""Calendar days (UTC) that a search covers. Source: API description, "Search logs"."""

FAILURE_MARKS = ("logzio-index-failure", "logzio-invalid-log")
"""An event whose fields could not be indexed, and one that exceeds a limit and was cut.

Source: docs, "Understanding invalid log errors". It calls them types in older versions and tags in newer ones.
"""

OBJECT_KEY_FIELD = "s3_object_key"
"""The field with the object's key (`logzio.addObjectKey`). The name is the one that Logz.io's own S3 hook writes; for
the S3 fetcher it is documented nowhere."""

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
    """Where logs are sent over HTTPS."""
    return f"https://listener{ACCOUNT_REGIONS[account_region]}.logz.io:8071"


def day_offset(moment: datetime, now: datetime) -> int:
    """The `dayOffset` of a search whose two days hold `moment` and, if it is not today, the day after it."""
    days = (now.astimezone(UTC).date() - moment.astimezone(UTC).date()).days
    return max(0, days - 1)


def search_url(account_region: str) -> str:
    """Where a person searches."""
    return f"https://app{ACCOUNT_REGIONS[account_region]}.logz.io/#/dashboard/osd/discover"
