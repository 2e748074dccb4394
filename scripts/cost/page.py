"""Writes the tables of docs/cost.md: `make cost-page`."""

import io
import re
from dataclasses import replace
from pathlib import Path

import typer
from rich.console import Console

from components.settings import Settings
from report_page.markdown import replaced
from scripts.cost import output, prices
from scripts.cost.__main__ import DEFAULTS, WIDTH
from scripts.cost.estimate import ALARMS, Item, estimate
from scripts.cost.plan import plan_of
from scripts.cost.report import Given, report_of
from scripts.stack import ROOT
from scripts.stack_files import read

PAGE = ROOT / "docs" / "cost.md"
STACK = "dev"
"""The stack file whose estimate the page has: the example in the repository, with 12 partitions."""


def blocks(settings: Settings) -> dict[str, str]:
    """Name of each generated part of the page -> its text."""
    return {
        "estimate": f"```text\n{printed(settings)}```",
        "vms": further_vms(settings),
        "prices": price_table(),
    }


def printed(settings: Settings) -> str:
    """What the command prints."""
    out = io.StringIO()
    # Whatever the caller's FORCE_COLOR says.
    console = Console(file=out, width=WIDTH, highlight=False, force_terminal=False)
    output.show(report_of(STACK, settings, DEFAULTS, Given()), console)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def further_vms(settings: Settings) -> str:
    """A table in Markdown: what a further VM adds, item by item, and which alarms several VMs add once."""
    one, two, three = (_of_count(settings, count) for count in (1, 2, 3))
    rows, total = [], 0.0
    for name, item in three.items():
        more = replace(item, quantity=item.quantity - two[name].quantity)
        if more.usd:
            total += more.usd
            rows.append(f"| {name} | {output.count(more)} | {more.usd:.2f} |")
    alarms = [items[ALARMS].quantity for items in (one, two, three)]
    once = replace(two[ALARMS], quantity=2 * alarms[1] - alarms[0] - alarms[2])
    return "\n".join(
        [
            "| what | count a month | USD |",
            "|---|---|---:|",
            *rows,
            f"| **each VM beyond the first** | | **{total:.2f}** |",
            f"| `members` and `originals-members`, once | {output.count(once)} | {once.usd:.2f} |",
        ]
    )


def _of_count(settings: Settings, count: int) -> dict[str, Item]:
    worker = settings.worker.model_copy(update={"count": count})
    found = estimate(plan_of(settings.model_copy(update={"worker": worker})), DEFAULTS)
    return {item.name: item for item in found.items}


def price_table() -> str:
    """A table in Markdown of every price, its source, and whether it was checked."""
    rows = [
        f"| {price.what} | {price.usd:g} | {_unit(price)} | [{_file(price.source)}]({price.source}) | "
        f"{price.checked or '**not verified**'} |"
        for price in prices.PRICES
    ]
    return "\n".join(["| price | USD | for | source | checked |", "|---|---:|---|---|---|", *rows])


def _unit(price: prices.Price) -> str:
    if price.per > 1:
        return f"{price.per:,} {price.unit}s"
    return f"1 {price.unit} a month" if price in prices.MONTHLY else f"1 {price.unit}"


def _file(source: str) -> str:
    listed = re.search(r"/aws/(\w+)/", source)
    return f"price list {listed[1]}" if listed else source.removeprefix("https://").rstrip("/")


def main(page: Path = PAGE) -> None:
    """Writes the tables into the page."""
    page.write_text(replaced(page.read_text(), blocks(read(ROOT / f"Pulumi.{STACK}.yaml", "is not counted"))))


if __name__ == "__main__":
    typer.run(main)
