"""The whole deployment of the program on one machine: starts it, describes it to the program, ends it.

Order of start: AWS (moto) -> Kafka -> packages -> Logz.io -> VMs. Whatever a killed run left is ended first.
"""

import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml

from components.settings import NAMESPACE
from local.base import paths, processes, progress
from local.base.processes import Server
from local.stack.setup import Tools
from local.systems.kafka import client
from local.systems.packages import debs
from local.systems.vm import distributions

STACK = "local"
REGION = "us-west-2"
BUCKET = "logexporter-ccloud-local"

# Nothing of a real account may reach the local stack: neither variables nor the files they point at.
STRIPPED = ("AWS_", "CONFLUENT_", "LOGZIO_", "PULUMI_", "CCLOUD_LOCAL_")
NO_PROXY = "127.0.0.1,localhost"


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
        return _url(self.servers["aws"])

    @property
    def hypervisor(self) -> str:
        """Where the VMs are watched and switched."""
        return _url(self.servers["hypervisor"])

    @property
    def logzio(self) -> str:
        """Where the account API answers."""
        return _url(self.servers["logzio"])

    @property
    def bootstrap(self) -> str:
        """host:port of the audit-log cluster, as the VM is told it."""
        return str(self.servers["kafka"].ready["bootstrap"])

    @property
    def stack_file(self) -> Path:
        """The stack's settings; beside the state, so that several local stacks can run from one checkout."""
        return self.state / f"Pulumi.{STACK}.yaml"

    def aws(self, service: str) -> Any:
        """A boto3 client with the deployer's rights."""
        deployer = aws_environment(self.state, self.aws_endpoint)
        return boto3.client(
            service,  # type: ignore[call-overload]  # the stubs want a literal
            endpoint_url=self.aws_endpoint,
            region_name=REGION,
            aws_access_key_id=deployer["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=deployer["AWS_SECRET_ACCESS_KEY"],
        )

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
            # For clients of Kafka that are given no file of their own.
            "SSL_CERT_FILE": str(client.trusted_file(self.state)),
            "PULUMI_OPTION_CONFIG_FILE": str(self.stack_file),
            "CCLOUD_LOCAL_STACK": "1",
            "CCLOUD_LOCAL_AWS_ENDPOINT": self.aws_endpoint,
            "CCLOUD_LOCAL_HYPERVISOR": self.hypervisor,
            "CCLOUD_LOCAL_KAFKA_BOOTSTRAP": self.bootstrap,
            "CCLOUD_LOCAL_KAFKA_USERS": str(self.state / "kafka" / "users.json"),
        }


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


def start(state: Path, tools: Tools, relay_port: int | None = None) -> LocalDeployment:
    """Ends what an earlier run left in `state`, then starts every server.

    `relay_port`: of a relay (`local.systems.kafka.relay`) by which the VM reaches Kafka; directly if None.

    Raises:
        processes.StartError: one did not come up.
    """
    end(state)
    state.mkdir(parents=True, exist_ok=True)
    environment = {**clean_environment(), "PYTHONPATH": str(paths.ROOT)}
    servers: dict[str, Server] = {}

    def serve(name: str, module: str, *arguments: str) -> None:
        servers[name] = processes.start(
            state,
            name,
            [sys.executable, "-m", module, "--state", str(state), *arguments],
            env=environment,
            cwd=paths.ROOT,
        )

    with progress.step("starting AWS (moto, IAM enforced), Kafka, packages, Logz.io, VMs"):
        serve("aws", "local.systems.aws")
        endpoint = ("--aws-endpoint", _url(servers["aws"]))
        serve("kafka", "local.systems.kafka", *(("--relay-port", str(relay_port)) if relay_port else ()))
        serve("packages", "local.systems.packages", "--connector-archive", str(tools.connector_archive))
        serve("logzio", "local.systems.logzio", *endpoint)
        ports = (f"--host-port={port}" for port in _ports(servers.values()))
        serve("hypervisor", "local.systems.vm.hypervisor", *endpoint, *ports)
    return LocalDeployment(state, tools, servers)


def attach(state: Path, tools: Tools) -> LocalDeployment:
    """The stack that an earlier command started and left running.

    Raises:
        RuntimeError: none is running.
    """
    names = processes.names(state)
    if "hypervisor" not in names or not all(processes.is_running(state, name) for name in names):
        raise RuntimeError("no local stack is running: start one with `make demo-up`")
    return LocalDeployment(state, tools, {name: processes.read(state, name) for name in names})


def end(state: Path) -> None:
    """Ends every server of the state folder and forgets all but the reports of the demo."""
    processes.stop_all(state)
    if not state.exists():
        return
    for entry in state.iterdir():
        if entry.name not in ("demo", "chaos"):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    (state / "demo" / "produced.jsonl").unlink(missing_ok=True)


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
        "ccloud-logexporter:worker": {
            "javaVersion": distributions.chosen().java_version,
            # Not the newest: a whole chain shows that apt keeps to it.
            "packageVersion": debs.OLDER_VERSION,
            "repositoryUrl": packages["repository_url"],
            "repositoryKeyFingerprint": packages["key_fingerprint"],
            "endpoints": dict.fromkeys(("s3", "ssm", "cloudwatch"), deployment.aws_endpoint),
        },
        "ccloud-logexporter:logzio": {"apiUrl": deployment.logzio, "listenerUrl": deployment.logzio},
    }


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
    file.touch(mode=0o600)
    file.write_text("\n".join(lines) + "\n")
    return file


def _ports(servers: Iterable[Server]) -> set[int]:
    """What the VM reaches on 127.0.0.1: each server's port; of Kafka the relay's instead, if there is one."""
    return {
        int(
            server.ready["bootstrap"].rpartition(":")[2]
            if "bootstrap" in server.ready
            else server.ready["port"]
        )
        for server in servers
    }


def _url(server: Server) -> str:
    return f"http://127.0.0.1:{server.ready['port']}"
