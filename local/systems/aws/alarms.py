"""The alarms of the local CloudWatch with the data of their metrics, and their evaluation, which moto lacks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.base import http
from local.systems.aws.evaluation import Datum, Definition, State, definition, state

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.client import CloudWatchClient


@dataclass(frozen=True)
class Alarm:
    """An alarm as it is now, and the data of its metric."""

    name: str
    description: str
    definition: Definition
    data: tuple[Datum, ...]
    state: State


def read(cloudwatch: "CloudWatchClient", endpoint: str, since: float = 0.0) -> list[Alarm]:
    """Every alarm that the client sees, with data since a time in epoch seconds. `endpoint`: of the local AWS."""
    answer = http.get(f"{endpoint}/_local/metric-data", params={"since": since})
    put: list[dict[str, Any]] = answer.raise_for_status().json()
    alarms = []
    for page in cloudwatch.get_paginator("describe_alarms").paginate():
        for described in page["MetricAlarms"]:
            wanted = definition(described)
            alarms.append(
                Alarm(
                    name=described["AlarmName"],
                    description=described.get("AlarmDescription", ""),
                    definition=wanted,
                    data=tuple(Datum(datum["at"], datum["value"]) for datum in put if _is_on(wanted, datum)),
                    state=described["StateValue"],
                )
            )
    return alarms


def evaluate(cloudwatch: "CloudWatchClient", endpoint: str, at: float) -> dict[str, State]:
    """Gives every alarm the state that it has by its data at a time in epoch seconds; name -> state."""
    states = {}
    for alarm in read(cloudwatch, endpoint):
        states[alarm.name] = state(alarm.definition, alarm.data, at, alarm.state)
        if states[alarm.name] != alarm.state:
            cloudwatch.set_alarm_state(
                AlarmName=alarm.name, StateValue=states[alarm.name], StateReason="Evaluated on its data."
            )
    return states


def _is_on(alarm: Definition, datum: Mapping[str, Any]) -> bool:
    """Whether the alarm watches this metric: one with further dimensions is another metric."""
    wanted = (alarm.namespace, alarm.metric, alarm.dimensions, alarm.unit or datum["unit"])
    return wanted == (datum["namespace"], datum["metric"], datum["dimensions"], datum["unit"])
