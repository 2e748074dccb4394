"""What an estimate counts is what the program makes and the watchdogs send."""

from typing import Any

import pytest

from components.worker.files.watchdog import metrics
from scripts.cost.plan import SELDOM, plan_of, the_articles
from tests.unit.components.recorder import record_program
from tests.unit.scripts.cost.support import config, settings

STACKS: list[dict[str, dict[str, Any]]] = [
    {},
    {"worker": {"count": 3}},
    {"archive": {"originals": False}, "writer": {"identity": "role"}},
    {"worker": {"count": 2, "metrics": False}},
    {"alarms": {"canary": True, "dashboard": False}},
    {"logzio": {"authentication": "keys"}},
    {"worker": {"secretsKeyArn": "arn:aws:kms:us-west-2:111122223333:key/given"}},
    {"worker": {"subnetIds": ["subnet-0123456789abcdef0"], "count": 2}},
]


@pytest.mark.parametrize("changed", STACKS, ids=str)
def test_an_estimate_counts_what_the_program_makes(changed: dict[str, dict[str, Any]]) -> None:
    program = record_program(config(**changed))
    plan = plan_of(settings(**changed))

    instances = program.of_type("aws:ec2/instance:Instance")
    assert len(instances) == plan.vms
    assert {instance.inputs["rootBlockDevice"]["volumeSize"] for instance in instances} == {plan.volume_gb}
    assert {instance.inputs["rootBlockDevice"]["volumeType"] for instance in instances} == {"gp3"}
    assert len(program.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")) == plan.alarms
    assert len(program.of_type("aws:cloudwatch/dashboard:Dashboard")) == plan.dashboards
    assert len(program.of_type("aws:ssm/parameter:Parameter")) == plan.parameters
    assert len(program.of_type("aws:kms/key:Key")) == plan.own_key
    registrations = [made for made in program.registrations if made.type.endswith("LogzioRegistration")]
    assert len(registrations) == plan.registrations
    public = any(subnet.inputs["mapPublicIpOnLaunch"] for subnet in program.of_type("aws:ec2/subnet:Subnet"))
    assert plan.addresses == (plan.vms if public else None)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("originals", [True, False])
@pytest.mark.parametrize(("identity", "credentials"), [("user", ["kafka", "writer"]), ("role", ["kafka"])])
def test_an_estimate_counts_the_metrics_that_the_watchdogs_send(
    monkeypatch: pytest.MonkeyPatch, count: int, originals: bool, identity: str, credentials: list[str]
) -> None:
    sent = set()
    for number in range(1, count + 1):
        monkeypatch.setenv("VM_NUMBER", str(number))
        for name in set(metrics.UNITS) - set(SELDOM) - set(metrics.OF_THE_FLEET):
            versions: list[dict[str, str]] = [{"Credentials": given} for given in credentials]
            for dimensions in versions if name == "CredentialsVersion" else [{}]:
                made = metrics.metric(name, 1, dimensions)
                if originals or not name.startswith("Originals"):
                    sent.add((name, str(made["Dimensions"])))

    given = settings(worker={"count": count}, archive={"originals": originals}, writer={"identity": identity})
    assert plan_of(given).metrics == len(sent)


def test_what_is_sent_seldom_is_among_the_metrics() -> None:
    assert set(SELDOM) <= set(metrics.UNITS)


def test_the_article_has_one_copy_one_vm_and_nothing_that_watches() -> None:
    article = the_articles(plan_of(settings(worker={"count": 3})))

    (events,) = article.copies
    assert (events.flush_size, events.rotation_seconds, events.gzip_level, events.growth) == (
        3,
        None,
        None,
        1,
    )
    # Every other count, one that is new in the plan too, is 0.
    counts = {name: count for name, count in vars(article).items() if isinstance(count, int) and count}
    assert counts == {"vms": 1, "volume_gb": 20, "addresses": 1, "registrations": 1}


@pytest.mark.parametrize(
    ("region", "changed", "crosses"),
    [
        ("us-west-2", {}, False),
        ("eu-central-1", {"archive": {"allowOtherRegion": True}}, True),
        # The ids do not tell the region.
        ("us-west-2", {"source": {"bootstrapServers": "kafka.example.com:9092"}}, False),
        (
            "us-west-2",
            {"source": {"bootstrapServers": "kafka.example.com:9092"}, "archive": {"allowOtherRegion": True}},
            True,
        ),
    ],
)
def test_a_plan_says_whether_events_come_from_another_region(
    region: str, changed: dict[str, dict[str, Any]], crosses: bool
) -> None:
    assert plan_of(settings(region, **changed)).from_other_region is crosses
