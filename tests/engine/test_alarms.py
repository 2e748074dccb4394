"""The addresses of the alarms on the real engine: what a change of them does to a running stack."""

from collections.abc import Iterator

import pytest

from local.proofs.checker.left_behind import in_aws
from tests.engine.program_stack import ProgramStack, program_stack

FIRST, SECOND = "on-call@example.com", "security@example.com"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription::worker-alarms-"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProgramStack]:
    """A stack with one address."""
    with program_stack(tmp_path_factory.mktemp("alarms")) as made:
        made.set("alarms", email=[FIRST])
        made.up()
        yield made


def test_every_alarm_notifies_the_topic_to_which_the_address_is_subscribed(stack: ProgramStack) -> None:
    topic = stack.outputs()["alarmTopicArn"]
    (subscription,) = stack.aws("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    alarms = stack.aws("cloudwatch").describe_alarms()["MetricAlarms"]

    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", FIRST)
    assert alarms
    assert {tuple(alarm["AlarmActions"]) for alarm in alarms} == {(topic,)}


def test_another_address_changes_neither_alarms_nor_vms(stack: ProgramStack) -> None:
    stack.set("alarms", email=[FIRST, SECOND])
    assert stack.planned() == {f"{SUBSCRIPTION}{SECOND}": "create"}

    stack.set("alarms", email=[SECOND])
    assert stack.planned() == {f"{SUBSCRIPTION}{FIRST}": "delete", f"{SUBSCRIPTION}{SECOND}": "create"}


def test_without_an_address_the_alarms_change_in_place_and_the_topic_goes(stack: ProgramStack) -> None:
    stack.set("alarms", email=None)
    planned = stack.planned()

    assert {kind.partition("::")[0] for kind, step in planned.items() if step == "delete"} == {
        "aws:sns/topic:Topic",
        "aws:sns/topicPolicy:TopicPolicy",
        "aws:sns/topicSubscription:TopicSubscription",
    }
    changed = {kind.partition("::")[0]: step for kind, step in planned.items() if step != "delete"}
    assert changed == {"aws:cloudwatch/metricAlarm:MetricAlarm": "update"}


def test_destroy_leaves_no_topic_and_no_dashboard(stack: ProgramStack) -> None:
    stack.set("alarms", email=[FIRST])
    stack.destroy()

    assert list(in_aws(stack.aws)) == []
