"""What the watchdog reports: lines in the journal, and metrics in CloudWatch."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from .aws import client
from .group import Expired
from .journal import Event
from .system import say

PER_VM = ("BootFailed", "TaskRunning", "OriginalsTaskRunning", "ClockOffsetSeconds", "CredentialsVersion")
"""Metrics with the dimension `Vm`. The others mean the whole stack, or one VM's value is as good as another's."""

OF_THE_FLEET = ("FleetClusterAnswers", "FleetTopicsWrong", "CertificateDaysLeft")
"""Metrics of mode distributed."""

UNITS = {
    "BootFailed": "Count",
    "TaskRunning": "Count",
    "OriginalsTaskRunning": "Count",
    "Restarts": "Count",
    "OutOfMemory": "Count",
    "FreeDiskPercent": "Percent",
    "SkippedEvents": "Count",
    "SkippedEventOffset": "None",
    "RecordsPerSecond": "Count/Second",
    "ConsumerLag": "Count",
    "LargestPartitionLag": "Count",
    "SecondsSinceObject": "Seconds",
    "SecondsStuck": "Seconds",
    "OriginalsConsumerLag": "Count",
    "OriginalsSecondsSinceObject": "Seconds",
    "OriginalsSecondsStuck": "Seconds",
    "ExpiredEvents": "Count",
    "ForeignMembers": "Count",
    "GroupMembers": "Count",
    "OriginalsGroupMembers": "Count",
    "UnregisteredPartitions": "Count",
    "CredentialsVersion": "None",
    "CredentialsAgeDays": "None",
    "ClockOffsetSeconds": "Seconds",
    "ClockAheadSeconds": "Seconds",
    "SecondsSinceLogzioRead": "Seconds",
    "FleetClusterAnswers": "None",
    "FleetTopicsWrong": "Count",
    "CertificateDaysLeft": "None",
}
"""Every metric and its unit in CloudWatch."""


def publish(
    settings: Mapping[str, Any],
    values: Mapping[str, float],
    skipped: Sequence[Event] = (),
    versions: Mapping[str, int] | None = None,
    expired: Sequence[Expired] = (),
) -> None:
    """Writes to the journal, and sends metrics to CloudWatch if the settings say so."""
    say("heartbeat " + json.dumps(dict(values)))
    for topic, partition, offset, _ in skipped:
        say(f"skipped event: topic {topic}, partition {partition}, offset {offset}")
    for gap in expired:
        say(
            f"expired before it was archived: topic {gap.place.topic}, partition {gap.place.partition}, offsets "
            f"{gap.first} to {gap.place.log_start - 1} ({gap.connector})"
        )
    if not settings["metrics"]:
        return
    metrics = [metric(name, value) for name, value in values.items()]
    metrics += [
        metric("SkippedEventOffset", offset, {"Topic": topic, "Partition": str(partition)})
        for topic, partition, offset, _ in skipped
    ]
    metrics += [
        metric("CredentialsVersion", version, {"Credentials": credentials})
        for credentials, version in (versions or {}).items()
    ]
    client("cloudwatch", settings).put_metric_data(Namespace=settings["namespace"], MetricData=metrics)


def metric(name: str, value: float, dimensions: Mapping[str, str] | None = None) -> dict[str, Any]:
    own = {"Vm": os.environ["VM_NUMBER"]} if name in PER_VM else {}
    return {
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": text} for key, text in {**(dimensions or {}), **own}.items()],
        "Value": value,
        "Unit": UNITS[name],
    }
