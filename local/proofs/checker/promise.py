"""What a stack promises beside its events: one registration for each partition, a state like the world, no secret."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.archive import layout
from local.base import http
from local.proofs.checker.checker import Result
from local.proofs.history.history import PIPELINE
from local.stack.deployment import LocalDeployment
from local.stack.pulumi import PulumiError

_LISTED = 10
_OUTPUT_END = 3000


@dataclass(frozen=True)
class Violation:
    """A part of the promise that does not hold: its rule, in few words, and what was found."""

    rule: str
    text: str


def of_events(result: Result) -> Iterator[Violation]:
    """Events that are not where they must be, or not as they must be; duplicates are allowed."""
    found = {
        "an event is missing": (result.missing, result.first_missing),
        "an event is not indexed": (result.index_failures, result.first_failures),
        "an original is missing": (result.originals_missing, result.first_originals_missing),
        "a copy differs": (result.defects, result.first_defects),
    }
    for rule, (count, first) in found.items():
        if count:
            yield Violation(rule, f"{count} in all: {'; '.join(map(str, first[:_LISTED]))}")


def of_registrations(registrations: Iterable[Mapping[str, Any]], partitions: int) -> Iterator[Violation]:
    """A prefix that is registered twice, not at all, or without a partition.

    `registrations`: as the emulator of Logz.io shows them.
    """
    known = Counter(str(registration["prefix"]) for registration in registrations)
    wanted = Counter(
        layout.partition_prefix(PIPELINE.topics_dir, PIPELINE.topic, partition)
        for partition in range(partitions)
    )
    if more := known - wanted:
        yield Violation("registered twice", f"more registrations than partitions: {dict(more)}")
    if fewer := wanted - known:
        yield Violation("not registered", f"{sorted(fewer)}")


def registrations(deployment: LocalDeployment) -> list[dict[str, Any]]:
    """What is registered at the emulator of Logz.io."""
    state = http.get(f"{deployment.logzio}/_emulator/state").raise_for_status().json()
    found: list[dict[str, Any]] = state["registrations"]
    return found


def of_state(deployment: LocalDeployment) -> Iterator[Violation]:
    """`pulumi refresh` and then `pulumi preview` find something to change."""
    commands = ("refresh", "--yes", "--skip-preview"), ("preview", "--diff")
    for command in commands:
        try:
            deployment.pulumi(*command, "--expect-no-changes")
        except PulumiError as error:
            yield Violation(f"{command[0]} is not empty", str(error)[-_OUTPUT_END:])


def of_secrets(found: Mapping[str, Collection[str]]) -> Iterator[Violation]:
    """Secrets in plain, as `secret_search.found_in` has found them; their names alone are shown."""
    for place, names in sorted(found.items())[:_LISTED]:
        yield Violation("a secret in plain", f"{place}: {', '.join(sorted(names))}")
