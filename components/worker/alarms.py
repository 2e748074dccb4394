"""The alarms on the watchdog's metrics, as data (pure). The events wait for 7 days in Kafka: hours are early."""

from dataclasses import dataclass, replace
from typing import Literal

MINUTE = 60
HOUR = 60 * MINUTE


@dataclass(frozen=True)
class Alarm:
    """One alarm: `statistic` of `metric` over `period` seconds, `periods` times in a row.

    `missing` is what periods without data count as; `ignore` leaves the alarm in its state. `description` is what a
    person reads first.
    """

    name: str
    metric: str
    statistic: Literal["Maximum", "Minimum", "SampleCount", "Sum"]
    comparison: Literal["GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold"]
    threshold: float
    period: int
    periods: int
    missing: Literal["breaching", "ignore", "notBreaching"]
    description: str


_TASK = Alarm(
    name="task",
    metric="TaskRunning",
    statistic="Maximum",
    comparison="LessThanThreshold",
    threshold=1,
    period=5 * MINUTE,
    periods=6,
    missing="notBreaching",
    description="The S3 sink has not run for 30 minutes, though the watchdog restarts it: "
    "`journalctl -u s3-auditlog-sink` has the reason (a refused key, a bucket that is gone).",
)

_STUCK = Alarm(
    name="stuck",
    metric="SecondsStuck",
    statistic="Maximum",
    comparison="GreaterThanThreshold",
    threshold=HOUR,
    period=HOUR,
    periods=2,
    missing="breaching",
    description="Events wait in Kafka and nothing of their partition was archived for an hour more than a rotation "
    "takes, or it could not be looked up for two. They are lost after 7 days.",
)

_ALWAYS = (
    _TASK,
    _STUCK,
    Alarm(
        name="heartbeat",
        metric="TaskRunning",
        statistic="SampleCount",
        comparison="LessThanThreshold",
        threshold=1,
        period=5 * MINUTE,
        periods=3,
        missing="breaching",
        description="Nothing was heard of the VM for 15 minutes: it is off, its boot failed, or it has no way out. "
        "Look at the instance's state and at cloud-init's log. It stays in alarm until a new VM is up.",
    ),
    Alarm(
        name="boot",
        metric="BootFailed",
        # A try that went well counts, also in the same minute as one that failed.
        statistic="Minimum",
        comparison="GreaterThanThreshold",
        threshold=0,
        period=MINUTE,
        periods=1,
        # Only the end of a try is a data point: the alarm stays in between, and ends with the first 0.
        missing="ignore",
        description="The VM did not get its files, or the installation failed: /var/log/cloud-init-output.log names "
        "the object or the step, and `journalctl -u s3-auditlog-sink-install` that of each later try. It stays in alarm "
        "until a try succeeds or the connectors run.",
    ),
    Alarm(
        name="restarts",
        metric="Restarts",
        statistic="Sum",
        comparison="GreaterThanThreshold",
        threshold=10,
        period=HOUR,
        periods=1,
        missing="notBreaching",
        description="The S3 sink was restarted more than 10 times in an hour: it does not heal by itself.",
    ),
    Alarm(
        name="expired",
        metric="ExpiredEvents",
        statistic="Sum",
        comparison="GreaterThanThreshold",
        threshold=0,
        period=15 * MINUTE,
        periods=1,
        missing="notBreaching",
        description="Events expired in Kafka, after 7 days, before a connector had archived them. `journalctl -u "
        "s3-auditlog-sink-watchdog` has topic, partition, offsets and the connector: what the other one archived is not "
        "lost.",
    ),
    Alarm(
        name="foreign",
        metric="ForeignMembers",
        statistic="Maximum",
        comparison="GreaterThanThreshold",
        threshold=0,
        period=15 * MINUTE,
        periods=2,
        missing="notBreaching",
        description="Another worker is in this stack's consumer group: it takes a part of the events, and they are not "
        "in this bucket. `journalctl -u s3-auditlog-sink-watchdog` has its client id. Stop it, or give one of the two "
        "another source.consumerGroup.",
    ),
    Alarm(
        name="memory",
        metric="OutOfMemory",
        statistic="Sum",
        comparison="GreaterThanOrEqualToThreshold",
        threshold=2,
        period=3 * HOUR,
        periods=1,
        missing="notBreaching",
        description="Kafka Connect ended twice within three hours because its memory did not suffice. It starts again, "
        "but may end again at the same events: raise worker.heapMb, and worker.instanceType with it.",
    ),
    Alarm(
        name="skipped",
        metric="SkippedEvents",
        statistic="Sum",
        comparison="GreaterThanThreshold",
        threshold=0,
        period=5 * MINUTE,
        periods=1,
        missing="notBreaching",
        description="Events that are not JSON objects were not archived. The metric SkippedEventOffset, and "
        "`journalctl -u s3-auditlog-sink-watchdog`, have topic, partition and offset: they can be read in Kafka for "
        "7 days, and connector.format raw archives anything.",
    ),
    Alarm(
        name="disk",
        metric="FreeDiskPercent",
        statistic="Minimum",
        comparison="LessThanThreshold",
        threshold=10,
        period=5 * MINUTE,
        periods=3,
        missing="notBreaching",
        description="Less than 10 % of the VM's disk is free. Events are still archived; logs are lost.",
    ),
    Alarm(
        name="partitions",
        metric="UnregisteredPartitions",
        statistic="Maximum",
        comparison="GreaterThanThreshold",
        threshold=0,
        period=15 * MINUTE,
        periods=1,
        missing="notBreaching",
        description="The topic has more partitions than source.partitions says: their events are archived, but do "
        "not reach Logz.io. Raise the number and run `pulumi up`.",
    ),
    Alarm(
        name="clock-ahead",
        metric="ClockAheadSeconds",
        statistic="Maximum",
        comparison="GreaterThanThreshold",
        threshold=0,
        period=5 * MINUTE,
        periods=1,
        missing="notBreaching",
        description="A clock was ahead: the bucket has a key whose time is still to come, and Logz.io would read "
        "nothing that sorts before it. The service waits until then (events wait in Kafka), or for a day at most: "
        "`journalctl -u s3-auditlog-sink` has the time, docs/delivery.md what to do.",
    ),
    Alarm(
        name="clock",
        metric="ClockOffsetSeconds",
        statistic="Minimum",
        comparison="GreaterThanThreshold",
        threshold=5,
        period=5 * MINUTE,
        periods=3,
        missing="notBreaching",
        description="The VM's clock differs from AWS's by more than 5 seconds. Objects are archived under a wrong time: "
        "if it is ahead, the next start will wait. Look at `timedatectl` or `chronyc tracking`.",
    ),
)

_OF_ORIGINALS = (
    replace(
        _TASK,
        name="originals-task",
        metric="OriginalsTaskRunning",
        description="The connector of the originals has not run for 30 minutes, though the watchdog restarts it: "
        "`journalctl -u s3-auditlog-sink` has the reason.",
    ),
    replace(
        _STUCK,
        name="originals-stuck",
        metric="OriginalsSecondsStuck",
        description="Originals wait in Kafka and nothing of their partition was kept for an hour more than a rotation "
        "takes, or it could not be looked up for two. They are lost after 7 days.",
    ),
)


def alarms(*, originals: bool) -> tuple[Alarm, ...]:
    """All alarms of a stack, with or without a connector for originals."""
    return _ALWAYS + (_OF_ORIGINALS if originals else ())
