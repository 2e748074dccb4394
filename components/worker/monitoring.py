"""The alarms of a stack in CloudWatch."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from components.iam import renamed_since_0_1
from components.owner import Owner
from components.worker.alarms import VM_DIMENSION, Alarm, alarms
from components.worker.config import WorkerConfig, metrics_namespace

ALARM_NAME_LENGTH = 247  # of CloudWatch's 255: see Owner.resource_name


def make_alarms(
    parent: pulumi.Resource,
    name: str,
    config: WorkerConfig,
    *,
    topic_arn: str | None,
    tags: Mapping[str, str],
    depends_on: Sequence[pulumi.Resource],
    reader_role: bool,
) -> None:
    """Makes the alarms: some once for the stack, some for each VM.

    `topic_arn`: of the SNS topic that they notify. `depends_on`: the VMs, as some alarms treat missing data as a fault.
    `reader_role`: the VMs watch the use of the reader's role.
    """
    wanted = alarms(
        originals=config.originals is not None,
        count=config.count,
        canary=config.canary,
        reader_role=reader_role,
    )
    for alarm in wanted:
        for number in config.numbers if alarm.per_vm else [None]:
            suffix = "" if number in (None, 1) else f"-{number}"
            # The alarms of VM 1 have the names that they had while there was one VM.
            logical = f"{name}-{alarm.name}{suffix}"
            opts = renamed_since_0_1(parent, logical, depends_on=depends_on)
            _make(logical, config.owner, alarm, number=number, topic_arn=topic_arn, tags=tags, opts=opts)


def _make(
    logical: str,
    owner: Owner,
    alarm: Alarm,
    *,
    number: int | None,
    topic_arn: str | None,
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> None:
    actions = [] if topic_arn is None else [topic_arn]
    subject = str(owner) if number is None else f"{owner}, VM {number}"
    aws.cloudwatch.MetricAlarm(
        owner.resource_name(logical, longest=ALARM_NAME_LENGTH),
        # A mail shows its stack this way, also for an alarm that still has its name of version 0.1.
        alarm_description=f"{subject}: {alarm.description}",
        namespace=metrics_namespace(owner.path),
        metric_name=alarm.metric,
        dimensions={} if number is None else {VM_DIMENSION: str(number)},
        statistic=alarm.statistic,
        comparison_operator=alarm.comparison,
        threshold=alarm.threshold,
        period=alarm.period,
        evaluation_periods=alarm.periods,
        treat_missing_data=alarm.missing,
        alarm_actions=actions,
        ok_actions=actions,
        tags=dict(tags),
        opts=opts,
    )
