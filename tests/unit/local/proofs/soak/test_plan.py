"""A plan is drawn from its seed alone, has every kind in time, and runs at once only what may run at once."""

from itertools import pairwise
from pathlib import Path

import pytest

from local.proofs.nemesis.table import FAULTS
from local.proofs.soak.kinds import KINDS, OPERATIONS
from local.proofs.soak.plan import Operation, Plan, Step, draw, read, seconds
from local.stack.deployment import Mode

SEEDS = range(40)
MODES: tuple[Mode, ...] = ("standalone", "distributed")


def of_mode(mode: Mode) -> set[str]:
    """The names of the kinds that a stack in this mode can meet."""
    return {name for name, kind in KINDS.items() if mode in kind.modes}


def planned_seconds(plan: Plan) -> float:
    return sum(map(seconds, plan.steps))


def test_the_same_seed_makes_the_same_plan() -> None:
    assert draw(7, 60) == draw(7, 60)


def test_another_seed_makes_another_plan() -> None:
    assert draw(7, 60) != draw(8, 60)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("minutes", [3, 15, 60, 180])
def test_a_plan_takes_the_time_that_it_was_given(minutes: float, mode: Mode) -> None:
    for seed in SEEDS:
        taken = planned_seconds(draw(seed, minutes, mode))

        assert round(taken, 6) <= 60 * minutes
        assert taken >= 60 * minutes - 60


@pytest.mark.parametrize("mode", MODES)
def test_every_fault_of_the_mode_and_every_operation_can_be_drawn(mode: Mode) -> None:
    faults = {fault.name for fault in FAULTS if mode in fault.modes}

    operations = {kind.name for kind in OPERATIONS if mode in kind.modes}
    assert faults | operations == of_mode(mode)
    assert operations >= {"setting", "count", "rotation"}


@pytest.mark.parametrize("mode", MODES)
def test_a_long_plan_draws_every_kind_of_the_mode(mode: Mode) -> None:
    for seed in SEEDS:
        drawn = {operation.kind for _, operation in draw(seed, 240, mode).operations()}

        assert drawn == of_mode(mode)


@pytest.mark.parametrize("mode", MODES)
def test_every_choice_is_drawn_in_time(mode: Mode) -> None:
    drawn = {operation for seed in SEEDS for _, operation in draw(seed, 600, mode).operations()}

    assert drawn == {Operation(name, choice) for name in of_mode(mode) for choice in KINDS[name].choices}


def test_some_operations_run_at_once_and_none_that_exclude_each_other() -> None:
    pairs = [step.operations for seed in SEEDS for step in draw(seed, 240).steps if len(step.operations) > 1]

    assert pairs
    assert all(len(pair) == 2 for pair in pairs)
    for first, second in pairs:
        assert not KINDS[first.kind].parts & KINDS[second.kind].parts


def test_a_fault_that_needs_one_vm_finds_one() -> None:
    needed = 0
    for seed in SEEDS:
        count = 1
        for _, operation in draw(seed, 240).operations():
            kind = KINDS[operation.kind]
            needed += kind.count is not None
            assert kind.count in (None, count)
            count = kind.leaves_with(operation.choice) or count
    assert needed


def test_a_plan_has_quiet_points_in_between_and_one_at_its_end() -> None:
    for seed in SEEDS:
        quiet = [number for number, step in enumerate(draw(seed, 60).steps) if not step.operations]

        assert len(quiet) >= 5
        assert quiet[-1] == len(draw(seed, 60).steps) - 1
        assert all(later - earlier > 1 for earlier, later in pairwise(quiet))


@pytest.mark.parametrize("mode", MODES)
def test_a_plan_that_was_written_is_read_as_it_was(mode: Mode, tmp_path: Path) -> None:
    plan = draw(3, 30, mode)
    plan.write(tmp_path / "plan.json")

    assert read(tmp_path / "plan.json") == plan


def test_a_file_without_a_plan_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text('{"rows": []}')

    with pytest.raises(ValueError, match=r"other\.json has no plan of a soak"):
        read(file)


@pytest.mark.parametrize("operation", [Operation("99"), Operation("1a", "long"), Operation("15a")])
def test_an_operation_that_there_is_not_is_refused(operation: Operation, tmp_path: Path) -> None:
    Plan(1, 1, (Step(1.0, (operation,)),)).write(tmp_path / "plan.json")

    with pytest.raises(ValueError, match=f"there is no operation {operation.kind}"):
        read(tmp_path / "plan.json")


def test_a_reduced_plan_keeps_steps_and_their_pauses_and_ends_quietly() -> None:
    kill, burst, restart = Operation("1a"), Operation("4a"), Operation("3a")
    plan = Plan(1, 5, (Step(3.0, (kill, burst)), Step(0.0), Step(7.0, (restart,)), Step(0.0)))

    assert plan.reduced(plan.operations()) == Plan(
        1, 5, (Step(3.0, (kill, burst)), Step(7.0, (restart,)), Step(0.0))
    )
    assert plan.reduced([(0, burst)]) == Plan(1, 5, (Step(3.0, (burst,)), Step(0.0)))
    assert plan.reduced([]) == Plan(1, 5, (Step(0.0),))
