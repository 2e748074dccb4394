"""Every fault at every call, through the real engine: what comes of it, as a table."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.engine.shipping_stack import Stack, described, held

FAULTS: Mapping[str, Mapping[str, Any]] = {
    "429": {"status": 429},
    "429, Retry-After": {"status": 429, "retry_after": 1},
    "500 before": {"status": 500},
    "500 after": {"status": 500, "effect": True},
    "502 before": {"status": 502},
    "502 after": {"status": 502, "effect": True},
    "503 before": {"status": 503},
    "503 after": {"status": 503, "effect": True},
    "504 before": {"status": 504},
    "504 after": {"status": 504, "effect": True},
    "cut before": {"answer": "cut"},
    "cut after": {"answer": "cut", "effect": True},
    "slow": {"answer": "slow", "delay": 1.0},
    "shows late": {"answer": "late", "delay": 2.0},
    "unknown field": {"answer": "unknown-field"},
    "not JSON": {"answer": "not-json"},
    "token expires": {"code": "expired-token", "times": None},
    "role unknown yet": {"code": "credentials", "times": 2},
}
WRITES = ("create", "update", "delete")
CALLS = ("whoami", "role-details", "list", "get", *WRITES)
# What a fault can be about at all: an effect that shows late, credentials that are tried.
CALLS_OF = {"shows late": WRITES, "role unknown yet": ("create", "update")}
REFUSED = {"token expires": "the API token is not accepted"}
"""Faults that must end a command, and what it must say then."""


@dataclass(frozen=True)
class Row:
    """What came of one fault at one call."""

    fault: str
    call: str
    outcome: str
    registrations: int
    problems: tuple[str, ...]


def commands() -> Iterator[tuple[str, tuple[str, ...]]]:
    """A fault, and the calls that it strikes, each once, in one `pulumi up`.

    One that ends the command would keep the others from being struck, so it gets one command per call. A read
    has no effect that could come before or after the fault.
    """
    for fault in FAULTS:
        calls = CALLS_OF.get(fault, WRITES if fault.endswith(" after") else CALLS)
        if fault in REFUSED:
            yield from ((fault, (call,)) for call in calls)
        else:
            yield fault, calls


def bring_about(stack: Stack, fault: str, calls: tuple[str, ...]) -> list[Row]:
    """One `up` that makes every call: it adds a partition, takes one away, changes the rest, refreshes first."""
    first, *others = stack.arguments["partitions"]
    stack.arguments["partitions"] = [*others, first + 3]
    stack.arguments["log_type"] = f"after-{first}"
    for call in calls:
        stack.emulator.fail(calls=[call], **FAULTS[fault])
    before = stack.emulator.state()["requests"]
    done = stack.run("up", "--yes", "--skip-preview", "--refresh")
    after = stack.emulator.state()
    unstruck = {call for left in after["faults"] if left["times"] is not None for call in left["calls"]}
    unstruck |= {call for call in calls if after["requests"].get(call) == before.get(call)}
    stack.emulator.clear_faults()
    outcome, wrong = "done", []
    if done.returncode != 0:
        outcome, wrong = "refused, done by the next", after_refusal(stack, fault, done.stdout + done.stderr)
    elif fault in REFUSED:
        wrong.append("was not refused")
    wrong += problems(stack)
    count = len(held(stack.emulator))
    return [
        Row(fault, call, outcome, count, (*wrong, *(["never struck"] if call in unstruck else [])))
        for call in calls
    ]


def after_refusal(stack: Stack, fault: str, message: str) -> list[str]:
    """What is wrong with a command that failed: its words, or that the next one fails too."""
    expected = REFUSED.get(fault)
    wrong = [] if expected and expected in message else [f"said: {message[-1500:]}"]
    return wrong + ([] if stack.up().returncode == 0 else ["the next failed too"])


def problems(stack: Stack) -> list[str]:
    """Whether Logz.io and the state hold what the program describes."""
    held_now, wanted = held(stack.emulator), described(stack)
    registrations = stack.emulator.state()["registrations"]
    known = sorted(int(resource["id"]) for resource in stack.resources())
    return [
        *(["a duplicate"] if len(held_now) != len(set(held_now)) else []),
        *(["an orphan"] if set(held_now) - wanted else []),
        *(["one is missing"] if wanted - set(held_now) else []),
        *(
            ["the state differs"]
            if known != sorted(registration["id"] for registration in registrations)
            else []
        ),
        *(
            ["a field differs"]
            if {registration["logsType"] for registration in registrations} != {stack.arguments["log_type"]}
            else []
        ),
    ]


ROWS = sum(len(calls) for _, calls in commands())
HEADER = f"{'fault':<18} {'call':<13} {'outcome':<26} {'registrations':>13}  problems"


def line(row: Row) -> str:
    wrong = "; ".join(row.problems) or "-"
    return f"{row.fault:<18} {row.call:<13} {row.outcome:<26} {row.registrations:>13}  {wrong}"


def test_no_fault_at_any_call_leaves_a_duplicate_or_an_orphan_or_an_unclear_message(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    token = stack.emulator.token
    stack.arguments.update(partitions=[0, 1, 2], log_type="confluent_audit")
    assert stack.up().returncode == 0
    found: list[Row] = []

    def show(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{text}")
            sys.stdout.flush()

    show(HEADER)
    for fault, calls in commands():
        rows = bring_about(stack, fault, calls)
        found += rows
        show("\n".join(line(row) for row in rows))
    destroyed = stack.destroy()

    assert len(found) == len({(row.fault, row.call) for row in found}) == ROWS
    assert [row for row in found if row.problems] == []
    assert destroyed.returncode == 0
    assert held(stack.emulator) == []
    assert token not in stack.output + stack.state()
