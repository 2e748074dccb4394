"""All that a plan can draw: each fault of the table, and a person's operations, for stacks in each mode."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from local.proofs.nemesis import broker, fleet
from local.proofs.nemesis import operations as faulty
from local.proofs.nemesis.fault import Fault, Injection
from local.proofs.nemesis.table import FAULTS
from local.proofs.nemesis.target import Target
from local.proofs.soak import operations
from local.stack.deployment import Mode


class Part(StrEnum):
    """What an operation breaks, or needs unbroken. Two operations exclude each other if they share a part."""

    VM = "VM"
    BROKER = "broker"
    S3 = "S3"
    LOGZIO = "Logz.io"
    STACK = "stack"


ALL = frozenset(Part)


@dataclass(frozen=True)
class Kind:
    """What can be drawn.

    Attributes:
        name: a fault's own, or a word.
        run: does it; the second argument is the choice.
        parts: of the local stack.
        seconds: how long it takes, about, by choice.
        count: how many VMs it needs; None: any number.
        leaves: how many VMs there are afterwards; None: as many as before.
        times: how often it comes before all others have come.
        new_partitions: the topic has more partitions afterwards.
        modes: of the stacks (`worker.mode`) for which it can be drawn.
    """

    name: str
    text: str
    run: Callable[[Target, str], Injection | None]
    parts: frozenset[Part]
    seconds: Mapping[str, float]
    count: int | None = None
    leaves: int | None = None
    times: int = 1
    new_partitions: bool = False
    modes: tuple[Mode, ...] = ("standalone", "distributed")

    @property
    def choices(self) -> tuple[str, ...]:
        """What it can be drawn with."""
        return tuple(self.seconds)

    def leaves_with(self, choice: str) -> int | None:
        """How many VMs there are afterwards, with this choice; None: as many as before."""
        return int(choice) if self.name == COUNT else self.leaves

    def excludes(self, other: "Kind") -> bool:
        """Whether the two must not run at once."""
        return bool(self.parts & other.parts)


SHORT, LONG = "short", "long"
"""Choices of a fault whose outage can be shortened: as `Target.short`."""

COUNT = "count"
"""The operation that changes the number of VMs."""


@dataclass(frozen=True)
class _Rule:
    """How a fault is drawn; fields as in `Kind`. `run` replaces the fault's own."""

    parts: frozenset[Part]
    seconds: Mapping[str, float]
    count: int | None = None
    leaves: int | None = None
    run: Callable[[Target], Injection | None] | None = None


def _rule(
    parts: frozenset[Part], seconds: float, count: int | None = None, leaves: int | None = None
) -> _Rule:
    return _Rule(parts, {"": seconds}, count, leaves)


_VM = frozenset({Part.VM})
_BROKER = frozenset({Part.BROKER})
_S3 = frozenset({Part.S3})
_STACK = frozenset({Part.STACK})
_FLEET = _VM | _BROKER | _STACK

# A fault that measures what the sink or the watchdog does runs alone: another one would change that.
_RULES: Mapping[str, _Rule] = {
    "1a": _rule(_VM, 10),
    "1b": _rule(_VM | _S3, 15),
    "1c": _rule(_VM, 15),
    "2a": _rule(_VM, 10),
    "2b": _rule(_VM | _STACK, 60),
    "3a": _rule(_BROKER, 10),
    "3b": _Rule(_BROKER, {SHORT: 40, LONG: 130}),
    "3c": _rule(_BROKER, 75),
    "4a": _rule(_S3, 30),
    "4b": _Rule(_S3, {SHORT: 35, LONG: 65}),
    "4c": _Rule(_S3, {SHORT: 35, LONG: 65}),
    "4d": _Rule(_S3, {SHORT: 35, LONG: 65}),
    "5a": _Rule(ALL, {"": 200}, run=operations.then_rotated(faulty.rotate_kafka_secret, "kafka")),
    "5b": _Rule(ALL, {"": 200}, run=operations.then_rotated(faulty.rotate_s3_key, "writer")),
    "6": _rule(ALL, 75),
    "7a": _rule(ALL, 75),
    "7b": _rule(ALL, 75),
    "8a": _rule(_VM | _STACK, 75),
    "8b": _rule(_VM | _STACK, 120),
    "8c": _rule(_VM | _STACK, 120),
    "9": _rule(_BROKER | _STACK, 45),
    # The long one would take 20 minutes to recover from.
    "10": _Rule(ALL, {SHORT: 300}, count=1),
    "11": _Rule(ALL, {SHORT: 210, LONG: 450}),
    "12a": _rule(ALL, 420),
    "12b": _rule(ALL, 340),
    "12c": _rule(ALL, 440, count=1),
    "13a": _Rule(ALL, {"": 200}, count=1, run=operations.until_injected(broker.silent_network)),
    "13b": _rule(_BROKER, 45),
    "13c": _rule(ALL, 120, count=1),
    "13d": _rule(_BROKER | _VM, 45),
    "14a": _rule(_FLEET, 160, leaves=1),
    "14b": _rule(ALL, 220, leaves=2),
    "14c": _rule(_FLEET, 180, leaves=2),
    "14d": _rule(_FLEET, 170, leaves=2),
    "14e": _rule(ALL, 150, leaves=2),
    "14f": _rule(_FLEET, 150, leaves=2),
    "14g": _rule(_FLEET, 220, leaves=2),
    "14h": _rule(ALL, 240, leaves=2),
    "14i": _rule(_FLEET, 90, leaves=2),
    "15a": _rule(ALL, 150, leaves=2),
    "15b": _rule(ALL, 220, leaves=2),
    "15c": _rule(_FLEET, 110, leaves=2),
    "15d": _rule(ALL, 150, leaves=2),
    "15e": _rule(_FLEET, 90, leaves=2),
    "15f": _rule(_FLEET, 90, leaves=2),
    "15g": _rule(_FLEET, 260, leaves=2),
}


def _of_fault(fault: Fault) -> Kind:
    rule = _RULES[fault.name]
    inject = rule.run or fault.inject

    def run(target: Target, choice: str) -> Injection | None:
        target = replace(target, short=choice == SHORT)
        injection = inject(target)
        fault.afterwards(target)
        return injection

    return Kind(
        fault.name,
        fault.text,
        run,
        rule.parts,
        rule.seconds,
        rule.count,
        rule.leaves,
        new_partitions=fault.new_partitions,
        modes=fault.modes,
    )


SETTINGS = (
    "connector.rotationSeconds=8",
    "connector.rotationSeconds=12",
    "connector.flushSize=1000",
    "connector.flushSize=5000",
    "connector.compressionLevel=1",
    "connector.compression=none",
    "connector.compression=gzip",
    "archive.originalsRotationSeconds=10",
    "archive.originalsRotationSeconds=20",
    "archive.originalsFlushSize=2000",
    "archive.retentionDays=30",
    "worker.heapMb=512",
    "worker.logLevel=DEBUG",
    "worker.logLevel=INFO",
    "worker.instanceType=t3.medium",
    "alarms.dashboard=false",
    "alarms.dashboard=true",
    "alarms.canary=true",
    "alarms.canary=false",
    "logzio.authentication=keys",
    "logzio.authentication=role",
    "tags.Team=security",
    "tags.Team=platform",
)

OPERATIONS = (
    Kind(
        "setting",
        "`pulumi up` with another setting",
        operations.set_setting,
        _VM | _STACK,
        dict.fromkeys(SETTINGS, 60),
        times=4,
    ),
    Kind(COUNT, "another number of VMs", operations.set_count, _FLEET, {"1": 30, "2": 60, "3": 90}, times=2),
    Kind(
        "rotation",
        "`make rotate`",
        operations.rotate,
        ALL,
        {"kafka": 150, "writer": 150, "kafka writer": 160},
        times=2,
    ),
    Kind(
        "fleet-rotation",
        "`make rotate` of the key for the cluster with Connect's state",
        operations.rotate,
        ALL,
        {"fleet": 150},
        modes=("distributed",),
    ),
    Kind(
        "loss",
        "a VM terminated behind Pulumi's back, made anew by refresh and up",
        operations.replace_lost_vm,
        _VM | _STACK,
        {"": 90},
    ),
    Kind("refresh", "`pulumi refresh`", operations.refresh, _STACK, {"": 10}),
    Kind("verify", "`make verify`", operations.verify, _STACK | {Part.LOGZIO}, {"": 15}),
    Kind("replay", "`make replay` of what Logz.io passed over", operations.replay, ALL, {"": 20}),
    Kind("unindexable", "events that Logz.io cannot index", operations.send_unindexable, _BROKER, {"": 5}),
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (*map(_of_fault, FAULTS), *OPERATIONS)}
"""By name."""

FIRST_COUNT: Mapping[Mode, int] = {"standalone": 1, "distributed": fleet.COUNT}
"""How many VMs a stack has at its start."""
