"""The canary: measures how long the oldest archived event has been missing from Logz.io, for an alarm in CloudWatch."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from components.worker.alarms import SECONDS_MISSING
from scripts.verify.evaluate import KAFKA
from scripts.verify.model import PartitionReport, Report


def seconds_missing(report: Report) -> float | None:
    """Seconds since the oldest object with a missing event was written; 0 if no event is missing.

    It knows what `verify` looked at: objects of the report's days, and of most of them only the last event. None if a
    part of the way from the bucket to Logz.io could not be checked.
    """
    if any(not what.startswith(KAFKA) for what in report.not_seen):
        return None
    since = [
        written
        for chain in report.chains
        if chain.chain.delivered
        for partition in chain.partitions
        for written in _missing_since(partition)
    ]
    # The clock of S3 may be ahead.
    return max(0.0, (report.at - min(since)).total_seconds()) if since else 0.0


def _missing_since(partition: PartitionReport) -> Iterator[datetime]:
    if partition.behind_since is not None:
        yield partition.behind_since
    for unread in partition.unread:
        if unread.missing:
            yield unread.modified


def publish(cloudwatch: Any, namespace: str, seconds: float) -> None:
    """Sends the measurement. `cloudwatch`: a boto3 client. `namespace`: of the stack's metrics.

    Raises:
        botocore.exceptions.BotoCoreError, ClientError: CloudWatch did not take it.
    """
    cloudwatch.put_metric_data(
        Namespace=namespace,
        MetricData=[{"MetricName": SECONDS_MISSING, "Value": seconds, "Unit": "Seconds"}],
    )
