"""Brings a local stack up and ends it.

Order of start: AWS (moto) -> Kafka -> packages -> Logz.io -> VMs. Whatever a killed run left is ended first.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from components.settings import NAMESPACE, Connector
from local.base import paths, processes, progress
from local.base.files import write_atomically
from local.base.processes import Server
from local.stack import setup
from local.stack.deployment import (
    LocalDeployment,
    clean_environment,
    host_ports,
    server_url,
    stack_settings,
    write_environment_file,
)
from local.stack.setup import Tools


@dataclass(frozen=True)
class Timing:
    """What was measured so far, in seconds; `started` and `up_at` since the epoch."""

    started: float
    tools: float
    up: float
    up_at: float
    boot: float | None = None


def up(
    state: Path = paths.STATE,
    changed: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    program: Path = paths.ROOT,
    settings: Callable[[LocalDeployment, str], dict[str, Any]] = stack_settings,
    relay_port: int | None = None,
) -> LocalDeployment:
    """Starts the servers and runs `pulumi up`; returns while the VM is still booting.

    Args:
        changed: settings beside the local stack's own, by section: {"logzio": {"authentication": "keys"}}.
        program: the folder of the Pulumi program.
        settings: makes the local stack's own settings, from the deployment and the connector's version.
        relay_port: as in `start`.
    """
    started = time.time()
    tools = setup.prepare(Connector().version)
    prepared = time.time()
    deployment = replace(start(state, tools, relay_port), program=program)
    document = settings(deployment, Connector().version)
    for section, values in (changed or {}).items():
        document.setdefault(f"{NAMESPACE}:{section}", {}).update(values)
    deployment.create_stack(document)
    write_environment_file(deployment)
    progress.say("- pulumi up: the same program as in an account ...")
    before_up = time.time()
    deployment.up()
    now = time.time()
    _write_timing(state, Timing(started, prepared - started, now - before_up, now))
    return deployment


def boot(deployment: LocalDeployment) -> None:
    """Waits until the VM's cloud-init is done, as `LocalDeployment.wait_for_boot`; records the time."""
    with progress.step("the VM boots: cloud-init installs Java, Kafka Connect and the S3 connector"):
        deployment.wait_for_boot()
    timing = read_timing(deployment.state)
    _write_timing(deployment.state, replace(timing, boot=time.time() - timing.up_at))


def read_timing(state: Path) -> Timing:
    """What the last `up` and `boot` of this stack measured."""
    return Timing(**json.loads(_timing_file(state).read_text()))


def start(state: Path, tools: Tools, relay_port: int | None = None) -> LocalDeployment:
    """Ends what an earlier run left in `state`, then starts every server.

    `relay_port`: of a relay (`local.systems.kafka.relay`) by which the VM reaches Kafka; None: directly.

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
        endpoint = ("--aws-endpoint", server_url(servers["aws"]))
        serve("kafka", "local.systems.kafka", *(("--relay-port", str(relay_port)) if relay_port else ()))
        serve("packages", "local.systems.packages", "--connector-archive", str(tools.connector_archive))
        serve("logzio", "local.systems.logzio", *endpoint)
        ports = (f"--host-port={port}" for port in host_ports(servers.values()))
        serve("hypervisor", "local.systems.vm.hypervisor", *endpoint, *ports)
    return LocalDeployment(state, tools, servers)


def attach(state: Path = paths.STATE) -> LocalDeployment:
    """The stack that an earlier command started and left running.

    Raises:
        RuntimeError: none is running.
    """
    names = processes.names(state)
    if "hypervisor" not in names or not all(processes.is_running(state, name) for name in names):
        raise RuntimeError("no local stack is running: start one with `make demo-up`")
    tools = setup.prepare(Connector().version)
    return LocalDeployment(state, tools, {name: processes.read(state, name) for name in names})


def end(state: Path) -> None:
    """Ends every server of the state folder and deletes all but the reports."""
    processes.stop_all(state)
    if not state.exists():
        return
    for entry in state.iterdir():
        if entry.name not in ("demo", "chaos"):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    (state / "demo" / "produced.jsonl").unlink(missing_ok=True)


def _timing_file(state: Path) -> Path:
    return state / "demo" / "timing.json"


def _write_timing(state: Path, timing: Timing) -> None:
    write_atomically(_timing_file(state), json.dumps(asdict(timing)))
