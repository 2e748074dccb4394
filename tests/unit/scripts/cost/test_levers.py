"""What other settings would save."""

from typing import Any

import pytest

from scripts.cost.estimate import estimate
from scripts.cost.levers import Saving, savings
from scripts.cost.plan import plan_of
from tests.unit.scripts.cost.support import WORKLOAD, settings


def saved(**changed: dict[str, Any]) -> dict[str, Saving]:
    return {f"{found.setting}: {found.value}": found for found in savings(settings(**changed), WORKLOAD)}


def test_a_saving_is_the_difference_that_the_setting_makes() -> None:
    before = estimate(plan_of(settings()), WORKLOAD).usd()
    after = estimate(plan_of(settings(connector={"rotationSeconds": 300})), WORKLOAD).usd()

    assert saved()["connector.rotationSeconds: 300"].usd == pytest.approx(before - after)


def test_the_largest_saving_comes_first_and_each_says_what_it_takes_away() -> None:
    found = savings(settings(worker={"count": 2}), WORKLOAD)

    assert found[0].setting == "worker.count"
    assert [saving.usd for saving in found] == sorted((saving.usd for saving in found), reverse=True)
    assert all(saving.loses for saving in found)


@pytest.mark.parametrize(
    ("changed", "setting"),
    [
        ({}, "worker.count: 1"),
        ({"worker": {"metrics": False}}, "worker.metrics: false"),
        ({"archive": {"originals": False}}, "archive.originals: false"),
        ({"archive": {"retentionDays": 30}}, "archive.retentionDays: 90"),
        ({"connector": {"rotationSeconds": 600}}, "connector.rotationSeconds: 300"),
        (
            {"worker": {"secretsKeyArn": "arn:aws:kms:us-west-2:111122223333:key/given"}},
            "worker.secretsKeyArn: a KMS key of yours",
        ),
    ],
)
def test_what_a_stack_has_already_saves_nothing(changed: dict[str, dict[str, Any]], setting: str) -> None:
    assert setting not in saved(**changed)


def test_other_instance_types_are_compared_only_with_a_price_of_the_present_one() -> None:
    assert {"worker.instanceType: t3a.medium", "worker.instanceType: t4g.medium"} <= set(
        saved(worker={"instanceType": "t3.medium"})
    )
    assert not [name for name in saved(worker={"instanceType": "m7i.large"}) if "instanceType" in name]
