"""What a whole stack shows: delays of its events, and whether its connectors run."""

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from local.proofs.bench.site import BenchError
from local.proofs.bench.stack import Delays, Waits, connectors_run, delays
from local.proofs.history.history import History

BEGAN = 1_000.0


def history(archived: dict[str, float], indexed: dict[str, float]) -> History:
    """20 events, half a second apart; `e0` was produced before the measurement began."""
    origins = {f"e{number}": SimpleNamespace(at=BEGAN - 0.5 + number / 2) for number in range(20)}
    return cast(History, SimpleNamespace(origins=origins, archived_at=lambda: archived, indexed_at=indexed))


IDS = [f"e{number}" for number in range(1, 20)]


def test_delays_are_of_the_events_since_the_begin() -> None:
    known = history(dict.fromkeys(IDS, BEGAN + 10), dict.fromkeys(IDS, BEGAN + 12))

    found = delays(known, BEGAN, rotation=5, requests_per_object=3.004)

    assert found == Delays(5, 19, Waits(5.5, 10.0, 10.0), Waits(7.5, 12.0, 12.0), 3.0)


def test_an_object_that_seems_older_than_its_events_has_no_negative_delay() -> None:
    known = history(dict.fromkeys(IDS, BEGAN - 1), dict.fromkeys(IDS, BEGAN + 12))

    assert delays(known, BEGAN, 5, 3.0).archived == Waits(0.0, 0.0, 0.0)


@pytest.mark.parametrize("lacking", ["bucket", "Logz.io"])
def test_an_event_that_did_not_arrive_is_an_error(lacking: str) -> None:
    everywhere, fewer = dict.fromkeys(IDS, BEGAN + 10), dict.fromkeys(IDS[1:], BEGAN + 10)
    known = history(fewer, everywhere) if lacking == "bucket" else history(everywhere, fewer)

    with pytest.raises(BenchError, match="of 19 events, 1 did not arrive"):
        delays(known, BEGAN, 5, 3.0)


def test_no_event_at_all_is_an_error() -> None:
    with pytest.raises(BenchError, match="of 0 events"):
        delays(history({}, {}), BEGAN + 100, 5, 3.0)


def status(connector: str = "RUNNING", *tasks: str) -> dict[str, Any]:
    return {"status": {"connector": {"state": connector}, "tasks": [{"state": state} for state in tasks]}}


RUNS = status("RUNNING", "RUNNING")


@pytest.mark.parametrize(
    ("answer", "run"),
    [
        ({"a": RUNS, "b": RUNS}, True),
        ({"a": RUNS}, False),
        ({"a": RUNS, "b": status("RUNNING")}, False),
        ({"a": RUNS, "b": status("RUNNING", "FAILED")}, False),
        ({"a": RUNS, "b": status("UNASSIGNED", "RUNNING")}, False),
        ({}, False),
    ],
)
def test_both_connectors_and_their_tasks_must_run(answer: dict[str, Any], *, run: bool) -> None:
    assert connectors_run(json.dumps(answer)) is run


def test_a_worker_that_does_not_answer_yet_does_not_run() -> None:
    assert not connectors_run("")
