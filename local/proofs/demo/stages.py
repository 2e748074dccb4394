"""The stages of the demo: up, feed, check, down; each leaves what the next one needs in the state folder."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from components.settings import NAMESPACE, Connector
from local.base import http, paths, progress
from local.proofs import producer
from local.proofs.checker import check, left_behind
from local.proofs.checker.comparison import Result
from local.proofs.checker.places import Bucket, DeliveredStore
from local.proofs.demo import report
from local.proofs.demo.report import Seconds
from local.stack import deployment, pulumi, setup
from local.stack.deployment import LocalDeployment
from local.systems.kafka import client

BOOT_SECONDS = 1800.0


class DemoError(RuntimeError):
    """The demo cannot go on; the message says why."""


@dataclass(frozen=True)
class Timing:
    """What earlier stages measured, in seconds; `started` and `up_at` since the epoch."""

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
    settings: Callable[[LocalDeployment, str], dict[str, Any]] = deployment.stack_settings,
    relay_port: int | None = None,
) -> LocalDeployment:
    """Starts the local stack and runs `pulumi up`; returns while the VM is still booting.

    Args:
        changed: settings beside the local stack's own, by section: {"logzio": {"authentication": "keys"}}.
        program: the folder of the Pulumi program.
        settings: makes the local stack's own settings, from the deployment and the connector's version.
        relay_port: as in `deployment.start`.
    """
    started = time.time()
    tools = setup.prepare(Connector().version)
    prepared = time.time()
    running = replace(deployment.start(state, tools, relay_port), program=program)
    document = settings(running, Connector().version)
    for section, values in (changed or {}).items():
        document.setdefault(f"{NAMESPACE}:{section}", {}).update(values)
    pulumi.create_stack(running, document)
    deployment.write_environment_file(running)
    progress.say("- pulumi up: the same program as in an account ...")
    before_up = time.time()
    pulumi.up(running)
    now = time.time()
    _write_timing(state, Timing(started, prepared - started, now - before_up, now))
    return running


def boot(running: LocalDeployment) -> None:
    """Waits until the VM's cloud-init is done.

    Raises:
        DemoError: it failed, or took too long; with the end of the VM's console.
    """
    timing = _read_timing(running.state)
    deadline = time.monotonic() + BOOT_SECONDS
    with progress.step("the VM boots: cloud-init installs Java, Kafka Connect and the S3 connector"):
        while True:
            instances = http.get(f"{running.hypervisor}/instances").json()
            states = {
                instance["cloud_init"]["status"]
                for instance in instances.values()
                if instance["state"] != "gone"
            }
            if states == {"done"}:
                break
            if "error" in states or time.monotonic() > deadline:
                raise DemoError(f"the VM did not come up: {instances}; see {running.state / 'vm'}")
            time.sleep(0.5)
    _write_timing(running.state, replace(timing, boot=time.time() - timing.up_at))


def produce(running: LocalDeployment, events: int) -> None:
    """Feeds the audit-log topic."""
    with progress.step(f"feeding {events:,} audit events"):
        producer.feed(running.state, client.client_config(running.state), events)


def verify(running: LocalDeployment) -> Result:
    """Compares Kafka, the bucket and Logz.io, event by event."""
    with progress.step("comparing event ids in Kafka, the bucket and Logz.io"):
        result = wait_until_complete(running)
    for line in result.explain():
        progress.say(f"  {line}")
    return result


def script(running: LocalDeployment, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs one of the project's scripts on this stack, as a person would; what it prints is kept."""
    command = [sys.executable, "-m", f"scripts.{name}", "--stack", deployment.STACK, *arguments]
    return subprocess.run(
        command, cwd=paths.ROOT, env=running.environment(), capture_output=True, check=False, text=True
    )


def follow(running: LocalDeployment) -> int:
    """`make verify`: prints its screen and returns its exit code."""
    progress.say("- make verify: what a person asks, without a look into Kafka's or Logz.io's store")
    done = script(running, "verify")
    for line in (done.stdout + done.stderr).splitlines():
        progress.say(f"  {line}")
    return done.returncode


def bucket(running: LocalDeployment) -> Bucket:
    """The archive, as it stands now."""
    return Bucket(running.aws("s3"), deployment.BUCKET)


def delivered(running: LocalDeployment) -> DeliveredStore:
    """What Logz.io indexed from the archive."""
    return DeliveredStore(running.state / "logzio" / "store.sqlite", deployment.BUCKET)


def wait_until_complete(running: LocalDeployment, still_seconds: float = 300.0) -> Result:
    """As `check.wait_until_complete`, on this stack."""
    return check.wait_until_complete(
        running.state, bucket(running), delivered(running), still_seconds=still_seconds
    )


def down(running: LocalDeployment) -> list[str]:
    """`pulumi destroy`; returns what it left behind. The servers go on to run."""
    progress.say("- pulumi destroy ...")
    pulumi.destroy(running)
    return left_behind.left_behind(running)


def run(events: int, state: Path = paths.STATE) -> int:
    """The whole demo; returns the exit code of its report."""
    running = up(state)
    at_boot, later = events // 2, events - events // 2
    produce(running, at_boot)
    boot(running)
    _until(lambda: check.any_archived(bucket(running)), "the first objects arrive in the bucket")
    produce(running, later)
    result = verify(running)
    followed = follow(running)
    requests = _writer_requests(running)
    left = down(running)
    deployment.end(state)
    timing = _read_timing(state)
    final = report.from_result(
        result,
        s3_requests=requests,
        verify_exit_code=followed,
        left_behind=left,
        seconds=_seconds(timing, result),
    )
    final.write(report.report_file(state))
    final.print()
    return final.exit_code


def attach(state: Path = paths.STATE) -> LocalDeployment:
    """The stack that `up` left running."""
    return deployment.attach(state, setup.prepare(Connector().version))


def _until(condition: Callable[[], bool], text: str, seconds: float = 600.0) -> None:
    deadline = time.monotonic() + seconds
    with progress.step(text):
        while not condition():
            if time.monotonic() > deadline:
                raise DemoError(f"waited {seconds:.0f} s: {text}")
            time.sleep(0.5)


def _writer_requests(running: LocalDeployment) -> int:
    counted = report.s3_requests(running.aws_endpoint)
    return sum(requests for name, requests in counted.items() if "writer-" in name)


def _seconds(timing: Timing, result: Result) -> Seconds:
    def since_up(moment: float | None) -> float | None:
        return None if moment is None else moment - timing.up_at

    return Seconds(
        tools=timing.tools,
        up=timing.up,
        boot=timing.boot,
        first_object=since_up(result.first_object_at),
        first_delivered=since_up(result.first_delivered_at),
        total=time.time() - timing.started,
    )


def _timing_file(state: Path) -> Path:
    return state / "demo" / "timing.json"


def _write_timing(state: Path, timing: Timing) -> None:
    _timing_file(state).parent.mkdir(parents=True, exist_ok=True)
    _timing_file(state).write_text(json.dumps(asdict(timing)))


def _read_timing(state: Path) -> Timing:
    return Timing(**json.loads(_timing_file(state).read_text()))
