"""The report of a run as a page."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime

from local.proofs.bench.figures import PER_CPU_SECOND, RATE, Figure, compare
from local.proofs.bench.report import Report
from local.proofs.bench.variants import DEFAULTS, VARIANTS
from report_page import charts
from report_page.charts import Bar
from report_page.model import Chart, Message, Page, State, Table


def page(report: Report, at: datetime) -> Page:
    """The page of a report that was made at this time."""
    missed = [goal for goal in report.goals if not goal.is_met]
    return Page(
        title="ccloud-logexporter: bench",
        at=at,
        state=State.MISSED if missed else State.FINE,
        verdict=f"{len(report.goals) - len(missed)} of {len(report.goals)} goals are met.",
        chain=(),
        messages=(
            Message(State.FINE, _plain(report.heading)),
            *(
                Message(State.MISSED, _plain(f"{goal.text}: {goal.measured}, the goal is {goal.goal}."))
                for goal in missed
            ),
        ),
        charts=tuple(_charts(report)),
        tables=tuple(map(_plain_table, report.tables)),
    )


def _plain(text: str) -> str:
    """Without the marks of Markdown, which a page would show."""
    return text.replace("`", "")


def _plain_table(table: Table) -> Table:
    return replace(table, rows=tuple(tuple(map(_plain, row)) for row in table.rows))


def _charts(report: Report) -> Iterator[Chart]:
    if report.sink:
        for figure in (RATE, PER_CPU_SECOND):
            yield _bars(report, figure)
    if report.times:
        yield charts.bars(
            "What takes how long",
            "The median of the rounds.",
            [
                Bar(_plain(name), found.median, charts.seconds_text(found.median))
                for name, found in report.times.items()
            ],
            columns=("what", "seconds"),
            are_seconds=True,
        )
    if report.stack:
        yield _waits(report)


def _bars(report: Report, figure: Figure) -> Chart:
    bars = []
    for variant in VARIANTS:
        found = compare(report.sink, figure, variant.title, DEFAULTS.title)
        # The limit is far beyond all others: with it, their bars would look alike.
        if variant.setup is not None and found is not None:
            bars.append(
                Bar(
                    _plain(variant.title),
                    found.value,
                    f"{found.value:,.0f}, {found.ratio:.2g} x the defaults",
                )
            )
    return charts.bars(
        figure.name[0].upper() + figure.name[1:],
        "The median of the rounds, and the ratio to this project's defaults with S3 at once.",
        bars,
        columns=("settings", figure.name),
    )


def _waits(report: Report) -> Chart:
    bars = []
    for delays in report.stack[-1].delays:
        for name, seconds in asdict(delays.indexed).items():
            label = f"rotation {delays.rotation} s: {_WAITS[name]}"
            bars.append(Bar(label, seconds, charts.seconds_text(seconds)))
    return charts.bars(
        "From Kafka to Logz.io",
        "How long events waited, in the last round.",
        bars,
        columns=("events", "seconds"),
        are_seconds=True,
    )


_WAITS = {"p50": "half of the events", "p95": "95 % of the events", "longest": "the last event"}
