"""What a person and a machine are shown."""

import io
import json
from typing import Any

import pytest
from rich.console import Console

from scripts.cost import output
from scripts.cost.report import Given, Report, report_of
from tests.unit.scripts.cost.support import WORKLOAD, settings


def report(region: str = "us-west-2", given: Given | None = None, **changed: dict[str, Any]) -> Report:
    return report_of("prod", settings(region, **changed), WORKLOAD, given or Given())


def shown(seen: Report) -> str:
    out = io.StringIO()
    output.show(seen, Console(file=out, width=160, highlight=False, force_terminal=False))
    return out.getvalue()


def row(text: str, name: str) -> list[str]:
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines()]
    (found,) = [cells for cells in rows if cells[0] == name]
    return found


def test_an_item_has_its_count_its_price_the_articles_and_its_setting() -> None:
    text = shown(report())

    assert row(text, "S3: writing events") == [
        "S3: writing events",
        "1,576,800 requests",
        "7.88",
        "65.70",
        "connector.rotationSeconds",
    ]
    assert row(text, "KMS: the parameters' key")[1:4] == ["1 key", "1.00", "-"]


def test_the_sum_is_shown_without_and_with_the_listings() -> None:
    seen = report()
    text = shown(seen)

    assert row(text, "sum without the listings")[2] == f"{seen.ours.usd(listings=False):.2f}"
    assert row(text, "S3: Logz.io's listings")[2] == "15.77"
    assert row(text, "sum")[2:4] == [f"{seen.ours.usd():.2f}", f"{seen.article.usd():.2f}"]


def test_the_region_and_the_date_of_the_prices_are_in_the_title() -> None:
    assert "stack prod: USD a month, list prices of us-west-2 (2026-11-27)" in shown(report())


def test_a_stack_in_another_region_is_told_first_and_changes_the_exit_code() -> None:
    far = report("eu-central-1", archive={"allowOtherRegion": True})

    assert far.exit_code == 2
    assert shown(far).startswith("note: the stack is in eu-central-1, and the prices are those of us-west-2")
    assert report().exit_code == 0


def test_an_unknown_instance_type_has_no_price_and_changes_the_exit_code() -> None:
    unknown = report(worker={"instanceType": "m7i.large"})

    assert unknown.exit_code == 2
    assert "no price for m7i.large" in shown(unknown)
    assert row(shown(unknown), "VMs: instances")[1:3] == ["730", "?"]
    assert report(given=Given(instance_usd=0.1), worker={"instanceType": "m7i.large"}).exit_code == 0


def test_what_confluent_bills_is_shown_with_a_price_only_if_one_is_given() -> None:
    assert "38.2 GB at most. No public price was found" in shown(report())
    assert "38.2 GB at most, at 0.05 a GB 1.91 more" in shown(report(given=Given(confluent_usd=0.05)))


def test_the_way_out_of_existing_subnets_is_said_to_be_missing() -> None:
    text = shown(report(worker={"subnetId": "subnet-0123456789abcdef0"}))

    assert "the way out of the existing subnets" in text
    assert "VMs: public addresses" not in text


@pytest.mark.parametrize("originals", [True, False])
def test_the_json_has_each_item_with_the_source_of_its_price(originals: bool) -> None:
    seen = report(archive={"originals": originals})
    content = json.loads(output.as_json(seen))

    items = {item["name"]: item for item in content["items"]}
    assert ("S3: storing originals" in items) is originals
    assert items["VMs: instances"]["price"]["source"].startswith("https://")
    assert items["S3: writing events"]["article_usd"] == pytest.approx(65.7)
    assert content["usd"]["with_listings"] == pytest.approx(seen.ours.usd())
    assert content["usd"]["without_listings"] == pytest.approx(seen.ours.usd(listings=False))
    assert content["prices"] == {"region": "us-west-2", "read": "2026-11-27"}
    assert content["assumed"]["events_per_second"] == 5
    assert content["savings"][0]["usd"] > 0
    assert content["exit_code"] == 0
