"""The rules by which CloudWatch evaluates a metric alarm (pure); moto leaves each alarm in the state that it was set to.

Sources, pages of the CloudWatch user guide:

- "Alarm evaluation": period, evaluation periods, data points to alarm
- "Alarm evaluation window": an alarm's periods slide, they end at the moment of the evaluation
- "Configuring how CloudWatch alarms treat missing data": the evaluation range, and the two tables that the tests repeat

Here are the static thresholds of standard resolution that the program uses: no percentiles, metric maths or anomalies.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any, Literal, NamedTuple

State = Literal["ALARM", "INSUFFICIENT_DATA", "OK"]

FURTHER_PERIODS = 2
"""Periods of the evaluation range beyond the evaluation periods.

AWS gives no formula: the range "depends on the length of the alarm period". The guide's examples have 3 evaluation
periods and a range of 5. That it is 2 for other alarms, too, is an assumption that nobody has verified.
"""

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": ge,
    "GreaterThanThreshold": gt,
    "LessThanOrEqualToThreshold": le,
    "LessThanThreshold": lt,
}

_STATISTICS: Mapping[str, Callable[[list[float]], float]] = {
    "Average": lambda values: sum(values) / len(values),
    "Maximum": max,
    "Minimum": min,
    "SampleCount": len,
    "Sum": sum,
}


class Datum(NamedTuple):
    """One value that was put, at a time in epoch seconds."""

    at: float
    value: float


@dataclass(frozen=True)
class Definition:
    """What PutMetricAlarm gave, as far as it decides on the state.

    Attributes:
        period: seconds.
        periods: EvaluationPeriods.
        to_alarm: DatapointsToAlarm; without it, CloudWatch takes EvaluationPeriods.
        missing: TreatMissingData.
        unit: None for data of any unit.
    """

    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str
    comparison: str
    threshold: float
    period: int
    periods: int
    to_alarm: int
    missing: str = "missing"
    unit: str | None = None

    @property
    def range_seconds(self) -> int:
        """How far back an evaluation looks."""
        return self.period * (self.periods + FURTHER_PERIODS)


def definition(described: Mapping[str, Any]) -> Definition:
    """The definition of an alarm, as DescribeAlarms shows it."""
    return Definition(
        namespace=described["Namespace"],
        metric=described["MetricName"],
        dimensions={dimension["Name"]: dimension["Value"] for dimension in described["Dimensions"]},
        statistic=described["Statistic"],
        comparison=described["ComparisonOperator"],
        threshold=described["Threshold"],
        period=described["Period"],
        periods=described["EvaluationPeriods"],
        to_alarm=described.get("DatapointsToAlarm") or described["EvaluationPeriods"],
        missing=described.get("TreatMissingData") or "missing",
        unit=described.get("Unit"),
    )


def state(alarm: Definition, data: Iterable[Datum], now: float, former: State) -> State:
    """The state of an alarm at a time in epoch seconds.

    Args:
        data: of the alarm's metric, in any order; what is older than the evaluation range, or later, does not count.
        former: the state before.
    """
    points = _points(alarm, data, now)
    filled = max(0, alarm.periods - len(points))
    breaching = sum(is_breaching for _, is_breaching in points[: alarm.periods])
    if alarm.missing == "breaching":
        breaching += filled
    if breaching >= alarm.to_alarm:
        return "ALARM"
    if not filled or alarm.missing in ("breaching", "notBreaching"):
        return "OK"
    return _with_gaps(alarm, points, former)


def _with_gaps(alarm: Definition, points: list[tuple[int, bool]], former: State) -> State:
    """The state of an alarm that has too few points to fire, and fills no gap."""
    if not points:
        return former if alarm.missing == "ignore" else "INSUFFICIENT_DATA"
    if not all(is_breaching for _, is_breaching in points):
        return "OK"
    # The "premature alarm state": the age of the oldest point decides.
    oldest, _ = points[-1]
    if alarm.missing == "missing" and oldest + 1 >= alarm.to_alarm:
        return "ALARM"
    # For "missing", the guide says only that such an alarm "does not go immediately into ALARM state".
    return former


def _points(alarm: Definition, data: Iterable[Datum], now: float) -> list[tuple[int, bool]]:
    """Age in periods and whether it is breaching, of each period that has data; the newest first."""
    by_age: dict[int, list[float]] = {}
    for datum in data:
        # A period includes its beginning and not its end, as in GetMetricStatistics.
        age = -int((datum.at - now) // alarm.period) - 1
        if 0 <= age < alarm.periods + FURTHER_PERIODS:
            by_age.setdefault(age, []).append(datum.value)
    statistic, is_breaching = _STATISTICS[alarm.statistic], _COMPARISONS[alarm.comparison]
    return [(age, is_breaching(statistic(by_age[age]), alarm.threshold)) for age in sorted(by_age)]
