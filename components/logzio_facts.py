"""What Logz.io documents about itself: regions, hosts, limits, built-in log types.

Sources: the API description (log-shipping/s3-buckets), docs "Account region", "Default parsing".
"""

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

MAX_OBJECT_BYTES = 50_000_000
"""A larger object is not fetched."""

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


def search_url(account_region: str) -> str:
    """Where a person searches."""
    return f"https://app{ACCOUNT_REGIONS[account_region]}.logz.io/#/dashboard/osd/discover"
