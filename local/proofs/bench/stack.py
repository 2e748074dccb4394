"""Measures a whole local stack: how long `pulumi` and the VM take, and how long events wait."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep, time

from components.settings import Connector
from components.settings.sections import Worker
from components.worker.connect import SERVICE
from local.base import processes, progress
from local.base.waiting import wait_until
from local.proofs import client
from local.proofs.bench.figures import percentile
from local.proofs.bench.site import BenchError
from local.proofs.checker import following
from local.proofs.checker.checker import Checker
from local.proofs.client import Feed
from local.proofs.generator.load import steady
from local.proofs.history.history import History
from local.proofs.history.reader import Reader, reading
from local.proofs.nemesis.target import Target
from local.stack import lifecycle
from local.stack.deployment import LocalDeployment
from local.systems.aws import traffic

UP = "`pulumi up` of a new stack, until the VM's connectors run"
BOOT = "boot of the VM, with the installation"
FOUND = "from the VM's launch to the first event in Logz.io"
FOUND_PREPARED = f"{FOUND}; its image has the distribution's packages"
SERVICE_START = "start of the service, until its connectors run"
NO_CHANGE = "`pulumi up` without a change"
PREVIEW = "`pulumi preview` without a change"
DESTROY = "`pulumi destroy`"

ROTATIONS = (5, Connector().rotation_seconds)
"""Seconds: the local stack's, and the default."""

RATE = 100.0
"""Events per second, while delays are measured."""

_FIRST_EVENTS = 1_000


@dataclass(frozen=True)
class Waits:
    """How long events waited, in seconds: half of them, 95 % of them and all of them no longer than this."""

    p50: float
    p95: float
    longest: float


@dataclass(frozen=True)
class Delays:
    """What events waited with a rotation (seconds): from Kafka to the bucket, and from Kafka to Logz.io.

    `requests_per_object`: S3 requests of the VM for each object that it completed.
    """

    rotation: int
    events: int
    archived: Waits
    indexed: Waits
    requests_per_object: float


@dataclass(frozen=True)
class Round:
    """What was measured. `seconds`: what took how long, by the names above."""

    seconds: Mapping[str, float]
    delays: tuple[Delays, ...]


def measure(state: Path, minutes: float) -> Round:
    """One round: brings two stacks up, one after the other, and destroys them.

    `minutes`: for how long events flow with each rotation, in the first one.

    Raises:
        RuntimeError: a stack did not come up, or an event did not arrive.
    """
    with _up(state) as up:
        (vm,) = up.deployment.vms().values()
        seconds = {UP: lifecycle.read_timing(state).up, BOOT: vm["boot_seconds"], FOUND: _found(up)}
        seconds |= _of_pulumi(up.deployment)
        target = Target(up.deployment)
        seconds[SERVICE_START] = _service_start(target)
        delays = tuple(_delays(target, up, rotation, minutes) for rotation in ROTATIONS)
        seconds[DESTROY] = _timed(up.deployment.destroy)
    with _up(state, prepared=True) as up:
        seconds[FOUND_PREPARED] = _found(up)
        up.deployment.destroy()
    for name, taken in seconds.items():
        progress.say(f"  {name}: {taken:.1f} s")
    return Round({name: round(taken, 2) for name, taken in seconds.items()}, delays)


@dataclass(frozen=True)
class _Up:
    """A stack that is up, and what is known of its events."""

    deployment: LocalDeployment
    history: History
    reader: Reader


@contextmanager
def _up(state: Path, *, prepared: bool = False) -> Iterator[_Up]:
    """A stack with its first events in Kafka before the VM is made. `prepared`: as in `lifecycle.up`."""
    try:
        deployment = lifecycle.up(
            state, prepared=prepared, before_up=lambda started: client.produce(started, _FIRST_EVENTS)
        )
        history = History()
        with reading(deployment, history) as reader:
            yield _Up(deployment, history, reader)
    finally:
        processes.stop_all(state)
    # The logs are worth keeping only if something went wrong.
    lifecycle.end(state)


def _timed(action: Callable[[], object]) -> float:
    began = monotonic()
    action()
    return monotonic() - began


def _of_pulumi(deployment: LocalDeployment) -> dict[str, float]:
    quiet = ("--suppress-progress", "--suppress-outputs", "--expect-no-changes")
    return {
        NO_CHANGE: _timed(lambda: deployment.pulumi("up", "--yes", "--skip-preview", *quiet)),
        PREVIEW: _timed(lambda: deployment.pulumi("preview", *quiet)),
    }


def _found(up: _Up) -> float:
    reservations = up.deployment.aws("ec2").describe_instances()["Reservations"]
    (launched,) = (float(vm["LaunchTime"].timestamp()) for found in reservations for vm in found["Instances"])

    def first() -> float | None:
        up.reader.read_delivered()
        return up.history.first_delivered_at

    return wait_until(first, "the first event is in Logz.io") - launched


def _service_start(target: Target) -> float:
    unit = f"{SERVICE}.service"
    target.run("systemctl", "stop", unit)
    began = monotonic()
    target.run("systemctl", "start", unit)
    _wait_for_connectors(target)
    return monotonic() - began


def _wait_for_connectors(target: Target) -> None:
    url = f"http://127.0.0.1:{Worker.model_fields['rest_port'].default}/connectors?expand=status"

    def are_running() -> bool:
        return connectors_run(target.run("curl", "--silent", "--max-time", "5", url, check=False))

    wait_until(are_running, "both connectors run", poll=0.1)


def connectors_run(answer: str) -> bool:
    """Whether both connectors and their tasks run, from what Connect's REST interface answers (`expand=status`)."""
    try:
        found = [connector["status"] for connector in json.loads(answer).values()]
    except ValueError:
        return False
    tasks = [task for status in found for task in status["tasks"]]
    states = {part["state"] for part in (*(status["connector"] for status in found), *tasks)}
    return len(found) == len(tasks) == 2 and states == {"RUNNING"}


def _delays(target: Target, up: _Up, rotation: int, minutes: float) -> Delays:
    former = target.jvm()
    target.set_rotation(rotation)
    wait_until(lambda: target.jvm() not in (0, former), "the service has a new JVM", poll=0.2)
    _wait_for_connectors(target)
    feed = Feed(target.state, steady(RATE))
    since, before = time(), _requests(target)
    with progress.step(f"{minutes:g} minutes of events, rotation {rotation} s"):
        feed.start()
        sleep(60 * minutes)
        feed.stop()
    # No event waits longer than two rotations (a restart reads an open file again) and what Logz.io takes.
    following.wait_until_complete(
        up.reader, Checker(up.history), still_seconds=300 + 2 * rotation, say=lambda _: None
    )
    requests, completed = (after - earlier for after, earlier in zip(_requests(target), before, strict=True))
    return delays(up.history, since, rotation, requests / completed)


def delays(history: History, since: float, rotation: int, requests_per_object: float) -> Delays:
    """Of the events that were produced since a moment (epoch seconds).

    Raises:
        BenchError: there are none, or one is missing in the bucket or in Logz.io.
    """
    produced = {name: origin.at for name, origin in history.origins.items() if origin.at >= since}
    archived = history.archived_at()
    missing = [name for name in produced if name not in archived or name not in history.indexed_at]
    if missing or not produced:
        raise BenchError(f"of {len(produced)} events, {len(missing)} did not arrive")
    return Delays(
        rotation,
        len(produced),
        _waits([archived[name] - at for name, at in produced.items()]),
        _waits([history.indexed_at[name] - at for name, at in produced.items()]),
        round(requests_per_object, 2),
    )


def _waits(values: list[float]) -> Waits:
    # S3 gives whole seconds: an object may seem older than its events.
    return Waits(*(round(max(0.0, percentile(values, percent)), 1) for percent in (50, 95, 100)))


def _requests(target: Target) -> tuple[int, int]:
    """All S3 requests of the VM so far, and those that completed an object."""
    counted = traffic.counted(target.deployment.aws_endpoint).get(target.writer, {})
    return sum(counted.values()), counted.get("CompleteMultipartUpload", 0)
