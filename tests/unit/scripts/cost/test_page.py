"""docs/cost.md has what the command prints."""

import re
from pathlib import Path

from typer import Typer
from typer.testing import CliRunner

from report_page.markdown import replaced
from scripts.cost import __main__ as cost
from scripts.cost import page, prices
from scripts.cost.estimate import estimate
from scripts.cost.plan import plan_of
from scripts.stack import ROOT
from scripts.stack_files import read

SETTINGS = read(ROOT / f"Pulumi.{page.STACK}.yaml", "is not counted")


def test_the_page_has_the_tables_as_they_are() -> None:
    text = page.PAGE.read_text()

    assert replaced(text, page.blocks(SETTINGS)) == text, "run: make cost-page"


def test_the_page_has_what_the_command_prints() -> None:
    app = Typer()
    app.command()(cost.main)
    printed = CliRunner().invoke(app, ["--stack", page.STACK]).output

    lines = "\n".join(line.rstrip() for line in printed.splitlines())
    assert f"```text\n{lines}\n```" in page.PAGE.read_text()


def test_only_what_is_between_the_markers_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "cost.md"
    blocks = page.blocks(SETTINGS)
    file.write_text(
        "before\n" + "".join(f"<!-- {name}:begin -->\nold\n<!-- {name}:end -->\nafter\n" for name in blocks)
    )
    page.main(file)

    assert file.read_text() == "before\n" + "".join(
        f"<!-- {name}:begin -->\n{text}\n<!-- {name}:end -->\nafter\n" for name, text in blocks.items()
    )


def test_a_price_that_nobody_checked_says_so() -> None:
    rows = {line.split("|")[1].strip(): line for line in page.price_table().splitlines()[2:]}

    assert len(rows) == len(prices.PRICES)
    for price in prices.PRICES:
        assert ("not verified" in rows[price.what]) is (price.checked is None)
        assert f"]({price.source})" in rows[price.what]


def test_the_page_on_performance_has_the_same_prices_for_vms_and_cloudwatch() -> None:
    text = (ROOT / "docs" / "performance.md").read_text()
    shown = dict(re.findall(r"^\| (\d)(?: \(default\))? \|.*\| about (\d+) \|$", text, re.MULTILINE))

    assert shown == {str(count): f"{_of_vms(count):.0f}" for count in (1, 2, 3)}


def _of_vms(count: int) -> float:
    """USD of the VMs, what belongs to them, and CloudWatch."""
    worker = SETTINGS.worker.model_copy(update={"count": count})
    found = estimate(plan_of(SETTINGS.model_copy(update={"worker": worker})), cost.DEFAULTS)
    return sum(item.usd or 0 for item in found.items if item.name.startswith(("VMs", "CloudWatch")))
