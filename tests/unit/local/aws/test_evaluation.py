"""The state of an alarm, by the tables and rules of CloudWatch's user guide."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from local.systems.aws.evaluation import Datum, Definition, State, definition, state

PERIOD = 300
NOW = 1_800_000_000.0

# X is breaching.
ALARM = Definition(
    namespace="n",
    metric="m",
    dimensions={},
    statistic="Maximum",
    comparison="GreaterThanThreshold",
    threshold=0,
    period=PERIOD,
    periods=3,
    to_alarm=3,
)

TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
RETAINED = "retained"
EVERY: tuple[State, ...] = ("ALARM", "OK", "INSUFFICIENT_DATA")


def drawn(row: str) -> list[Datum]:
    """Data of a row of the guide: the most recent period is on the right."""
    periods = row.split()
    begins = {back: NOW - (len(periods) - back) * PERIOD for back in range(len(periods))}
    return [Datum(begins[back], int(shown == "X")) for back, shown in enumerate(periods) if shown != "-"]


def states(alarm: Definition, data: list[Datum]) -> list[str]:
    """By treatment of missing data; `retained` if the former state decides."""
    found = []
    for treatment in TREATMENTS:
        alike = replace(alarm, missing=treatment)
        by_former = {state(alike, data, NOW, former) for former in EVERY}
        found.append(by_former.pop() if len(by_former) == 1 else RETAINED)
    return found


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("0 - X - X", ["OK"] * 4),
        ("0 - - - -", ["OK"] * 4),
        ("- - - - -", ["INSUFFICIENT_DATA", RETAINED, "ALARM", "OK"]),
        ("0 X X - X", ["ALARM"] * 4),
        ("- - X - -", ["ALARM", RETAINED, "ALARM", "OK"]),
    ],
)
def test_three_of_three_periods_as_in_the_guides_first_table(row: str, expected: list[str]) -> None:
    assert states(ALARM, drawn(row)) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("0 - X - X", ["ALARM"] * 4),
        ("0 0 X 0 X", ["ALARM"] * 4),
        ("0 - X - -", ["OK", "OK", "ALARM", "OK"]),
        ("- - - - 0", ["OK", "OK", "ALARM", "OK"]),
        ("- - - X -", ["ALARM", RETAINED, "ALARM", "OK"]),
    ],
)
def test_two_of_three_periods_as_in_the_guides_second_table(row: str, expected: list[str]) -> None:
    assert states(replace(ALARM, to_alarm=2), drawn(row)) == expected


@pytest.mark.parametrize("row", ["- - - - X", "- - - X -"])
def test_a_first_breaching_period_does_not_raise_an_alarm_at_once(row: str) -> None:
    assert state(ALARM, drawn(row), NOW, "OK") == "OK"


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("GreaterThanThreshold", {3}),
        ("GreaterThanOrEqualToThreshold", {2, 3}),
        ("LessThanThreshold", {1}),
        ("LessThanOrEqualToThreshold", {1, 2}),
    ],
)
def test_a_value_is_compared_with_the_threshold(comparison: str, breaching: set[int]) -> None:
    alarm = replace(ALARM, comparison=comparison, threshold=2, periods=1, to_alarm=1)

    assert {
        value for value in (1, 2, 3) if state(alarm, [Datum(NOW - 1, value)], NOW, "OK") == "ALARM"
    } == breaching


@pytest.mark.parametrize(
    ("statistic", "value"), [("Average", 4), ("Maximum", 8), ("Minimum", 1), ("SampleCount", 3), ("Sum", 12)]
)
def test_the_values_of_a_period_become_one_statistic(statistic: str, value: float) -> None:
    alarm = replace(
        ALARM, statistic=statistic, comparison="GreaterThanOrEqualToThreshold", periods=1, to_alarm=1
    )
    data = [Datum(NOW - seconds, put) for seconds, put in ((10, 8), (20, 1), (PERIOD, 3))]

    assert state(replace(alarm, threshold=value), data, NOW, "OK") == "ALARM"
    assert state(replace(alarm, threshold=value + 0.5), data, NOW, "OK") == "OK"


def test_a_period_ends_at_the_moment_of_the_evaluation_and_includes_its_beginning() -> None:
    alarm = replace(ALARM, periods=1, to_alarm=1, statistic="Sum", threshold=1, missing="notBreaching")
    data = [Datum(NOW - PERIOD, 1), Datum(NOW - 1, 1)]

    assert state(alarm, data, NOW, "OK") == "ALARM"
    assert state(alarm, data, NOW + 1, "OK") == "OK"
    # What comes later does not count.
    assert state(alarm, data, NOW - 1, "OK") == "OK"


def test_a_silent_alarm_on_the_number_of_values_fires_once_no_value_is_in_its_range() -> None:
    silent = replace(
        ALARM, statistic="SampleCount", comparison="LessThanThreshold", threshold=1, missing="breaching"
    )
    last = [Datum(NOW, 1)]

    assert state(silent, last, NOW + 5 * PERIOD, "OK") == "OK"
    assert state(silent, last, NOW + 5 * PERIOD + 1, "OK") == "ALARM"


DESCRIBED: Mapping[str, Any] = {
    "Namespace": "n",
    "MetricName": "m",
    "Dimensions": [],
    "Statistic": "Maximum",
    "ComparisonOperator": "GreaterThanThreshold",
    "Threshold": 0,
    "Period": PERIOD,
    "EvaluationPeriods": 3,
}


def test_without_a_number_of_data_points_all_periods_must_be_breaching() -> None:
    assert definition(DESCRIBED) == ALARM
    assert definition({**DESCRIBED, "DatapointsToAlarm": 2, "TreatMissingData": "ignore"}) == replace(
        ALARM, to_alarm=2, missing="ignore"
    )


def test_the_former_state_stays_where_missing_data_is_ignored() -> None:
    assert tuple(state(replace(ALARM, missing="ignore"), [], NOW, former) for former in EVERY) == EVERY
