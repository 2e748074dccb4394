"""A deployment of the program on one machine: its servers, its stack, its settings and its VM."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import boto3
import yaml

from components.settings import NAMESPACE
from local.base import http, paths
from local.base.files import write_atomically
from local.base.processes import Server
from local.base.waiting import wait_until
from local.stack.pulumi import Pulumi
from local.stack.setup import Tools
from local.systems.kafka import client, users
from local.systems.packages import debs
from local.systems.plugins.confluentcloud.cloud import OWN_CLUSTER, OWN_ENVIRONMENT
from local.systems.vm import distributions

STACK = "local"
REGION = "us-west-2"
BUCKET = "logexporter-ccloud-local"

# Nothing of a real account may reach the local stack: neither variables nor the files they point at.
STRIPPED = ("AWS_", "CONFLUENT_", "LOGZIO_", "PULUMI_", "CCLOUD_LOCAL_")
NO_PROXY = "127.0.0.1,localhost"

BOOT_SECONDS = 1800.0

Mode = Literal["standalone", "distributed"]
"""The setting `worker.mode`."""

OWN = "own-cluster"
"""Name of the server that is the organisation's own cluster; a stack in mode distributed has it."""


_CONSOLE_END = 4000


class BootError(RuntimeError):
    """The VM did not boot as wanted; the message says how it ended."""


@dataclass(frozen=True)
class LocalDeployment:
    """A started local stack.

    Attributes:
        servers: by name, each with its ready information.
        program: the folder of the Pulumi program that makes the stack.
    """

    state: Path
    tools: Tools
    servers: Mapping[str, Server]
    program: Path = paths.ROOT

    @property
    def aws_endpoint(self) -> str:
        """Where every AWS service answers."""
        return server_url(self.servers["aws"])

    @property
    def hypervisor(self) -> str:
        """Where the hypervisor answers, which shows the VMs and switches them."""
        return server_url(self.servers["hypervisor"])

    @property
    def logzio(self) -> str:
        """Where the account API answers."""
        return server_url(self.servers["logzio"])

    @property
    def bootstrap(self) -> str:
        """host:port of the audit-log cluster for the VM."""
        return str(self.servers["kafka"].ready["bootstrap"])

    @property
    def has_own_cluster(self) -> bool:
        """Whether the organisation's own cluster runs, too."""
        return OWN in self.servers

    @property
    def stack_file(self) -> Path:
        """The stack's settings; beside the state, so that several local stacks can run from one checkout."""
        return self.state / f"Pulumi.{STACK}.yaml"

    def aws(self, service: str) -> Any:
        """A boto3 client with the deployer's rights."""
        return aws_client(self.state, self.aws_endpoint, service)

    def set(self, section: str, name: str, value: Any) -> Any:
        """Writes one setting into the stack file; returns the former value, None if there was none."""
        document = yaml.safe_load(self.stack_file.read_text())
        settings = document["config"].setdefault(f"{NAMESPACE}:{section}", {})
        former = settings.get(name)
        settings[name] = value
        self.stack_file.write_text(yaml.safe_dump(document))
        return former

    def environment(self) -> dict[str, str]:
        """The environment of `pulumi` and of any AWS client in this stack."""
        return {
            **clean_environment(),
            **self.tools.engine.environment(self.state),
            **aws_environment(self.state, self.aws_endpoint),
            # For clients of Kafka without a CA file of their own.
            "SSL_CERT_FILE": str(client.trusted_file(self.state)),
            "PULUMI_OPTION_CONFIG_FILE": str(self.stack_file),
            "CCLOUD_LOCAL_STACK": "1",
            "CCLOUD_LOCAL_AWS_ENDPOINT": self.aws_endpoint,
            "CCLOUD_LOCAL_HYPERVISOR": self.hypervisor,
            "CCLOUD_LOCAL_KAFKA_BOOTSTRAP": self.bootstrap,
            "CCLOUD_LOCAL_KAFKA_USERS": str(users.file(self.state)),
            **self._own_cluster_environment(),
        }

    def _own_cluster_environment(self) -> dict[str, str]:
        if not self.has_own_cluster:
            return {}
        return {
            "CCLOUD_LOCAL_OWN_KAFKA_BOOTSTRAP": str(self.servers[OWN].ready["bootstrap"]),
            "CCLOUD_LOCAL_OWN_KAFKA_USERS": str(users.file(client.own_cluster(self.state))),
        }

    # --- the stack

    @property
    def engine(self) -> Pulumi:
        """The `pulumi` command in this deployment."""
        return Pulumi(self.tools.engine, self.program, self.environment())

    def pulumi(self, *arguments: str, given: str = "", show: bool = False) -> str:
        """What `pulumi ARGUMENTS --stack local` prints; see `Pulumi.run`.

        Raises:
            PulumiError: it failed.
        """
        return self.engine.run(*arguments, "--stack", STACK, given=given, show=show)

    def create_stack(self, settings: Mapping[str, Any]) -> None:
        """Makes the stack with these settings and, as a secret, the token of the local Logz.io account."""
        # `stack init` puts a file beside Pulumi.yaml: here, beside a copy of it.
        project = self.state / "pulumi" / "project"
        project.mkdir(parents=True)
        shutil.copy(self.program / "Pulumi.yaml", project)
        self.engine.run("--cwd", str(project), "stack", "init", STACK)
        # For a person's own commands: `. .local/env.sh`.
        self.engine.run("stack", "select", STACK)
        self.stack_file.write_text(yaml.safe_dump({"config": dict(settings)}))
        token = (self.state / "logzio" / "token").read_text()
        self.pulumi("config", "set", "--secret", "--path", f"{NAMESPACE}:logzio.apiToken", given=token)

    def up(self, *, show: bool = True) -> None:
        """`pulumi up`, which waits for new VMs; shown as it goes on, or in the message of an error."""
        self.pulumi("up", "--yes", "--skip-preview", "--suppress-progress", "--suppress-outputs", show=show)

    def destroy(self) -> None:
        """`pulumi destroy`, shown as it goes on. The servers keep running."""
        self.pulumi("destroy", "--yes", "--skip-preview", "--suppress-progress", show=True)

    def outputs(self) -> dict[str, Any]:
        """What the program exports; secrets stay hidden."""
        outputs: dict[str, Any] = json.loads(self.pulumi("stack", "output", "--json"))
        return outputs

    def script(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs one of the project's scripts on this stack, as a person would; captures what it prints."""
        command = [sys.executable, "-m", f"scripts.{name}", "--stack", STACK, *arguments]
        return subprocess.run(
            command, cwd=paths.ROOT, env=self.environment(), capture_output=True, check=False, text=True
        )

    # --- the VM

    def vms(self) -> dict[str, dict[str, Any]]:
        """The VMs by instance id, those that are gone too, as `local.systems.vm.hypervisor` describes them."""
        known: dict[str, dict[str, Any]] = http.get(f"{self.hypervisor}/instances").raise_for_status().json()
        return known

    def wait_for_boot(self, wanted: str = "done") -> None:
        """Waits until the cloud-init of every VM that is not gone has ended as `wanted` (done, error).

        Raises:
            BootError: one ended otherwise; with the end of the consoles.
            WaitError: it took too long.
        """

        def is_over() -> bool:
            vms = {instance: vm for instance, vm in self.vms().items() if vm["state"] != "gone"}
            outcomes = {vm["cloud_init"]["status"] for vm in vms.values()}
            if outcomes - {"running", wanted}:
                raise BootError(f"cloud-init did not end as {wanted}: {vms}\n{self._consoles(vms)}")
            return outcomes == {wanted}

        wait_until(
            is_over, f"cloud-init of the VM is {wanted}, see {self.state / 'vm'}", seconds=BOOT_SECONDS
        )

    def _consoles(self, instances: Iterable[str]) -> str:
        """The last lines that these VMs wrote to their consoles: a test's folder is gone before a person can look."""
        files = (self.state / "vm" / instance / "console.log" for instance in instances)
        return "\n".join(file.read_text(errors="replace")[-_CONSOLE_END:] for file in files if file.exists())


def clean_environment() -> dict[str, str]:
    """The caller's environment without any setting of a real account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(STRIPPED)}
    return {
        **kept,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": NO_PROXY,
        "no_proxy": NO_PROXY,
    }


def aws_environment(state: Path, endpoint: str) -> dict[str, str]:
    """What points an AWS client at the local AWS, as the deployer of the stack."""
    deployer = json.loads((state / "aws" / "deployer.json").read_text())
    return {
        "AWS_ACCESS_KEY_ID": deployer["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": deployer["secret_access_key"],
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
    }


@cache
def aws_client(state: Path, endpoint: str, service: str) -> Any:
    """A boto3 client of the local AWS with the deployer's rights. `state`: the folder of that AWS.

    Made once, which takes 5 to 22 ms of CPU; many threads may use it.
    """
    deployer = aws_environment(state, endpoint)
    return boto3.client(
        service,  # type: ignore[call-overload]  # the stubs want a literal
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=deployer["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=deployer["AWS_SECRET_ACCESS_KEY"],
    )


def stack_settings(deployment: LocalDeployment, connector_version: str) -> dict[str, Any]:
    """The stack file of the local stack, without its secret: production's program, other settings."""
    packages = deployment.servers["packages"].ready
    return {
        "aws:region": REGION,
        "ccloud-logexporter:source": {
            "cluster": "lkc-local1",
            "environment": "env-local1",
            "serviceAccount": "sa-local1",
            "partitions": {client.TOPIC: client.PARTITIONS},
        },
        # What is shown in minutes here takes the same way as with the defaults.
        "ccloud-logexporter:archive": {
            "bucket": BUCKET,
            "destroyWithData": True,
            "originalsRotationSeconds": 5,
        },
        "ccloud-logexporter:connector": {
            "rotationSeconds": 5,
            "version": connector_version,
            "archiveUrl": packages["archive_url"],
            "archiveSha256": packages["archive_sha256"],
        },
        **_fleet(deployment),
        "ccloud-logexporter:worker": {
            **({"mode": "distributed"} if deployment.has_own_cluster else {}),
            "javaVersion": distributions.chosen().java_version,
            # Not the newest: a whole chain shows that apt keeps to it.
            "packageVersion": debs.OLDER_VERSION,
            "repositoryUrl": packages["repository_url"],
            "repositoryKeyFingerprint": packages["key_fingerprint"],
            "endpoints": dict.fromkeys(("s3", "ssm", "cloudwatch", "iam"), deployment.aws_endpoint),
        },
        "ccloud-logexporter:alarms": {"email": ["on-call@example.com"]},
        "ccloud-logexporter:logzio": {"apiUrl": deployment.logzio, "listenerUrl": deployment.logzio},
    }


def _fleet(deployment: LocalDeployment) -> dict[str, Any]:
    if not deployment.has_own_cluster:
        return {}
    return {"ccloud-logexporter:fleet": {"cluster": OWN_CLUSTER, "environment": OWN_ENVIRONMENT}}


def write_environment_file(deployment: LocalDeployment) -> Path:
    """Writes `state/env.sh`: sourced, plain `pulumi` and AWS clients work against the local stack."""
    inherited = clean_environment()
    lines = ["# . this file: pulumi, AWS and Kafka clients then work against the local stack."]
    lines += [f"unset {name}" for name in sorted(os.environ) if name.startswith(STRIPPED)]
    lines += [
        f"export {name}={shlex.quote(value)}"
        for name, value in sorted(deployment.environment().items())
        if os.environ.get(name) != value or name not in inherited
    ]
    file = deployment.state / "env.sh"
    write_atomically(file, "\n".join(lines) + "\n", mode=0o600)
    return file


def host_ports(servers: Iterable[Server]) -> set[int]:
    """What the VM reaches on 127.0.0.1: each server's port; of Kafka the relay's instead, if there is one."""
    return {
        int(
            server.ready["bootstrap"].rpartition(":")[2]
            if "bootstrap" in server.ready
            else server.ready["port"]
        )
        for server in servers
    }


def server_url(server: Server) -> str:
    """Where a server answers."""
    return f"http://127.0.0.1:{server.ready['port']}"
