"""A goal is met by what was measured, or missed."""

from dataclasses import replace

from local.proofs.bench import stack
from local.proofs.bench.figures import Spread
from local.proofs.bench.goals import DEMO, at_least, at_most, sink_goals, stack_goals, time_goals
from tests.unit.local.proofs.bench.reports import measured, samples


def test_throughput_and_cpu_are_compared_as_the_goals_say() -> None:
    found = [(goal.goal, goal.measured, goal.verdict) for goal in sink_goals([samples(), samples(slower=3)])]

    assert found == [
        (">= 300 x", "400.0 x", "met"),
        (">= 500 x", "600.0 x", "met"),
        ("<= 20 %", "10.0 %", "met"),
        ("<= 45 %", "50.0 %", "missed"),
        (">= 2,000", "2,667", "met"),
        ("<= 450 MB", "430.0 MB", "met"),
    ]


def test_memory_is_that_of_the_defaults() -> None:
    larger = [replace(sample, peak_mb=451.0) for sample in samples()]

    assert list(sink_goals([larger]))[-1].verdict == "missed"


def test_a_delay_is_that_of_the_worst_round() -> None:
    rounds = [measured(1, 1, p95=14.9), measured(1, 1, p95=15.1)]

    waited, requests = stack_goals(rounds)
    assert (waited.goal, waited.measured, waited.verdict) == ("<= 15 s", "15.1 s", "missed")
    assert (requests.goal, requests.measured, requests.verdict) == ("<= 3", "3.00", "met")
    assert next(stack_goals(rounds[:1])).is_met


def test_a_time_is_the_median_and_one_that_was_not_measured_has_no_goal() -> None:
    (preview,) = time_goals({stack.UP: Spread(30, 30, 30), stack.PREVIEW: Spread(3.9, 3.0, 9.0)})
    (demo,) = time_goals({DEMO: Spread(55.1, 40, 60)})

    assert (preview.text, preview.is_met) == (stack.PREVIEW, True)
    assert (demo.goal, demo.measured, demo.verdict) == ("<= 55 s", "55.1 s", "missed")


def test_the_goal_itself_meets_the_goal() -> None:
    assert at_least("x", 300, 300, "x").is_met
    assert not at_least("x", 299.9, 300, "x").is_met
    assert at_most("x", 4, 4, "s").is_met
    assert not at_most("x", 4.01, 4, "s").is_met
