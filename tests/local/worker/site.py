"""A local AWS with a bucket, a VM's role and its metadata service: everything that a boot of the project's VM calls."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from components import policies
from components.worker import bundle, cloud_config
from components.worker.bundle import Bundle
from components.worker.config import WorkerConfig
from local.base import paths, processes
from local.stack.deployment import REGION, clean_environment
from local.systems.aws.accounts import ACCOUNT
from local.systems.vm import imds
from tests.local.aws import rights_support
from tests.local.aws.rights_support import NAMESPACE, Identity, Stack
from tests.unit.components.worker.test_rendered import config


@dataclass(frozen=True)
class Site:
    """`vm`: the role with all its rights. `metadata_url`: the source of its credentials."""

    stack: Stack
    vm: Identity
    metadata_url: str

    def settings(self, **sections: dict[str, Any]) -> WorkerConfig:
        """Settings of this place; `sections` as in a stack's file."""
        endpoint = self.stack.endpoint
        worker = {"endpoints": dict.fromkeys(("s3", "ssm", "cloudwatch", "iam"), endpoint)}
        return config(
            **{
                **sections,
                "archive": {"bucket": self.stack.bucket},
                "worker": {**worker, **sections.get("worker", {})},
            }
        )

    def user_data(self, settings: WorkerConfig, packed: Bundle) -> str:
        return cloud_config.user_data(settings, packed, 1)

    def put(self, packed: Bundle, content: bytes | None = None) -> None:
        """Puts the bundle into the bucket, or other bytes in its place."""
        body = packed.content if content is None else content
        self.stack.deployer("s3").put_object(Bucket=self.stack.bucket, Key=packed.key, Body=body)

    def grant(self, packed: Bundle) -> None:
        """Lets the VM read this bundle only."""
        self.vm.put("files", policies.worker_files(self.stack.bucket, packed.key, None))

    def status(self) -> str:
        """What the VM has written for `pulumi up`."""
        found = self.stack.deployer("ssm").get_parameter(Name=rights_support.STATUS)
        return str(found["Parameter"]["Value"])

    def boots_failed(self) -> float:
        """How many failed boots were reported to CloudWatch."""
        now, hour = datetime.now(UTC), timedelta(hours=1)
        found = self.stack.deployer("cloudwatch").get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName="BootFailed",
            Dimensions=[{"Name": "Vm", "Value": "1"}],
            StartTime=now - hour,
            EndTime=now + hour,
            Period=7200,
            Statistics=["Sum"],
        )
        return sum(float(point["Sum"]) for point in found["Datapoints"])


def packed_files(settings: WorkerConfig) -> Bundle:
    """The VM's files for these settings."""
    return bundle.pack(bundle.files(settings))


@contextmanager
def running(state: Path) -> Iterator[Site]:
    """Ended whatever happens."""
    try:
        argv = [sys.executable, "-m", "local.systems.aws", "--state", str(state)]
        server = processes.start(state, "aws", argv, env=clean_environment(), cwd=paths.ROOT)
        stack = rights_support.make_stack(
            f"http://127.0.0.1:{server.ready['port']}", state / "aws", with_kms=False
        )
        vm = rights_support.vm_role(stack)
        metadata = imds.serve(imds.Metadata(_instance(vm), lambda: _credentials(vm)))
        try:
            yield Site(stack, vm, f"http://127.0.0.1:{metadata.server_port}")
        finally:
            metadata.shutdown()
    finally:
        processes.stop_all(state)


def _instance(vm: Identity) -> dict[str, str]:
    return {
        "id": "i-0123456789abcdef0",
        "region": REGION,
        "account": ACCOUNT,
        "type": "t3.small",
        "image": "ami-1",
        "address": "10.0.0.4",
        "zone": f"{REGION}a",
        "role": vm.name,
        "profile_arn": "",
    }


def _credentials(vm: Identity) -> Mapping[str, str]:
    keys = vm.keys()
    return {
        "AccessKeyId": keys["id"],
        "SecretAccessKey": keys["secret"],
        "Token": keys["token"],
        "Expiration": "2100-01-01T00:00:00Z",
    }
