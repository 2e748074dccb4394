"""Every price of the estimate: AWS's list prices in one region, without tax and without free tiers.

AWS's price pages load their figures by script, so the sources are the price list files that those pages read. Nobody has
opened the files for this table: a price counts as checked if public repositories of 2026 quote it from a file, for
us-west-2 unless `checked` says otherwise, and with the date that `checked` has. Any other price is not verified.
"""

from dataclasses import dataclass
from datetime import date

REGION = "us-west-2"
READ = date(2026, 11, 27)
"""When the quotations were read."""

_LIST = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/{}/current/us-west-2/index.json"
_EC2, _VPC, _S3 = _LIST.format("AmazonEC2"), _LIST.format("AmazonVPC"), _LIST.format("AmazonS3")
_KMS, _CLOUDWATCH = _LIST.format("awskms"), _LIST.format("AmazonCloudWatch")
_ON_DEMAND = "https://aws.amazon.com/ec2/pricing/on-demand/"


@dataclass(frozen=True)
class Price:
    """`usd` for `per` times `unit`, a noun in the singular. `checked`: the quotation that has it; None: not verified."""

    what: str
    usd: float
    unit: str
    source: str
    checked: str | None
    per: int = 1


def _instance(name: str, usd: float, checked: str | None = None) -> tuple[str, Price]:
    return name, Price(f"EC2 {name}, Linux, on demand", usd, "hour", _EC2, checked)


INSTANCES = dict(
    [
        _instance("t3.small", 0.0208, "read 2026-09-01"),
        _instance("t3.medium", 0.0416, "read 2026-10-04"),
        _instance("t3.large", 0.0832),
        _instance("t3a.small", 0.0188),
        _instance("t3a.medium", 0.0376),
        _instance("t4g.small", 0.0168, "list of 2026-09-18"),
        _instance("t4g.medium", 0.0336),
    ]
)
"""Instance type -> its price. A burstable type (all of these) costs more if its CPU is above its baseline for long."""

VOLUME = Price("EBS gp3", 0.08, "GB", _EC2, "list of 2026-09-18")
ADDRESS = Price("public IPv4 address in use", 0.005, "hour", _VPC, "list of 2026-09-17")
WRITE = Price("S3 PUT, COPY, POST, LIST", 0.005, "request", _S3, "list of 2026-08-01", per=1000)
READ_REQUEST = Price("S3 GET", 0.0004, "request", _S3, "list of 2026-08-01", per=1000)
STORAGE = Price("S3 Standard, first 50 TB", 0.023, "GB", _S3, "list of 2026-09-18")
KMS_KEY = Price("KMS key, before its first rotation", 1.0, "key", _KMS, "list of 2026-09-11")
KMS_REQUEST = Price("KMS requests", 0.03, "request", _KMS, "list of 2026-09-11", per=10_000)
PARAMETER = Price(
    "standard parameter, standard throughput",
    0.0,
    "parameter",
    "https://aws.amazon.com/systems-manager/pricing/",
    "page of 2026-09",
)
METRIC = Price("CloudWatch custom metric, first 10,000", 0.30, "metric", _CLOUDWATCH, "list of 2026-09-18")
ALARM = Price("CloudWatch alarm, standard resolution", 0.10, "alarm", _CLOUDWATCH, "list of 2026-09-18")
DASHBOARD = Price("CloudWatch dashboard", 3.0, "dashboard", _CLOUDWATCH, None)
METRIC_REQUEST = Price(
    "CloudWatch PutMetricData", 0.01, "request", _CLOUDWATCH, "read 2026-09-28, for us-east-1", per=1000
)
IN_REGION = Price("EC2 in by a public address, same region", 0.01, "GB", _ON_DEMAND, None)
FROM_REGION = Price("EC2 in from another region", 0.0, "GB", _ON_DEMAND, None)
TO_REGION = Price(
    "S3 out to another region",
    0.02,
    "GB",
    "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AWSDataTransfer/current/index.csv",
    "list of 2026-06-01, to us-east-2",
)

PRICES = (
    *INSTANCES.values(),
    *(VOLUME, ADDRESS, WRITE, READ_REQUEST, STORAGE, KMS_KEY, KMS_REQUEST, PARAMETER),
    *(METRIC, ALARM, DASHBOARD, METRIC_REQUEST, IN_REGION, FROM_REGION, TO_REGION),
)

MONTHLY = (VOLUME, STORAGE, KMS_KEY, PARAMETER, METRIC, ALARM, DASHBOARD)
"""Prices for a month; the others are for each use or hour."""

FREE = {METRIC: 10, ALARM: 10, DASHBOARD: 3, METRIC_REQUEST: 1_000_000}
"""What each account has free of charge each month, all stacks together (aws.amazon.com/cloudwatch/pricing, "Free tier",
as quoted in 2026)."""
