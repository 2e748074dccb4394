"""The connection to the local AWS: one client for each service."""

import threading
from typing import TYPE_CHECKING, Any, Literal, overload

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.client import CloudWatchClient
    from mypy_boto3_ec2.client import EC2Client
    from mypy_boto3_iam.client import IAMClient
    from mypy_boto3_kms.client import KMSClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sns.client import SNSClient
    from mypy_boto3_ssm.client import SSMClient
    from mypy_boto3_sts.client import STSClient


class Connection:
    """AWS at one endpoint, in one region, with the credentials of the environment.

    `hypervisor` is the URL of the service that runs the VMs, None without VMs.
    """

    def __init__(self, endpoint: str, region: str, hypervisor: str | None) -> None:
        self.endpoint = endpoint
        self.region = region
        self.hypervisor = hypervisor
        self._session = boto3.Session(region_name=region)
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    @overload
    def client(self, service: Literal["s3"]) -> "S3Client": ...
    @overload
    def client(self, service: Literal["iam"]) -> "IAMClient": ...
    @overload
    def client(self, service: Literal["kms"]) -> "KMSClient": ...
    @overload
    def client(self, service: Literal["ssm"]) -> "SSMClient": ...
    @overload
    def client(self, service: Literal["sns"]) -> "SNSClient": ...
    @overload
    def client(self, service: Literal["ec2"]) -> "EC2Client": ...
    @overload
    def client(self, service: Literal["sts"]) -> "STSClient": ...
    @overload
    def client(self, service: Literal["cloudwatch"]) -> "CloudWatchClient": ...
    def client(self, service: str) -> Any:
        """The one client of a service. Creating a client is slow and not thread-safe; using it is thread-safe."""
        with self._lock:
            if service not in self._clients:
                make: Any = self._session.client  # typed by literal service names only
                self._clients[service] = make(
                    service,
                    endpoint_url=self.endpoint,
                    config=Config(
                        s3={"addressing_style": "path"},
                        retries={"mode": "standard", "total_max_attempts": 5},
                        proxies={},
                    ),
                )
            return self._clients[service]

    def account_id(self) -> str:
        """The account of the credentials."""
        return str(self.client("sts").get_caller_identity()["Account"])


def tag_list(tags: dict[str, str] | None) -> list[Any]:
    """Tags in the form that most of the API takes."""
    return [{"Key": key, "Value": value} for key, value in (tags or {}).items()]


def tag_map(tags: Any) -> dict[str, str]:
    """Tags from the form that most of the API gives; those of AWS itself are left out."""
    return {tag["Key"]: tag["Value"] for tag in tags or [] if not tag["Key"].startswith("aws:")}


def tag_changes(state: dict[str, Any], inputs: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
    """The tags to set, and the keys of those to remove."""
    wanted, there = inputs.get("tags") or {}, state.get("tagsAll") or {}
    return wanted, sorted(set(there) - set(wanted))


def void(_result: object) -> None:
    """Drops the result of a call, for a function of a table that must return nothing."""
