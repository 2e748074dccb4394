"""The plan of a soak: what is done when. A pure function of seed, minutes and mode."""

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, get_args

from local.base.files import write_atomically
from local.proofs.soak.kinds import COUNT, FIRST_COUNT, KINDS, Kind
from local.stack.deployment import Mode

QUIET_SECONDS = 100.0
"""What a quiet point takes, about."""

_PAUSE = (5.0, 40.0)
_SHORTEST_STEP = 50.0
"""Seconds in which something can always be done, after the longest pause."""
_BETWEEN_QUIET_POINTS = (240.0, 540.0)
_TWO_AT_ONCE = 0.4
"""How often, if two do not exclude each other."""


@dataclass(frozen=True)
class Operation:
    """A kind by its name, and one of its choices."""

    kind: str
    choice: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.choice}".rstrip()


@dataclass(frozen=True)
class Step:
    """After `pause` seconds, these operations at once; without any, a quiet point."""

    pause: float
    operations: tuple[Operation, ...] = ()


@dataclass(frozen=True)
class Plan:
    """`seed` also makes the load. `minutes`: how long it takes, about. `mode`: `worker.mode` at the start."""

    seed: int
    minutes: float
    steps: tuple[Step, ...]
    mode: Mode = "standalone"

    def operations(self) -> list[tuple[int, Operation]]:
        """Each operation with the number of its step."""
        return [
            (number, operation) for number, step in enumerate(self.steps) for operation in step.operations
        ]

    def reduced(self, kept: Iterable[tuple[int, Operation]]) -> "Plan":
        """The same plan with these operations alone, in their steps, and with a quiet point at its end."""
        steps = [
            Step(self.steps[number].pause, tuple(operation for _, operation in group))
            for number, group in groupby(kept, key=lambda numbered: numbered[0])
        ]
        return replace(self, steps=(*steps, Step(0.0)))

    def write(self, file: Path) -> None:
        """One JSON object, which `read` takes."""
        write_atomically(file, json.dumps({"plan": asdict(self)}, indent=2) + "\n")


def read(file: Path) -> Plan:
    """The plan in a file of `Plan.write` or in the record of a run.

    Raises:
        ValueError: the file has none, or one with a kind or a choice that there is not.
    """
    try:
        document: dict[str, Any] = json.loads(file.read_text())["plan"]
        steps = [
            Step(step["pause"], tuple(Operation(**operation) for operation in step["operations"]))
            for step in document["steps"]
        ]
        plan = Plan(document["seed"], document["minutes"], tuple(steps), document["mode"])
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{file} has no plan of a soak: {error!r}") from None
    if plan.mode not in get_args(Mode):
        raise ValueError(f"{file}: there is no mode {plan.mode}")
    for _, operation in plan.operations():
        kind = KINDS.get(operation.kind)
        if kind is None or operation.choice not in kind.choices or plan.mode not in kind.modes:
            raise ValueError(
                f"{file}: there is no operation {operation.kind} {operation.choice} in mode {plan.mode}"
            )
    return plan


def seconds(step: Step) -> float:
    """How long a step takes, about."""
    taken = [KINDS[operation.kind].seconds[operation.choice] for operation in step.operations]
    return step.pause + max(taken, default=QUIET_SECONDS)


def draw(seed: int, minutes: float, mode: Mode = "standalone") -> Plan:
    """The plan of this seed, for a stack in this mode."""
    return Plan(seed, minutes, tuple(_Drawing(seed, minutes * 60 - QUIET_SECONDS, mode).steps()), mode)


class _Drawing:
    """Draws steps as if from a bag: every kind comes before one comes again."""

    def __init__(self, seed: int, left: float, mode: Mode) -> None:
        """`left`: seconds for all steps but the last."""
        self._rng = random.Random(f"plan {seed}")  # noqa: S311 -- a plan that can be repeated, nothing secret
        self._left = left
        self._kinds = [kind for kind in KINDS.values() if mode in kind.modes]
        self._count = FIRST_COUNT[mode]
        self._bag: list[Kind] = []

    def steps(self) -> Iterator[Step]:
        quiet_in = self._rng.uniform(*_BETWEEN_QUIET_POINTS)
        while (step := self._step()) is not None:
            yield step
            self._left -= seconds(step)
            quiet_in -= seconds(step)
            if quiet_in < 0 and self._left > QUIET_SECONDS + _SHORTEST_STEP:
                quiet_in = self._rng.uniform(*_BETWEEN_QUIET_POINTS)
                self._left -= QUIET_SECONDS
                yield Step(0.0)
        yield Step(0.0)

    def _step(self) -> Step | None:
        pause = round(self._rng.uniform(*_PAUSE), 1)
        first = self._operation(self._left - pause, [])
        if first is None:
            return None
        operations = [first]
        if self._rng.random() < _TWO_AT_ONCE:
            second = self._operation(self._left - pause, [KINDS[first.kind]])
            operations += [second] if second is not None else []
        for operation in operations:
            self._count = KINDS[operation.kind].leaves_with(operation.choice) or self._count
        return Step(pause, tuple(operations))

    def _operation(self, left: float, beside: Sequence[Kind]) -> Operation | None:
        """One that takes at most `left` seconds and may run with `beside`; None if there is none."""
        drawn = self._take(left, beside)
        if drawn is None and not beside:
            waits_for_count = any(kind.count not in (None, self._count) for kind in self._bag)
            if waits_for_count and min(KINDS[COUNT].seconds.values()) <= left:
                return Operation(COUNT, "1")
            self._bag += self._filled()
            drawn = self._take(left, beside)
        return drawn

    def _take(self, left: float, beside: Sequence[Kind]) -> Operation | None:
        for kind in self._bag:
            choices = [choice for choice, taken in kind.seconds.items() if taken <= left]
            if choices and self._fits(kind, beside):
                self._bag.remove(kind)
                return Operation(kind.name, self._rng.choice(choices))
        return None

    def _fits(self, kind: Kind, beside: Sequence[Kind]) -> bool:
        return kind.count in (None, self._count) and not any(kind.excludes(other) for other in beside)

    def _filled(self) -> list[Kind]:
        kinds = [kind for kind in self._kinds for _ in range(kind.times)]
        self._rng.shuffle(kinds)
        return kinds
