"""Each alarm of the program fires by its fault and clears: real definitions, evaluated on what the watchdog reports.

The watchdog's own functions give the metrics of two VMs, healthy, with the fault and healed. The test puts them into the
local CloudWatch as often as the watchdog sends them, over as much time as the alarm looks back on.
"""

import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest

from components.worker.alarms import alarms
from components.worker.files.watchdog import clock, group, main, metrics, reader, system
from components.worker.files.watchdog.decisions import PAUSES
from components.worker.files.watchdog.group import MEASURE_SECONDS
from components.worker.files.watchdog.journal import read_journal
from components.worker.files.watchdog.kafka import Member
from components.worker.files.watchdog.memory import ConnectorMemory, Memory
from components.worker.files.watchdog.reader import LOOK_SECONDS
from components.worker.files.watchdog.service import Service
from local.proofs.nemesis import projection
from local.stack.deployment import REGION, aws_environment
from local.systems.aws.alarms import Alarm, evaluate, read
from local.systems.plugins.aws.cloudwatch import KINDS
from local.systems.plugins.aws.connection import Connection
from scripts.verify import canary
from tests.local.aws.test_server import Aws, aws
from tests.unit.components.test_program import ALARM, program
from tests.unit.components.worker.watchdog.support import (
    FAILED,
    JVM,
    RUNNING,
    SETTINGS,
    SINK,
    SKIPPED,
    CloudWatch,
    Iam,
    play,
    position,
)

__all__ = ["aws"]

Values = Mapping[str, float]
Look: TypeAlias = "Callable[[Watchdog], Values]"

MINUTE, HOUR = 60, 3600
CONNECTOR = SETTINGS["connectors"][0]
_DAYS = itertools.count(3, 3)
OUT_OF_MEMORY = "Terminating due to java.lang.OutOfMemoryError: Java heap space"


@dataclass(frozen=True)
class Watchdog:
    """The watchdog's functions, with what they find on a VM played."""

    monkeypatch: pytest.MonkeyPatch
    folder: Path

    def heals(self, sink: list[str], originals: list[str] = RUNNING) -> Values:
        states = dict(
            zip([connector["name"] for connector in SETTINGS["connectors"]], [sink, originals], strict=True)
        )
        connect = SimpleNamespace(states=lambda: states, restart_failed=lambda _: None)
        self.monkeypatch.setattr(main, "Connect", SimpleNamespace(of=lambda _: connect))
        self.monkeypatch.setattr(main, "show_service", lambda: Service(JVM, 0))
        return main.heal(SETTINGS, Memory(pid=JVM), {})

    def looks_at_the_group(self, overdue: float, prefix: str = "") -> Values:
        place = position(0, 3, 9)
        known = ConnectorMemory(due_at={place.name: 0.0}, proved=[place.name])
        found = group.lag_metrics(known, [place], now=overdue)
        return {f"{prefix}SecondsStuck": found["SecondsStuck"]}

    def counts_members(self, *vms: str, prefix: str = "") -> Values:
        members = [Member(vm, f"{CONNECTOR['client_id_prefix']}{vm}", "/10.0.0.1") for vm in vms]
        return {f"{prefix}GroupMembers": group.own_members(CONNECTOR, members)}

    def counts_foreign_members(self, *members: str) -> Values:
        found = [Member(name, name, "/10.0.0.1") for name in members]
        return {"ForeignMembers": len(group.foreign_members(CONNECTOR, found))}

    def finds_expired(self, log_start: int) -> Values:
        place = position(0, 3, 9, log_start)
        found = group.find_expired(SINK, ConnectorMemory(skipped={place.name: []}), [place])
        return {"ExpiredEvents": sum(gap.events for gap in found)}

    def counts_unregistered(self, partitions: int) -> Values:
        places = [position(partition, 0, 0) for partition in range(partitions)]
        return {"UnregisteredPartitions": group.unregistered(SETTINGS["partitions"], places)}

    def reads_the_journal(self, line: str) -> Values:
        (self.folder / "journal").write_text(f"{line}\n-- cursor: new\n")
        play(self.folder, "journalctl", f"cat {self.folder}/journal")
        self.monkeypatch.setenv("PATH", f"{self.folder}:/usr/bin:/bin")
        found = read_journal(self.folder / "cursor")
        return {"SkippedEvents": len(found.skipped), "OutOfMemory": found.out_of_memory}

    def looks_at_the_disk(self, free: int) -> Values:
        self.monkeypatch.setattr(
            system, "os", SimpleNamespace(statvfs=lambda _: SimpleNamespace(f_bavail=free, f_blocks=100))
        )
        return {"FreeDiskPercent": system.free_percent("/")}

    def compares_clocks(self, *, offset: float = 0.0, ahead: float = 0.0) -> Values:
        keys = self.folder / "keys.json"
        keys.write_text(json.dumps({"ahead_until": time.time() + ahead}))
        self.monkeypatch.setattr(clock, "KEYS", keys)
        self.monkeypatch.setattr(clock, "_offsets", [offset])
        return clock.clock()

    def reports(self, look: Look, vm: int) -> list[dict[str, Any]]:
        """What it sends to CloudWatch."""
        kept = CloudWatch()
        self.monkeypatch.setenv("VM_NUMBER", str(vm))
        self.monkeypatch.setattr(metrics, "client", lambda *_: kept)
        metrics.publish(SETTINGS, look(self))
        return kept.metrics

    def asks_iam(self, hours: float) -> Values:
        iam = Iam(used=datetime.now(UTC) - timedelta(hours=hours))
        self.monkeypatch.setattr(reader, "client", lambda *_: iam)
        return reader.since_read(SETTINGS, Memory())


def nothing(_: Watchdog) -> Values:
    """Of a VM that is off, or a watchdog that gets no answer."""
    return {}


@dataclass(frozen=True)
class Case:
    """A fault of an alarm.

    Attributes:
        broken: the metrics with the fault; `well`: before and after it.
        every: seconds between two such reports.
        all_see_it: each VM reports the fault, else VM 1 alone.
    """

    alarm: str
    broken: Look
    well: Look
    every: int = MINUTE
    all_see_it: bool = False
    name: str = ""


def of_the_group(alarm: str, broken: Look, well: Look, name: str = "") -> Case:
    return Case(alarm, broken, well, every=MEASURE_SECONDS, all_see_it=True, name=name)


CASES = (
    Case("task", lambda vm: vm.heals(FAILED), lambda vm: vm.heals(RUNNING)),
    Case("originals-task", lambda vm: vm.heals(RUNNING, FAILED), lambda vm: vm.heals(RUNNING)),
    Case("heartbeat", nothing, lambda vm: vm.heals(RUNNING)),
    # As the loader and install.sh report it, and each try again.
    Case("boot", lambda _: {"BootFailed": 1}, lambda _: {"BootFailed": 0}, every=10 * MINUTE),
    Case("restarts", lambda vm: vm.heals(FAILED), lambda vm: vm.heals(RUNNING), every=max(PAUSES)),
    of_the_group("stuck", lambda vm: vm.looks_at_the_group(2 * HOUR), lambda vm: vm.looks_at_the_group(0)),
    of_the_group("stuck", nothing, lambda vm: vm.looks_at_the_group(0), name="Kafka does not answer"),
    of_the_group(
        "originals-stuck",
        lambda vm: vm.looks_at_the_group(2 * HOUR, "Originals"),
        lambda vm: vm.looks_at_the_group(0, "Originals"),
    ),
    of_the_group("members", lambda vm: vm.counts_members("i-1"), lambda vm: vm.counts_members("i-1", "i-2")),
    of_the_group(
        "originals-members",
        lambda vm: vm.counts_members("i-1", prefix="Originals"),
        lambda vm: vm.counts_members("i-1", "i-2", prefix="Originals"),
    ),
    of_the_group("expired", lambda vm: vm.finds_expired(7), lambda vm: vm.finds_expired(3)),
    of_the_group(
        "foreign", lambda vm: vm.counts_foreign_members("other"), lambda vm: vm.counts_foreign_members()
    ),
    of_the_group("partitions", lambda vm: vm.counts_unregistered(4), lambda vm: vm.counts_unregistered(3)),
    # Each hour: the JVM starts again, and fails again at the same events.
    Case(
        "memory",
        lambda vm: vm.reads_the_journal(OUT_OF_MEMORY),
        lambda vm: vm.reads_the_journal(""),
        every=HOUR,
    ),
    Case("skipped", lambda vm: vm.reads_the_journal(SKIPPED), lambda vm: vm.reads_the_journal("")),
    Case("disk", lambda vm: vm.looks_at_the_disk(4), lambda vm: vm.looks_at_the_disk(60)),
    Case("clock-ahead", lambda vm: vm.compares_clocks(ahead=600), lambda vm: vm.compares_clocks()),
    Case("clock", lambda vm: vm.compares_clocks(offset=12), lambda vm: vm.compares_clocks()),
    Case(
        "logzio",
        lambda vm: vm.asks_iam(hours=9),
        lambda vm: vm.asks_iam(hours=1),
        every=LOOK_SECONDS,
        all_see_it=True,
    ),
    Case(
        "logzio",
        nothing,
        lambda vm: vm.asks_iam(hours=1),
        every=LOOK_SECONDS,
        all_see_it=True,
        name="no answer",
    ),
)


@dataclass(frozen=True)
class Stack:
    """The alarms of a stack of two VMs in the local CloudWatch."""

    client: Any
    endpoint: str
    namespace: str

    def named(self) -> dict[str, Alarm]:
        """The alarms by the end of their names: `task`, and `task-2` of the second VM."""
        return {alarm.name.partition("-worker-")[2]: alarm for alarm in read(self.client, self.endpoint)}

    def put(self, data: Sequence[Mapping[str, Any]], times: Iterable[int]) -> None:
        stamped = [{**datum, "Timestamp": datetime.fromtimestamp(at, UTC)} for at in times for datum in data]
        if stamped:
            self.client.put_metric_data(Namespace=self.namespace, MetricData=stamped)

    def states(self, at: float) -> dict[str, str]:
        """As DescribeAlarms shows them after an evaluation."""
        evaluate(self.client, self.endpoint, at)
        return {name: alarm.state for name, alarm in self.named().items()}

    def live_through(
        self, alarm: str, phases: Iterable[Sequence[Mapping[str, Any]]], every: int
    ) -> list[dict[str, str]]:
        """The states of all alarms after each phase.

        `phases`: what is put every so many seconds; each lasts as long as the alarm looks back.
        """
        seconds = self.named()[alarm].definition.range_seconds
        # No other test has data then.
        end = int(time.time()) - next(_DAYS) * 24 * HOUR
        seen = []
        for data in phases:
            end += seconds
            last = end - MINUTE // 2
            self.put(data, range(last, last - seconds, -every))
            seen.append(self.states(end))
        return seen


def _whole(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Pulumi's wire has no integers."""
    return {name: int(value) if isinstance(value, float) else value for name, value in inputs.items()}


@pytest.fixture(scope="module")
def stack(aws: Aws) -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as patched:
        for name, value in aws_environment(aws.folder.parent, aws.endpoint).items():
            patched.setenv(name, value)
        # The local AWS refuses the signature of a compressed request.
        patched.setenv("AWS_DISABLE_REQUEST_COMPRESSION", "true")
        connection = Connection(aws.endpoint, REGION, None)
        # With a canary, a stack has no alarm `logzio`.
        with_canary = program(alarms={"canary": True}).of_type(ALARM)
        only_there = [alarm for alarm in with_canary if alarm.name.endswith("-worker-canary")]
        made = [*program(worker={"count": 2}).of_type(ALARM), *only_there]
        for alarm in made:
            KINDS[ALARM].create(connection, {**_whole(alarm.inputs), "name": alarm.name})
        yield Stack(connection.client("cloudwatch"), aws.endpoint, made[0].inputs["namespace"])


@pytest.fixture
def watchdog(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Watchdog:
    return Watchdog(monkeypatch, tmp_path)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alarm} {case.name}".strip())
def test_an_alarm_fires_by_its_fault_and_clears_once_it_is_healed(
    stack: Stack, watchdog: Watchdog, case: Case
) -> None:
    metric = stack.named()[case.alarm].definition.metric

    def sent(*looks: Look) -> list[dict[str, Any]]:
        reports = (watchdog.reports(look, vm) for vm, look in enumerate(looks, 1))
        return [datum for report in reports for datum in report if datum["MetricName"] == metric]

    well = sent(case.well, case.well)
    broken = sent(case.broken, case.broken if case.all_see_it else case.well)
    seen = stack.live_through(case.alarm, [well, broken, well], case.every)

    assert [states[case.alarm] for states in seen] == ["OK", "ALARM", "OK"]
    # The alarm of the second VM, which is well; alarms of the stack have none.
    assert {states.get(f"{case.alarm}-2", "OK") for states in seen} == {"OK"}


@pytest.mark.parametrize("seconds", [2 * HOUR, None], ids=["missing", "nobody measures"])
def test_the_canarys_alarm_fires_and_clears(stack: Stack, seconds: float | None) -> None:
    def published(seconds: float | None) -> list[dict[str, Any]]:
        kept = CloudWatch()
        if seconds is not None:
            canary.publish(kept, stack.namespace, seconds)
        return kept.metrics

    seen = stack.live_through("canary", map(published, [0, seconds, 0]), every=HOUR)

    assert [states["canary"] for states in seen] == ["OK", "ALARM", "OK"]


def test_every_alarm_of_the_program_is_tried() -> None:
    every = alarms(originals=True, count=2, canary=True, reader_role=True)

    assert {case.alarm for case in CASES} | {"canary"} == {alarm.name for alarm in every}


def test_an_alarm_of_a_failed_boot_stays_between_two_tries(stack: Stack, watchdog: Watchdog) -> None:
    failed = watchdog.reports(lambda _: {"BootFailed": 1}, vm=1)
    seen = stack.live_through("boot", [failed, [], []], every=10 * MINUTE)

    assert [states["boot"] for states in seen] == ["ALARM"] * 3


def test_a_projection_of_the_last_heartbeats_names_the_alarms_of_the_fault(
    stack: Stack, watchdog: Watchdog
) -> None:
    now = int(time.time())
    for vm, look in enumerate([lambda vm: vm.heals(FAILED), lambda vm: vm.heals(RUNNING)], 1):
        stack.put(watchdog.reports(look, vm), [now - vm])

    found = projection.firing(read(stack.client, stack.endpoint, since=now - MINUTE), now)

    assert {"task", "restarts"} <= found
    assert found.isdisjoint({"originals-task", "heartbeat", "disk"})
