"""Which other settings would cost less, and what they would take away."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic.alias_generators import to_camel

from components.settings import Settings
from scripts.cost import prices
from scripts.cost.estimate import estimate
from scripts.cost.plan import plan_of
from scripts.cost.sink import Workload

LEAST_USD = 0.10
"""What a lever must save to be named."""


@dataclass(frozen=True)
class Saving:
    """`setting: value` would save `usd` a month. `loses`: what it takes away."""

    setting: str
    value: str
    usd: float
    loses: str


@dataclass(frozen=True)
class _Lever:
    """A cheaper value of a setting, by the section and the field that have it."""

    section: str
    field: str
    value: Any
    loses: str


def savings(settings: Settings, workload: Workload, instance_usd: float | None = None) -> list[Saving]:
    """What single settings would save, the most first; each against the stack as it is."""
    now = estimate(plan_of(settings), workload, instance_usd).usd()
    found = []
    for lever in _levers(settings):
        # A given price is that of the present type.
        given = None if lever.field == "instance_type" else instance_usd
        usd = now - estimate(plan_of(_with(settings, lever)), workload, given).usd()
        if usd >= LEAST_USD:
            name = f"{lever.section}.{to_camel(lever.field)}"
            found.append(Saving(name, _shown(lever.value), usd, lever.loses))
    return sorted(found, key=lambda saving: -saving.usd)


def _levers(settings: Settings) -> Iterator[_Lever]:
    yield _Lever(
        "connector", "rotation_seconds", 300, "events arrive up to 5 minutes late; a crash repeats more"
    )
    yield _Lever("worker", "count", 1, "a lost VM stops all partitions until somebody acts")
    yield _Lever("worker", "metrics", False, "no alarm tells anybody of a fault")
    yield _Lever("alarms", "dashboard", False, "no picture of the chain in CloudWatch")
    yield _Lever("archive", "originals", False, "no event is kept as Confluent sent it")
    yield _Lever("archive", "retention_days", 90, "older events are deleted")
    yield _Lever("worker", "volume_gb", 10, "less room for logs")
    if settings.worker.secrets_key_arn is None:
        key = "a KMS key of yours"
        yield _Lever("worker", "secrets_key_arn", key, "nothing, if you have a KMS key for it")
    family, _, size = settings.worker.instance_type.partition(".")
    # Without the price of the present type there is nothing to compare.
    if family == "t3" and settings.worker.instance_type in prices.INSTANCES:
        yield from (
            _Lever("worker", "instance_type", f"{other}.{size}", loses)
            for other, loses in (("t3a", "Intel: not measured on AMD"), ("t4g", "x86: nobody has tried ARM"))
            if f"{other}.{size}" in prices.INSTANCES
        )


def _with(settings: Settings, lever: _Lever) -> Settings:
    section = getattr(settings, lever.section).model_copy(update={lever.field: lever.value})
    return settings.model_copy(update={lever.section: section})


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
