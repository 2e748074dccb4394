"""The alarms on the metrics of watchdog and canary, as data (pure).

Events wait in Kafka for 7 days, and longer in the bucket, so hours are early enough.

An alarm that treats silence as a fault (`missing` is `breaching`) has many short periods: CloudWatch looks at more
periods than the alarm has, and any value there delays the alarm ("Configuring how CloudWatch alarms treat missing data"
of its user guide, whose example looks at 5 periods for an alarm on 3). So such an alarm fires after `periods` to
`periods + 2` periods of silence, if the example holds for every alarm.
"""

from dataclasses import dataclass, replace
from typing import Literal

from components.owner import Owner

MINUTE = 60
HOUR = 60 * MINUTE

VM_DIMENSION = "Vm"
"""Dimension of the metrics that tell the VMs apart: the number of the VM, which outlives the instance."""

SECONDS_MISSING = "SecondsMissingInLogzio"
"""Metric of the canary, which `verify --publish` sends: how long the oldest archived event has been missing."""

RUNBOOK = "docs/operations.md"
"""Page of this repository with a section for each alarm, under the alarm's name."""


@dataclass(frozen=True)
class Alarm:
    """One alarm: `statistic` of `metric` over `period` seconds, `periods` times in a row.

    `missing`: how periods without data count; `ignore` leaves the alarm in its state. `meaning`: what happened, and what
    it leads to. `first_look`: the first step, the same as in the runbook, with `<project>` and `<stack>` for the names.
    `per_vm`: each VM has one, on its own dimension.
    """

    name: str
    metric: str
    statistic: Literal["Maximum", "Minimum", "SampleCount", "Sum"]
    comparison: Literal["GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold"]
    threshold: float
    period: int
    periods: int
    missing: Literal["breaching", "ignore", "notBreaching"]
    meaning: str
    first_look: str
    per_vm: bool = False

    @property
    def runbook(self) -> str:
        """The alarm's section of the runbook, as a path in this repository."""
        return f"{RUNBOOK}#{self.name}"

    def description(self, owner: Owner, number: int | None) -> str:
        """What a mail says: the stack, the VM's number if the alarm is on one VM, meaning, first step and runbook.

        CloudWatch takes 1,024 characters (CloudWatch API reference, PutMetricAlarm).
        """
        # A mail shows its stack this way, also for an alarm that still has its name of version 0.1.
        subject = str(owner) if number is None else f"{owner}, VM {number}"
        first_look = self.first_look.replace("<project>", owner.project).replace("<stack>", owner.stack)
        return f"{subject}: {self.meaning} First look: {first_look} Runbook: {self.runbook}"


# A shell of Session Manager runs as `ssm-user`, which may use sudo and needs it to read the journal (release notes of
# amazon-ssm-agent 2.3.68.0).
# Each start of the JVM logs hundreds of lines: without a pattern, a reason soon has too many lines after it.
_SERVICE_ERRORS = "`sudo journalctl -eu s3-auditlog-sink -g 'ERROR|Caused by|Error:'` on the VM"
_WATCHDOG_JOURNAL = "`sudo journalctl -eu s3-auditlog-sink-watchdog` on the VM"


def _found_in_the_journal(pattern: str, unit: str = "s3-auditlog-sink-watchdog") -> str:
    return f"`sudo journalctl -u {unit} -g '{pattern}'` on the VM"


_INSTANCES = (
    "`aws ec2 describe-instances --filters Name=tag:Name,Values=<project>-<stack> "
    "--query 'Reservations[].Instances[].[InstanceId,State.Name]'`"
)

_TASK = Alarm(
    name="task",
    metric="TaskRunning",
    statistic="Maximum",
    comparison="LessThanThreshold",
    threshold=1,
    period=5 * MINUTE,
    periods=6,
    missing="notBreaching",
    meaning="The S3 sink has not run for 30 minutes, although the watchdog restarts it. Events wait in Kafka.",
    first_look=f"{_SERVICE_ERRORS} has the reason (a refused key, a deleted bucket).",
    per_vm=True,
)

_STUCK = Alarm(
    name="stuck",
    metric="SecondsStuck",
    statistic="Maximum",
    comparison="GreaterThanThreshold",
    threshold=HOUR,
    period=20 * MINUTE,
    periods=4,
    missing="breaching",
    meaning="Events wait in Kafka, and nothing of their partition was archived for an hour longer than a rotation "
    "takes, or Kafka has not answered for more than an hour. The events are lost after 7 days.",
    first_look="`make verify STACK=<stack>` names partition, offsets and age.",
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
        period=MINUTE,
        periods=15,
        missing="breaching",
        meaning="The VM has sent nothing for 15 minutes: it is off, its boot failed, or it has no way out. The "
        "alarm stays until a VM sends metrics.",
        first_look=f"{_INSTANCES} has the instance's state.",
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
        meaning="The VM did not get its files, or the installation failed. It tries again every ten minutes; the alarm "
        "stays until an attempt succeeds or the connectors run.",
        first_look="`sudo tail /var/log/cloud-init-output.log` on the VM names the object or the step.",
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
        meaning="The S3 sink was restarted more than 10 times in an hour: restarts do not repair it.",
        first_look=f"{_SERVICE_ERRORS} has the reason, the same each time.",
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
        meaning="Events expired in Kafka, after 7 days, before a connector had archived them. What the other connector "
        "archived is not lost.",
        first_look=f"{_found_in_the_journal('expired before')} has topic, partition, offsets and the connector.",
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
        meaning="Another worker is in this stack's consumer group: it takes some of the events, and they are not in "
        "this bucket.",
        first_look=f"{_found_in_the_journal('foreign member')} has its client id.",
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
        meaning="Kafka Connect ran out of memory twice within three hours. It starts again, but may fail again at the "
        "same events.",
        first_look=f"{_found_in_the_journal('OutOfMemoryError', 's3-auditlog-sink')} shows when: raise worker.heapMb, "
        "and worker.instanceType with it.",
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
        meaning="Events that are not JSON objects were not archived for Logz.io. The originals have them, if the stack "
        "keeps originals; Kafka has them for 7 days.",
        first_look=f"{_found_in_the_journal('skipped event')} has topic, partition and offset, and so has the metric "
        "SkippedEventOffset.",
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
        meaning="Less than 10 % of the VM's disk is free. Events are still archived; logs are lost.",
        first_look="`sudo du -xh / | sort -h | tail` on the VM shows what fills it.",
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
        meaning="The topic has more partitions than source.partitions says: their events are archived, but do not reach "
        "Logz.io.",
        first_look="`make verify STACK=<stack>` names the partitions.",
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
        meaning="A clock was ahead: the bucket has a key with a time in the future, and Logz.io would read nothing that "
        "sorts before it. The service waits until that time, for a day at most; the events wait in Kafka.",
        first_look=f"{_found_in_the_journal('key has the time', 's3-auditlog-sink')} has the time.",
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
        meaning="The VM's clock differs from AWS's by more than 5 seconds. Objects are archived under a wrong time: if "
        "it is ahead, the next start will wait.",
        first_look="`timedatectl` on the VM says whether the clock is synchronised.",
        per_vm=True,
    ),
)

_OF_ORIGINALS = (
    replace(
        _TASK,
        name="originals-task",
        metric="OriginalsTaskRunning",
        meaning="The connector for originals has not run for 30 minutes, although the watchdog restarts it. Originals "
        "wait in Kafka.",
    ),
    replace(
        _STUCK,
        name="originals-stuck",
        metric="OriginalsSecondsStuck",
        meaning="Originals wait in Kafka, and nothing of their partition was archived for an hour longer than a "
        "rotation takes, or Kafka has not answered for more than an hour. The originals are lost after 7 days.",
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
    meaning="Fewer VMs than worker.count archive events. The others carry their partitions, and nothing is lost as long "
    "as one of them runs.",
    first_look=f"{_INSTANCES} has the instances' states; the alarms heartbeat, task and boot say which VM it is.",
)


_MEMBERS_OF_THE_FLEET = replace(
    _MEMBERS,
    meaning="Fewer tasks than worker.count archive events. The others carry their partitions, and nothing is lost as "
    "long as one of them runs.",
)

_OF_THE_FLEET = (
    Alarm(
        name="fleet-cluster",
        metric="FleetClusterAnswers",
        # One VM that gets an answer is enough.
        statistic="Maximum",
        comparison="LessThanThreshold",
        threshold=1,
        period=15 * MINUTE,
        periods=1,
        missing="notBreaching",
        meaning="The Kafka cluster with Connect's state (fleet) does not answer, or refuses the key: no connector runs "
        "meanwhile. Events wait in Kafka.",
        first_look=f"{_WATCHDOG_JOURNAL} has the error.",
    ),
    Alarm(
        name="fleet-topics",
        metric="FleetTopicsWrong",
        statistic="Maximum",
        comparison="GreaterThanThreshold",
        threshold=0,
        period=15 * MINUTE,
        periods=1,
        missing="notBreaching",
        meaning="A topic with Connect's state is not compacted: Kafka deletes the connectors after its retention, and "
        "Connect does not start again.",
        first_look=f"{_found_in_the_journal('not compact')} names the topic.",
    ),
    Alarm(
        name="certificate",
        metric="CertificateDaysLeft",
        statistic="Minimum",
        comparison="LessThanThreshold",
        threshold=60,
        period=HOUR,
        periods=1,
        missing="notBreaching",
        meaning="The certificate with which the VMs reach each other expires in less than 60 days.",
        first_look="`pulumi stack output certificateNotAfter` says when.",
    ),
)


_CANARY = Alarm(
    name="canary",
    metric=SECONDS_MISSING,
    # One low measurement ends the alarm.
    statistic="Minimum",
    comparison="GreaterThanThreshold",
    threshold=HOUR,
    # A run of an hourly schedule may come late or not at all.
    period=HOUR,
    periods=3,
    missing="breaching",
    meaning="An archived event has been missing from Logz.io for more than an hour, or nobody has measured for three "
    "hours.",
    first_look="`make verify STACK=<stack>` says which of the two: it names the partition, or all is in order and the "
    "schedule that runs `verify --publish` has stopped.",
)

_READER = Alarm(
    name="logzio",
    metric="SecondsSinceLogzioRead",
    statistic="Minimum",
    comparison="GreaterThanThreshold",
    # Twice the four hours within which a use "usually" shows, see `watchdog.reader`.
    threshold=8 * HOUR,
    # The VMs look once an hour.
    period=HOUR,
    periods=3,
    missing="breaching",
    meaning="Logz.io has not used its role for 8 hours, so it reads nothing of this bucket, or no VM could ask IAM for "
    "three hours. The events are in the bucket.",
    first_look="`make verify STACK=<stack>` says how far Logz.io has read.",
)


def alarms(
    *, originals: bool, count: int, distributed: bool = False, canary: bool = False, reader_role: bool = False
) -> tuple[Alarm, ...]:
    """All alarms of a stack, with or without a connector for originals, with `count` VMs.

    `distributed`: the VMs are a Connect cluster. `canary`: `verify --publish` measures from outside. `reader_role`: the
    VMs watch the use of the reader's role.
    """
    members = replace(_MEMBERS_OF_THE_FLEET if distributed else _MEMBERS, threshold=count)
    of_originals = replace(members, name="originals-members", metric="OriginalsGroupMembers")
    return (
        *_ALWAYS,
        *(_OF_ORIGINALS if originals else ()),
        # With one VM, the alarms task and stuck say the same.
        *([members] if count > 1 else []),
        *([of_originals] if count > 1 and originals else []),
        *(_OF_THE_FLEET if distributed else ()),
        *([_CANARY] if canary else []),
        *([_READER] if reader_role else []),
    )
