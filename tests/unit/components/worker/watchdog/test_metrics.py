import pytest

from components.worker.files.watchdog import metrics
from components.worker.files.watchdog.group import Expired
from components.worker.files.watchdog.journal import Event
from tests import runbook
from tests.unit.components.worker.watchdog.support import SETTINGS, SINK, TOPIC, CloudWatch, position


def test_a_metric_is_one_of_the_vm_or_of_the_stack(
    cloudwatch: CloudWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VM_NUMBER", "2")
    metrics.publish(SETTINGS, {"TaskRunning": 1, "FreeDiskPercent": 80})

    assert cloudwatch.namespace == "CcloudLogexporter/dev"
    assert cloudwatch.metrics == [
        {
            "MetricName": "TaskRunning",
            "Dimensions": [{"Name": "Vm", "Value": "2"}],
            "Value": 1,
            "Unit": "Count",
        },
        {"MetricName": "FreeDiskPercent", "Dimensions": [], "Value": 80, "Unit": "Percent"},
    ]


def test_a_skipped_event_is_told_with_topic_partition_and_offset(
    cloudwatch: CloudWatch, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics.publish(SETTINGS, {"SkippedEvents": 1}, [Event(TOPIC, 3, 17, SINK)])

    (named,) = [metric for metric in cloudwatch.metrics if metric["MetricName"] == "SkippedEventOffset"]
    assert named["Value"] == 17
    assert {dimension["Name"]: dimension["Value"] for dimension in named["Dimensions"]} == {
        "Topic": TOPIC,
        "Partition": "3",
    }
    assert runbook.found("skipped", capsys.readouterr().out) == [
        f"skipped event: topic {TOPIC}, partition 3, offset 17"
    ]


def test_what_expired_is_told_with_the_group_that_did_not_read_it(
    cloudwatch: CloudWatch, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics.publish(SETTINGS, {"ExpiredEvents": 5}, expired=[Expired(SINK, position(2, 3, 9, 8), 3, 5)])

    assert [metric["MetricName"] for metric in cloudwatch.metrics] == ["ExpiredEvents"]
    assert runbook.found("expired", capsys.readouterr().out) == [
        f"expired before it was archived: topic {TOPIC}, partition 2, offsets 3 to 7 (sink)"
    ]


def test_the_versions_of_the_credentials_in_use_are_published(cloudwatch: CloudWatch) -> None:
    metrics.publish(SETTINGS, {}, versions={"kafka": 3})

    (told,) = cloudwatch.metrics
    assert (told["MetricName"], told["Value"]) == ("CredentialsVersion", 3)
    assert {dimension["Name"]: dimension["Value"] for dimension in told["Dimensions"]} == {
        "Credentials": "kafka",
        "Vm": "1",
    }


def test_without_metrics_there_is_a_line_in_the_journal(
    cloudwatch: CloudWatch, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics.publish({**SETTINGS, "metrics": False}, {"TaskRunning": 1})

    assert cloudwatch.metrics == []
    assert capsys.readouterr().out == 'heartbeat {"TaskRunning": 1}\n'
