"""Prices on plans."""

from dataclasses import replace
from typing import Any

import pytest

from scripts.cost import prices
from scripts.cost.estimate import LISTINGS, Estimate, estimate
from scripts.cost.plan import plan_of
from tests.unit.scripts.cost.support import WORKLOAD, settings


def estimated(region: str = "us-west-2", **changed: dict[str, Any]) -> Estimate:
    return estimate(plan_of(settings(region, **changed)), WORKLOAD)


def usd(found: Estimate) -> dict[str, float | None]:
    return {item.name: item.usd for item in found.items}


def test_an_item_is_its_count_times_its_price() -> None:
    costs = usd(estimated())

    assert costs["VMs: instances"] == pytest.approx(730 * 0.0208)
    assert costs["VMs: volumes"] == pytest.approx(20 * 0.08)
    assert costs["S3: writing events"] == pytest.approx(3 * 12 * 43_800 * 0.005 / 1000)
    assert costs["CloudWatch: metrics"] == pytest.approx(25 * 0.30)
    assert costs[LISTINGS] == pytest.approx(12 * 262_800 * 0.005 / 1000)


def test_the_sum_without_the_listings_lacks_the_listings_alone() -> None:
    found = estimated()

    assert found.usd() == pytest.approx(sum(item.usd or 0 for item in found.items))
    assert found.usd() - found.usd(listings=False) == pytest.approx(usd(found)[LISTINGS])


def test_an_instance_type_without_a_price_is_named_and_can_be_given_one() -> None:
    plan = plan_of(settings(worker={"instanceType": "m7i.large"}))

    unknown = estimate(plan, WORKLOAD)
    assert unknown.unpriced == ("VMs: instances",)
    given = estimate(plan, WORKLOAD, instance_usd=0.1)
    assert given.unpriced == ()
    assert given.usd() == pytest.approx(unknown.usd() + 73)


def test_more_vms_add_no_request_to_s3_and_no_storage() -> None:
    one, three = usd(estimated()), usd(estimated(worker={"count": 3}))

    assert three["VMs: instances"] == pytest.approx(3 * (one["VMs: instances"] or 0))
    assert {name: cost for name, cost in three.items() if name.startswith("S3")} == {
        name: cost for name, cost in one.items() if name.startswith("S3")
    }


def test_events_from_another_region_cost_nothing_at_their_receiver() -> None:
    costs = usd(estimated("eu-central-1", archive={"allowOtherRegion": True}))

    assert costs["Kafka: traffic to the VMs"] == 0
    assert (usd(estimated())["Kafka: traffic to the VMs"] or 0) > 0


def test_traffic_to_logzio_costs_only_across_regions() -> None:
    far = usd(estimated(logzio={"region": "eu"}))
    near = usd(estimated("us-east-1", archive={"allowOtherRegion": True}))

    assert (far["S3: traffic to Logz.io in eu-central-1"] or 0) > 0
    assert not [name for name in near if "traffic to Logz.io" in name]


def test_a_stack_without_originals_or_metrics_pays_for_neither() -> None:
    names = usd(estimated(archive={"originals": False}, worker={"metrics": False}))

    assert not [name for name in names if "originals" in name or "CloudWatch" in name]


def test_a_key_of_the_bucket_costs_a_request_for_a_hundred_of_s3() -> None:
    key = {"kmsKeyArn": "arn:aws:kms:us-west-2:111122223333:key/given"}
    costs = {item.name: item for item in estimated(archive=key).items}

    s3 = sum(
        costs[f"S3: {what}"].quantity for what in ("writing events", "writing originals", "Logz.io's reads")
    )
    assert costs["KMS: the bucket's key"].quantity == pytest.approx(s3 / 100)


def test_the_free_tier_takes_no_more_off_than_was_billed() -> None:
    whole = estimated()

    assert whole.free_tier_usd == pytest.approx(10 * 0.30 + 10 * 0.10 + 3 + 43_800 * 0.01 / 1000)
    assert estimated(worker={"metrics": False}).free_tier_usd == 0
    few = replace(whole.plan, alarms=4)
    assert estimate(few, WORKLOAD).free_tier_usd == pytest.approx(whole.free_tier_usd - 0.60)


def test_a_rarer_listing_costs_less() -> None:
    rarer = estimate(plan_of(settings()), replace(WORKLOAD, listing_seconds=60.0))

    assert usd(rarer)[LISTINGS] == pytest.approx((usd(estimated())[LISTINGS] or 0) / 6)


def test_every_price_is_in_the_table_of_the_page() -> None:
    named = {value for value in vars(prices).values() if isinstance(value, prices.Price)}

    assert named <= set(prices.PRICES)


def test_every_price_has_a_source_and_says_whether_it_was_checked() -> None:
    assert len({price.what for price in prices.PRICES}) == len(prices.PRICES)
    for price in prices.PRICES:
        assert price.source.startswith("https://"), price
        assert price.usd >= 0
        assert price.per > 0
        assert price.checked != "", price
