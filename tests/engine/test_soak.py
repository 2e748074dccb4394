"""A short soak on a real stack: two steps, a quiet point, and everything gone in the end."""

import pytest

from local.proofs.soak import run
from local.proofs.soak.plan import Operation, Plan, Step
from local.proofs.soak.report import Record
from tests.long import LONG

pytestmark = LONG

PLAN = Plan(
    seed=1,
    minutes=2,
    steps=(
        Step(5, (Operation("1c"),)),
        Step(5, (Operation("setting", "tags.Team=security"), Operation("4a"))),
        Step(0),
    ),
)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return run.soak(PLAN, tmp_path_factory.mktemp("soak"))


def test_the_whole_plan_was_carried_out(record: Record) -> None:
    done = [(done.step, done.operation) for done in record.done]
    # Those of a step in the order in which they ended.
    assert sorted(done, key=str) == sorted(PLAN.operations(), key=str)
    assert len(record.quiet) == 1
    assert record.events > 1000


def test_the_promise_held_and_nothing_was_left_behind(record: Record) -> None:
    assert record.violations() == []
    assert record.left_behind == []
    assert record.exit_code == 0
