"""Prints a report on one screen, or as JSON."""

import json
from typing import Any

from rich.console import Console
from rich.table import Table

from scripts.cost import prices
from scripts.cost.estimate import LISTINGS, Estimate, Item
from scripts.cost.report import Report

MOST_NAMED = 3
"""How many of the largest items the line on what dominates names."""


def show(report: Report, console: Console) -> None:
    """Prints the table of items, then what dominates, what would save, and what is not in the sum."""
    for line in report.reservations:
        console.print(f"[bold yellow]note:[/] {line}")
    console.print(_items(report))
    console.print(f"most of it: {_dominating(report.ours)}")
    if report.savings:
        console.print(_savings(report))
    for line in report.notes:
        console.print(f"- {line}")


def assumed(report: Report) -> str:
    """What the estimate assumes, in a line."""
    workload = report.workload
    return (
        f"{workload.events_per_second:g} events/s of {workload.event_bytes:,.0f} bytes; Logz.io lists each prefix every "
        f"{workload.listing_seconds:g} s; {workload.age_days:g} days of events"
    )


def _items(report: Report) -> Table:
    article = {item.name: item for item in report.article.items}
    table = Table(
        title=f"stack {report.stack}: USD a month, list prices of {prices.REGION} ({prices.READ})",
        caption=assumed(report),
    )
    table.add_column("what")
    table.add_column("count a month", justify="right")
    table.add_column("USD", justify="right")
    table.add_column("the article", justify="right")
    table.add_column("changed by")
    for item in report.ours.items:
        if item.name != LISTINGS:
            table.add_row(*_cells(item, article.get(item.name)))
    table.add_section()
    table.add_row("sum without the listings", "", *_sums(report, listings=False), style="bold")
    for item in report.ours.items:
        if item.name == LISTINGS:
            table.add_row(*_cells(item, article.get(LISTINGS)))
    table.add_row("sum", "", *_sums(report, listings=True), style="bold")
    return table


def _cells(item: Item, article: Item | None) -> list[str]:
    return [
        item.name,
        count(item),
        _usd(item.usd),
        "-" if article is None else _usd(article.usd),
        item.settings,
    ]


def _sums(report: Report, *, listings: bool) -> list[str]:
    return [_usd(found.usd(listings=listings)) for found in (report.ours, report.article)]


def count(item: Item) -> str:
    """How many of it a month, with the unit of its price."""
    quantity = item.quantity
    number = f"{quantity:,.0f}" if quantity >= 100 or quantity == int(quantity) else f"{quantity:,.1f}"
    if item.price is None:
        return number
    plural = "" if quantity == 1 or item.price.unit == "GB" else "s"
    return f"{number} {item.price.unit}{plural}"


def _usd(usd: float | None) -> str:
    return "?" if usd is None else f"{usd:,.2f}"


def _dominating(ours: Estimate) -> str:
    total = ours.usd()
    largest = sorted(ours.items, key=lambda item: -(item.usd or 0.0))[:MOST_NAMED]
    return ", ".join(f"{item.name} {(item.usd or 0.0) / total:.0%}" for item in largest)


def _savings(report: Report) -> Table:
    table = Table(title="what would save, each by itself")
    table.add_column("setting")
    table.add_column("USD", justify="right")
    table.add_column("what it takes away")
    for saving in report.savings:
        table.add_row(f"{saving.setting}: {saving.value}", f"{saving.usd:.2f}", saving.loses)
    return table


def as_json(report: Report) -> str:
    """The report: each item with its price and the price's source; USD are not rounded."""
    article = {item.name: item.usd for item in report.article.items}
    content = {
        "stack": report.stack,
        "prices": {"region": prices.REGION, "read": prices.READ.isoformat()},
        "assumed": vars(report.workload),
        "items": [{**_item(item), "article_usd": article.get(item.name)} for item in report.ours.items],
        "usd": _both_sums(report.ours),
        "article_usd": _both_sums(report.article),
        "free_tier_usd": report.ours.free_tier_usd,
        "read_gb": report.ours.read_gb,
        "savings": [vars(saving) for saving in report.savings],
        "reservations": report.reservations,
        "notes": report.notes,
        "exit_code": report.exit_code,
    }
    return json.dumps(content, indent=2)


def _item(item: Item) -> dict[str, Any]:
    return {
        "name": item.name,
        "count": item.quantity,
        "usd": item.usd,
        "settings": item.settings,
        "price": None if item.price is None else vars(item.price),
    }


def _both_sums(found: Estimate) -> dict[str, float]:
    return {"with_listings": found.usd(), "without_listings": found.usd(listings=False)}
