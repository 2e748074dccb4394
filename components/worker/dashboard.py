"""The dashboard of a stack in CloudWatch, as data (pure): the chain from left to right, on the watchdog's metrics."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from components.worker.alarms import MINUTE, RUNBOOK, SECONDS_MISSING, VM_DIMENSION
from components.worker.config import WorkerConfig, metrics_namespace

# The watchdog measures the consumer groups every five minutes.
PERIOD = 5 * MINUTE

# The grid of a dashboard has 24 columns (CloudWatch user guide, "Dashboard body structure and syntax").
COLUMNS = 24
WIDTH = 6
HEIGHT = 6

# Rows above the metrics: the text, and the states of the alarms.
TEXT_HEIGHT = 2
ALARMS_HEIGHT = 4


@dataclass(frozen=True)
class Line:
    """One line of a widget, or one for each VM.

    Every VM measures the whole consumer group, so a maximum shows what a sum would count several times.
    """

    metric: str
    label: str
    statistic: Literal["Maximum", "Minimum", "Sum"] = "Maximum"
    per_vm: bool = False


@dataclass(frozen=True)
class Widget:
    """A chart."""

    title: str
    lines: Sequence[Line]


# From left to right, then from top to bottom.
_CHAIN = (
    Widget("Records in, per second", [Line("RecordsPerSecond", "all partitions")]),
    Widget(
        "Lag: events that wait in Kafka",
        [
            Line("ConsumerLag", "all partitions"),
            Line("LargestPartitionLag", "the partition with most"),
            Line("OriginalsConsumerLag", "originals, all partitions"),
        ],
    ),
    Widget(
        "Objects: seconds since the last one",
        [Line("SecondsSinceObject", "events"), Line("OriginalsSecondsSinceObject", "originals")],
    ),
    Widget(
        "Delay: seconds that the oldest event is overdue",
        [Line("SecondsStuck", "events"), Line("OriginalsSecondsStuck", "originals")],
    ),
    Widget(
        "Skipped and expired events",
        [Line("SkippedEvents", "skipped", "Sum"), Line("ExpiredEvents", "expired")],
    ),
    Widget(
        "Restarts",
        [Line("Restarts", "restarts", "Sum"), Line("OutOfMemory", "ends for lack of memory", "Sum")],
    ),
    Widget(
        "Members of the consumer groups",
        [
            Line("GroupMembers", "VMs of this stack"),
            Line("OriginalsGroupMembers", "VMs of this stack, originals"),
            Line("ForeignMembers", "other workers"),
        ],
    ),
    Widget(
        "Connectors that run",
        [
            Line("TaskRunning", "events", "Minimum", per_vm=True),
            Line("OriginalsTaskRunning", "originals", "Minimum", per_vm=True),
        ],
    ),
    Widget("Free disk, in percent", [Line("FreeDiskPercent", "the VM with least", "Minimum")]),
    Widget("Days since the credentials were written", [Line("CredentialsAgeDays", "the oldest credentials")]),
    Widget(
        "Clocks, in seconds",
        [
            Line("ClockOffsetSeconds", "off", per_vm=True),
            Line("ClockAheadSeconds", "keys ahead"),
        ],
    ),
    Widget("Partitions without a registration", [Line("UnregisteredPartitions", "partitions")]),
)


# In mode distributed.
_OF_THE_FLEET = (
    Widget(
        "The cluster with Connect's state",
        [Line("FleetClusterAnswers", "answers"), Line("FleetTopicsWrong", "topics that are not compacted")],
    ),
    Widget("Days until the certificate ends", [Line("CertificateDaysLeft", "days", "Minimum")]),
)


def _of_logzio(config: WorkerConfig, *, reader_role: bool) -> list[Widget]:
    if config.canary:
        return [
            Widget("Logz.io: seconds that an event is missing", [Line(SECONDS_MISSING, "the oldest one")])
        ]
    if reader_role:
        return [
            Widget("Logz.io: seconds since it read", [Line("SecondsSinceLogzioRead", "its role", "Minimum")])
        ]
    return []


def body(config: WorkerConfig, alarm_arns: Sequence[str], *, reader_role: bool) -> str:
    """The dashboard in CloudWatch's form, as JSON.

    `alarm_arns`: of the alarms whose states it shows, at most 100. `reader_role`: the VMs watch the use of the reader's
    role.

    Source of the form: CloudWatch user guide, "Dashboard body structure and syntax".
    """
    text = (
        f"# {config.owner}\nEach alarm has a section in {RUNBOOK}. "
        f"`make verify STACK={config.owner.stack}` shows where the chain is broken."
    )
    widgets: list[dict[str, Any]] = [
        {
            "type": "text",
            **_place(0, 0, COLUMNS, TEXT_HEIGHT),
            "properties": {"markdown": text},
        },
        {
            "type": "alarm",
            **_place(0, TEXT_HEIGHT, COLUMNS, ALARMS_HEIGHT),
            "properties": {"title": "Alarms", "alarms": [*alarm_arns]},
        },
    ]
    of_the_fleet = () if config.fleet is None else _OF_THE_FLEET
    charts = [*_CHAIN, *of_the_fleet, *_of_logzio(config, reader_role=reader_role)]
    for position, widget in enumerate(charts):
        row, column = divmod(position * WIDTH, COLUMNS)
        place = _place(column, TEXT_HEIGHT + ALARMS_HEIGHT + row * HEIGHT, WIDTH, HEIGHT)
        widgets.append({"type": "metric", **place, "properties": _chart(widget, config)})
    return json.dumps({"widgets": widgets})


def dashboard_url(region: str, name: str | None) -> str | None:
    """The dashboard's page in the console; None without a dashboard.

    AWS documents no such address; public Terraform modules put out this one.
    """
    if name is None:
        return None
    return f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#dashboards:name={name}"


def _place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "width": width, "height": height}


def _chart(widget: Widget, config: WorkerConfig) -> dict[str, Any]:
    lines = [line for line in widget.lines if config.originals or not line.metric.startswith("Originals")]
    return {
        "title": widget.title,
        "view": "timeSeries",
        "region": config.region,
        "period": PERIOD,
        "yAxis": {"left": {"min": 0}},
        "metrics": [row for line in lines for row in _rows(line, config)],
    }


def _rows(line: Line, config: WorkerConfig) -> Iterator[list[Any]]:
    namespace = metrics_namespace(config.owner.path)
    if not line.per_vm:
        yield [namespace, line.metric, {"label": line.label, "stat": line.statistic}]
        return
    for number in config.numbers:
        shown = {"label": f"VM {number}, {line.label}", "stat": line.statistic}
        yield [namespace, line.metric, VM_DIMENSION, str(number), shown]
