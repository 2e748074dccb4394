"""Brings a local stack up and ends it.

Order of start: AWS (moto) -> Kafka -> packages -> Logz.io -> VMs. In mode distributed, the organisation's own cluster
comes after Kafka. Whatever a killed run left is ended first.
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
    OWN,
    LocalDeployment,
    Mode,
    clean_environment,
    host_ports,
    server_url,
    stack_settings,
    write_environment_file,
)
from local.stack.setup import Tools
from local.systems.kafka import client


@dataclass(frozen=True)
class Timing:
    """What was measured so far, in seconds; `started` and `up_began` since the epoch. `up`: with the boot of the VMs."""

    started: float
    tools: float
    up: float
    up_began: float


def up(
    state: Path = paths.STATE,
    changed: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    program: Path = paths.ROOT,
    settings: Callable[[LocalDeployment, str], dict[str, Any]] = stack_settings,
    relay_port: int | None = None,
    prepared: bool = False,
    mode: Mode = "standalone",
    before_up: Callable[[LocalDeployment], None] = lambda _: None,
) -> LocalDeployment:
    """Starts the servers and runs `pulumi up`; returns once the VMs have booted.

    Args:
        changed: settings beside the local stack's own, by section: {"logzio": {"authentication": "keys"}}.
        program: the folder of the Pulumi program.
        settings: makes the local stack's own settings, from the deployment and the connector's version.
        relay_port, prepared, mode: as in `start`.
        before_up: called when the servers run and nothing of the stack is made yet.
    """
    started = time.time()
    tools = setup.prepare(Connector().version, prepared=prepared)
    tools_at = time.time()
    deployment = replace(start(state, tools, relay_port, prepared=prepared, mode=mode), program=program)
    document = settings(deployment, Connector().version)
    for section, values in (changed or {}).items():
        document.setdefault(f"{NAMESPACE}:{section}", {}).update(values)
    deployment.create_stack(document)
    write_environment_file(deployment)
    before_up(deployment)
    progress.say(
        "- pulumi up: the same program as in an account; it waits until each VM has installed itself ..."
    )
    began = time.time()
    deployment.up()
    # The program of version 0.1 did not wait.
    deployment.wait_for_boot()
    _write_timing(state, Timing(started, tools_at - started, time.time() - began, began))
    return deployment


def read_timing(state: Path) -> Timing:
    """What the last `up` of this stack measured."""
    return Timing(**json.loads(_timing_file(state).read_text()))


def start(
    state: Path,
    tools: Tools,
    relay_port: int | None = None,
    *,
    prepared: bool = False,
    mode: Mode = "standalone",
) -> LocalDeployment:
    """Ends what an earlier run left in `state`, then starts every server.

    Args:
        relay_port: of a relay (`local.systems.kafka.relay`) by which the VM reaches Kafka; None: directly.
        prepared: whether the VMs' image has the distribution's packages of an installation.
        mode: with `distributed`, the organisation's own cluster runs, too.

    Raises:
        processes.StartError: one did not come up.
    """
    end(state)
    state.mkdir(parents=True, exist_ok=True)
    servers: dict[str, Server] = {}

    def start_server(name: str, module: str, *arguments: str) -> None:
        servers[name] = serve(state, name, module, *arguments)

    with progress.step("starting AWS (moto, IAM enforced), Kafka, packages, Logz.io, VMs"):
        start_server("aws", "local.systems.aws")
        endpoint = ("--aws-endpoint", server_url(servers["aws"]))
        relayed = ("--relay-port", str(relay_port)) if relay_port else ()
        start_server("kafka", "local.systems.kafka", *relayed)
        if mode == "distributed":
            servers[OWN] = serve_own_cluster(state)
        start_server(
            "packages", "local.systems.packages", "--connector-archive", str(tools.connector_archive)
        )
        start_server("logzio", "local.systems.logzio", *endpoint)
        ports = (f"--host-port={port}" for port in host_ports(servers.values()))
        image = ("--prepared",) if prepared else ()
        start_server("hypervisor", "local.systems.vm.hypervisor", *endpoint, *ports, *image)
    return LocalDeployment(state, tools, servers)


def serve(state: Path, name: str, module: str, *arguments: str, folder: Path | None = None) -> Server:
    """Starts one server of the state folder: the package `module`, run with these arguments.

    `folder`: where the server keeps its own state, if not in the state folder itself.

    Raises:
        processes.StartError: it did not come up.
    """
    return processes.start(
        state,
        name,
        [sys.executable, "-m", module, "--state", str(folder or state), *arguments],
        env={**clean_environment(), "PYTHONPATH": str(paths.ROOT)},
        cwd=paths.ROOT,
    )


def serve_own_cluster(state: Path, port: int | None = None) -> Server:
    """Starts the organisation's own cluster, on the port of an earlier one if that is given.

    Raises:
        processes.StartError: it did not come up.
    """
    again = ("--port", str(port)) if port else ()
    folder = client.own_cluster(state)
    return serve(state, OWN, "local.systems.kafka", "--beside", str(state), *again, folder=folder)


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
        if entry.name not in ("bench", "demo", "chaos", "soak", "workers"):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    (state / "demo" / "produced.jsonl").unlink(missing_ok=True)


def _timing_file(state: Path) -> Path:
    return state / "demo" / "timing.json"


def _write_timing(state: Path, timing: Timing) -> None:
    write_atomically(_timing_file(state), json.dumps(asdict(timing)))
