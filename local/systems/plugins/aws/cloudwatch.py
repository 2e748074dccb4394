"""Alarms and dashboards."""

from typing import Any

from local.systems.plugins.aws.connection import Connection, tag_changes, tag_list, tag_map, void
from local.systems.plugins.sources import terraform_aws, terraform_aws_5
from local.systems.plugins.stand_in import Created, Kind, Property
from local.systems.plugins.values import Plain

FIELDS = {
    "name": "AlarmName",
    "actionsEnabled": "ActionsEnabled",
    "alarmActions": "AlarmActions",
    "alarmDescription": "AlarmDescription",
    "comparisonOperator": "ComparisonOperator",
    "datapointsToAlarm": "DatapointsToAlarm",
    "evaluationPeriods": "EvaluationPeriods",
    "insufficientDataActions": "InsufficientDataActions",
    "metricName": "MetricName",
    "namespace": "Namespace",
    "okActions": "OKActions",
    "period": "Period",
    "statistic": "Statistic",
    "threshold": "Threshold",
    "treatMissingData": "TreatMissingData",
    "unit": "Unit",
}
"""Properties with the same meaning and shape in Pulumi and in the API."""


def _put(aws: Connection, inputs: Plain) -> Created:
    request: dict[str, Any] = {theirs: inputs[ours] for ours, theirs in FIELDS.items() if ours in inputs}
    request.setdefault("TreatMissingData", "missing")
    dimensions = (inputs.get("dimensions") or {}).items()
    request["Dimensions"] = [{"Name": name, "Value": value} for name, value in dimensions]
    aws.client("cloudwatch").put_metric_alarm(**request, Tags=tag_list(inputs.get("tags")))
    return Created(inputs["name"])


def _read(aws: Connection, name: str, _state: Plain) -> Plain | None:
    client = aws.client("cloudwatch")
    found: Any = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    if not found:
        return None
    alarm = found[0]
    tags = client.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    return {
        "id": name,
        "arn": alarm["AlarmArn"],
        **{ours: alarm[theirs] for ours, theirs in FIELDS.items() if theirs in alarm},
        "dimensions": {dimension["Name"]: dimension["Value"] for dimension in alarm.get("Dimensions", [])},
        "tags": tag_map(tags),
    }


def _update(aws: Connection, _name: str, state: Plain, inputs: Plain) -> None:
    client = aws.client("cloudwatch")
    _put(aws, inputs)
    wanted, unwanted = tag_changes(state, inputs)
    client.untag_resource(ResourceARN=state["arn"], TagKeys=unwanted)
    client.tag_resource(ResourceARN=state["arn"], Tags=tag_list(wanted))


def _put_dashboard(aws: Connection, name: str, inputs: Plain) -> None:
    aws.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=inputs["dashboardBody"])


def _create_dashboard(aws: Connection, inputs: Plain) -> Created:
    _put_dashboard(aws, inputs["dashboardName"], inputs)
    return Created(inputs["dashboardName"])


def _read_dashboard(aws: Connection, name: str, _state: Plain) -> Plain:
    found = aws.client("cloudwatch").get_dashboard(DashboardName=name)
    return {
        "id": name,
        "dashboardName": name,
        "dashboardArn": found["DashboardArn"],
        "dashboardBody": found["DashboardBody"],
    }


def _delete_dashboard(aws: Connection, name: str, _state: Plain) -> None:
    aws.client("cloudwatch").delete_dashboards(DashboardNames=[name])


_REQUIRED = frozenset({"comparisonOperator", "evaluationPeriods"})
_DEFAULTS = {"actionsEnabled": True, "treatMissingData": "missing"}

KINDS: dict[str, Kind[Connection]] = {
    "aws:cloudwatch/metricAlarm:MetricAlarm": Kind(
        properties={
            **{name: Property(required=name in _REQUIRED, default=_DEFAULTS.get(name)) for name in FIELDS},
            "name": Property(replaces=True),
            "alarmActions": Property(unordered=True),
            "okActions": Property(unordered=True),
            "insufficientDataActions": Property(unordered=True),
            "dimensions": Property(),
            "tags": Property(),
        },
        auto_name="name",
        outputs=("arn", "tagsAll"),
        create=_put,
        read=_read,
        update=_update,
        delete=lambda aws, name, _state: void(aws.client("cloudwatch").delete_alarms(AlarmNames=[name])),
        source=terraform_aws("cloudwatch/metric_alarm.go"),
    ),
    "aws:cloudwatch/dashboard:Dashboard": Kind(
        properties={
            "dashboardName": Property(required=True, replaces=True),
            "dashboardBody": Property(required=True, document=True),
        },
        outputs=("dashboardArn",),
        create=_create_dashboard,
        read=_read_dashboard,
        update=lambda aws, name, _state, inputs: _put_dashboard(aws, name, inputs),
        delete=_delete_dashboard,
        source=terraform_aws_5("cloudwatch/dashboard.go", "0620f2a"),
    ),
}
