"""The alarms on the metrics of watchdog and canary, as data (pure).

Events wait in Kafka for 7 days, and longer in the bucket, so hours are early enough.
"""

from dataclasses import dataclass, replace
from typing import Literal

MINUTE = 60
HOUR = 60 * MINUTE

VM_DIMENSION = "Vm"
"""Dimension of the metrics that tell the VMs apart: the number of the VM, which outlives the instance."""

SECONDS_MISSING = "SecondsMissingInLogzio"
"""Metric of the canary, which `verify --publish` sends: how long the oldest archived event has been missing."""


@dataclass(frozen=True)
class Alarm:
    """One alarm: `statistic` of `metric` over `period` seconds, `periods` times in a row.

    `missing`: how periods without data count; `ignore` leaves the alarm in its state. `description`: what a person
    reads first. `per_vm`: each VM has one, on its own dimension.
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
    per_vm: bool = False


_TASK = Alarm(
    name="task",
    metric="TaskRunning",
    statistic="Maximum",
    comparison="LessThanThreshold",
    threshold=1,
    period=5 * MINUTE,
    periods=6,
    missing="notBreaching",
    description="The S3 sink has not run for 30 minutes, although the watchdog restarts it: "
    "`journalctl -u s3-auditlog-sink` has the reason (a refused key, a deleted bucket).",
    per_vm=True,
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
    description="Events wait in Kafka, and nothing of their partition was archived for an hour longer than a rotation "
    "takes, or Kafka did not answer for two hours. The events are lost after 7 days.",
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
        description="The VM has sent nothing for 15 minutes: it is off, its boot failed, or it has no way out. "
        "Look at the instance's state and at cloud-init's log. The alarm stays until a new VM is up.",
        per_vm=True,
    ),
    Alarm(
        name="boot",
        metric="BootFailed",
        # A successful attempt counts, also in the same minute as a failed one.
        statistic="Minimum",
        comparison="GreaterThanThreshold",
        threshold=0,
        period=MINUTE,
        periods=1,
        # Only the end of an attempt is a data point: the alarm stays in between, and ends with the first 0.
        missing="ignore",
        description="The VM did not get its files, or the installation failed: /var/log/cloud-init-output.log names "
        "the object or the step, and so does `journalctl -u s3-auditlog-sink-install` for each later attempt. The alarm "
        "stays until an attempt succeeds or the connectors run.",
        per_vm=True,
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
        description="The S3 sink was restarted more than 10 times in an hour: restarts do not repair it.",
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
        "s3-auditlog-sink-watchdog` has topic, partition, offsets and the connector: what the other connector "
        "archived is not lost.",
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
        description="Another worker is in this stack's consumer group: it takes some of the events, and they are not "
        "in this bucket. `journalctl -u s3-auditlog-sink-watchdog` has its client id. Stop that worker, or give one of "
        "the two another source.consumerGroup.",
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
        description="Kafka Connect ran out of memory twice within three hours. It starts again, but may fail again at "
        "the same events: raise worker.heapMb, and worker.instanceType with it.",
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
        "`journalctl -u s3-auditlog-sink-watchdog`, have topic, partition and offset: the events can be read in Kafka "
        "for 7 days, and connector.format raw archives anything.",
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
        description="A clock was ahead: the bucket has a key with a time in the future, and Logz.io would read nothing "
        "that sorts before it. The service waits until that time, for a day at most; the events wait in Kafka. "
        "`journalctl -u s3-auditlog-sink` has the time, and docs/delivery.md says what to do.",
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
        per_vm=True,
    ),
)

_OF_ORIGINALS = (
    replace(
        _TASK,
        name="originals-task",
        metric="OriginalsTaskRunning",
        description="The connector for originals has not run for 30 minutes, although the watchdog restarts it: "
        "`journalctl -u s3-auditlog-sink` has the reason.",
    ),
    replace(
        _STUCK,
        name="originals-stuck",
        metric="OriginalsSecondsStuck",
        description="Originals wait in Kafka, and nothing of their partition was archived for an hour longer than a "
        "rotation takes, or Kafka did not answer for two hours. The originals are lost after 7 days.",
    ),
)


_MEMBERS = Alarm(
    name="members",
    metric="GroupMembers",
    # Each VM counts the members of the whole group.
    statistic="Maximum",
    comparison="LessThanThreshold",
    threshold=1,
    period=15 * MINUTE,
    periods=2,
    missing="notBreaching",
    description="Fewer VMs than worker.count archive events. The others carry their partitions, and nothing is lost as "
    "long as one of them runs. The alarms heartbeat, task and boot say which VM it is; if it is gone for good, `pulumi "
    "refresh` and `pulumi up` bring it back.",
)


_CANARY = Alarm(
    name="canary",
    metric=SECONDS_MISSING,
    # One low measurement ends the alarm.
    statistic="Minimum",
    comparison="GreaterThanThreshold",
    threshold=HOUR,
    # A run of an hourly schedule may come late or not at all.
    period=3 * HOUR,
    periods=1,
    missing="breaching",
    description="An archived event has been missing from Logz.io for more than an hour, or nobody has measured for "
    "three hours. `make verify` says which of the two, and what to do: it names the partition, or it cannot check "
    "Logz.io. If it is in order, look at the schedule that runs `verify --publish`.",
)

_READER = Alarm(
    name="logzio",
    metric="SecondsSinceLogzioRead",
    statistic="Minimum",
    comparison="GreaterThanThreshold",
    # Twice the four hours within which a use "usually" shows, see `watchdog.reader`.
    threshold=8 * HOUR,
    # The VMs look once an hour.
    period=3 * HOUR,
    periods=1,
    missing="breaching",
    description="Logz.io has not used its role for 8 hours, so it reads nothing of this bucket, or no VM could ask IAM "
    "for three hours (`journalctl -u s3-auditlog-sink-watchdog` says why). `make verify` says how far Logz.io has read. "
    "The events are in the bucket.",
)


def alarms(
    *, originals: bool, count: int, canary: bool = False, reader_role: bool = False
) -> tuple[Alarm, ...]:
    """All alarms of a stack, with or without a connector for originals, with `count` VMs.

    `canary`: `verify --publish` measures from outside. `reader_role`: the VMs watch the use of the reader's role.
    """
    members = replace(_MEMBERS, threshold=count)
    of_originals = replace(members, name="originals-members", metric="OriginalsGroupMembers")
    return (
        *_ALWAYS,
        *(_OF_ORIGINALS if originals else ()),
        # With one VM, the alarms task and stuck say the same.
        *([members] if count > 1 else []),
        *([of_originals] if count > 1 and originals else []),
        *([_CANARY] if canary else []),
        *([_READER] if reader_role else []),
    )
