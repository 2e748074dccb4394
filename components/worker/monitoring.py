"""The alarms of a stack in CloudWatch, the topic that sends their messages, and the dashboard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import policies
from components.former_name import renamed
from components.owner import Owner
from components.worker import dashboard
from components.worker.alarms import VM_DIMENSION, Alarm, alarms
from components.worker.config import WorkerConfig, metrics_namespace

ALARM_NAME_LENGTH = 247  # of CloudWatch's 255: see Owner.resource_name
DASHBOARD_NAME_LENGTH = 255
TOPIC_NAME_LENGTH = 256


@dataclass(frozen=True)
class Topic:
    """The stack's topic. `ready`: what an alarm waits for, so that its first message finds the way."""

    arn: pulumi.Output[str]
    ready: Sequence[pulumi.Resource]


def make_topic(
    parent: pulumi.Resource, name: str, owner: Owner, addresses: Sequence[str], tags: Mapping[str, str]
) -> Topic:
    """Makes the topic and a subscription for each address, which gets a mail with a link to confirm.

    The topic has no KMS key. CloudWatch may not use AWS's key for SNS (alias/aws/sns), whose policy nobody can change
    (AWS knowledge center, "cloudwatch-configure-alarm-sns"), so only a further key of the account would do, for 1 USD a
    month. SNS stores messages on encrypted disks anyway (Amazon SNS developer guide, "Data encryption"), a message has
    the name and the text of an alarm, no event and no secret, and it goes on as mail.
    """
    child = pulumi.ResourceOptions(parent=parent)
    # A given name: the name that Pulumi would make may have a dot of the project or the stack, which SNS refuses.
    topic = aws.sns.Topic(
        f"{name}-alarms",
        name=owner.unique_name(f"{name}-alarms", TOPIC_NAME_LENGTH),
        tags=dict(tags),
        opts=child,
    )
    policy = aws.sns.TopicPolicy(
        f"{name}-alarms",
        arn=topic.arn,
        policy=topic.arn.apply(lambda arn: policies.to_json(policies.alarm_topic(arn))),
        opts=child,
    )
    for address in addresses:
        aws.sns.TopicSubscription(
            f"{name}-alarms-{address}", topic=topic.arn, protocol="email", endpoint=address, opts=child
        )
    return Topic(topic.arn, [policy])


def make_alarms(
    parent: pulumi.Resource,
    name: str,
    config: WorkerConfig,
    *,
    topic_arns: Sequence[pulumi.Input[str]],
    tags: Mapping[str, str],
    depends_on: Sequence[pulumi.Resource],
    reader_role: bool,
) -> list[aws.cloudwatch.MetricAlarm]:
    """Makes the alarms: some once for the stack, some for each VM.

    `topic_arns`: of the SNS topics that they notify. `depends_on`: the topic's policy, and the VMs, as some alarms treat
    missing data as a fault. `reader_role`: the VMs watch the use of the reader's role.
    """
    made = []
    wanted = alarms(
        originals=config.originals is not None,
        count=config.count,
        distributed=config.fleet is not None,
        canary=config.canary,
        reader_role=reader_role,
    )
    for alarm in wanted:
        for number in config.numbers if alarm.per_vm else [None]:
            suffix = "" if number in (None, 1) else f"-{number}"
            # The alarms of VM 1 have the names that they had while there was one VM.
            logical = f"{name}-{alarm.name}{suffix}"
            opts = renamed(parent, logical, depends_on=depends_on)
            made.append(
                _make(
                    logical, config.owner, alarm, number=number, topic_arns=topic_arns, tags=tags, opts=opts
                )
            )
    return made


def _make(
    logical: str,
    owner: Owner,
    alarm: Alarm,
    *,
    number: int | None,
    topic_arns: Sequence[pulumi.Input[str]],
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> aws.cloudwatch.MetricAlarm:
    return aws.cloudwatch.MetricAlarm(
        owner.resource_name(logical, longest=ALARM_NAME_LENGTH),
        alarm_description=alarm.description(owner, number),
        namespace=metrics_namespace(owner.path),
        metric_name=alarm.metric,
        dimensions={} if number is None else {VM_DIMENSION: str(number)},
        statistic=alarm.statistic,
        comparison_operator=alarm.comparison,
        threshold=alarm.threshold,
        period=alarm.period,
        evaluation_periods=alarm.periods,
        treat_missing_data=alarm.missing,
        alarm_actions=[*topic_arns],
        ok_actions=[*topic_arns],
        tags=dict(tags),
        opts=opts,
    )


def make_dashboard(
    parent: pulumi.Resource,
    name: str,
    config: WorkerConfig,
    made: Sequence[aws.cloudwatch.MetricAlarm],
    *,
    reader_role: bool,
) -> str:
    """Makes the dashboard, which shows the states of these alarms, too; returns its name.

    `reader_role`: as for the alarms.
    """
    # Dashboards are global in an account, and CloudWatch would overwrite one with the same name.
    dashboard_name = config.owner.unique_name(name, DASHBOARD_NAME_LENGTH)
    aws.cloudwatch.Dashboard(
        f"{name}-dashboard",
        dashboard_name=dashboard_name,
        dashboard_body=pulumi.Output.all(*[alarm.arn for alarm in made]).apply(
            lambda arns: dashboard.body(config, arns, reader_role=reader_role)
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return dashboard_name
