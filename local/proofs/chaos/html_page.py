"""The report of a run as a page."""

from datetime import datetime

from local.proofs.chaos.report import DUPLICATES, Report, Row
from local.proofs.flow_charts import flow_charts
from report_page import charts
from report_page.charts import Bar
from report_page.model import Chart, Hop, Message, Page, State, Table


def page(report: Report, at: datetime) -> Page:
    """The page of a report that was made at this time."""
    injected = [row for row in report.rows if row.skipped is None]
    recovered = sum(row.seconds is not None for row in injected)
    in_bucket = sum(row.lost_in_bucket for row in injected)
    in_logzio = sum(row.lost_in_logzio for row in injected)
    return Page(
        title="ccloud-logexporter: injected faults",
        at=at,
        state=_state(report.exit_code == 0),
        verdict=f"{recovered} of {len(injected)} faults were recovered from. Of {report.events:,} events, "
        f"{in_bucket:,} were lost in the bucket and {in_logzio:,} in Logz.io; at the end "
        f"{report.missing_at_the_end:,} events and {report.originals_missing:,} originals are missing.",
        chain=(
            Hop("Confluent Cloud", _state(report.events > 0), f"{report.events:,} events", ("in Kafka",)),
            Hop(
                "VM",
                _state(recovered == len(injected) > 0),
                f"{len(injected)} faults",
                (f"recovered from {recovered}",),
            ),
            Hop(
                "S3 bucket",
                _state(not in_bucket and not report.originals_missing),
                f"{in_bucket:,} lost",
                (f"{report.originals_missing:,} originals missing",),
            ),
            Hop(
                "Logz.io",
                _state(not in_logzio and not report.missing_at_the_end),
                f"{in_logzio:,} lost",
                (f"{sum(row.duplicates for row in injected):,} events came twice",),
            ),
        ),
        messages=tuple(_messages(report.rows)),
        charts=(_recovery(injected), *flow_charts(report.flow)) if injected else flow_charts(report.flow),
        tables=(_faults(report.rows),),
    )


def _state(good: bool) -> State:
    return State.FINE if good else State.BROKEN


def _messages(rows: tuple[Row, ...]) -> list[Message]:
    broken = [
        Message(
            State.BROKEN,
            f"{row.name} {row.fault}: {row.lost_in_bucket:,} events lost in the bucket, {row.lost_in_logzio:,} in "
            f"Logz.io; {_seconds(row)}{_unproved(row)}.",
        )
        for row in rows
        if not row.ok
    ]
    skipped = [
        Message(State.UNKNOWN, f"{row.name} {row.fault}: not run: {row.skipped}")
        for row in rows
        if row.skipped is not None
    ]
    return broken + skipped


def _recovery(rows: list[Row]) -> Chart:
    return charts.bars(
        "Recovery time",
        "From the end of each fault until all events of before it, and the first ones of after it, were in both "
        "places.",
        [Bar(f"{row.name} {row.fault}", row.seconds, _seconds(row), state=_state(row.ok)) for row in rows],
        columns=("fault", "recovered after"),
        are_seconds=True,
    )


def _seconds(row: Row) -> str:
    return "not recovered" if row.seconds is None else charts.seconds_text(row.seconds)


def _unproved(row: Row) -> str:
    return f"; alarms not proved: {', '.join(row.unproved)}" if row.unproved else ""


def _faults(rows: tuple[Row, ...]) -> Table:
    return Table(
        "Each fault",
        (
            "fault",
            "events meanwhile",
            "lost in the bucket",
            "lost in Logz.io",
            "came twice",
            "recovered after",
            "alarms, had it lasted",
        ),
        tuple(_cells(row) for row in rows),
        text=DUPLICATES,
    )


def _cells(row: Row) -> tuple[str, ...]:
    name = f"{row.name} {row.fault}"
    if row.skipped is not None:
        return (name, "-", "-", "-", "-", "not run", "-")
    lost = f"{row.lost_in_bucket:,}"
    if row.unrepresentable:
        lost += f" (and {row.unrepresentable} in the originals alone)"
    figures = (f"{row.produced:,}", lost, f"{row.lost_in_logzio:,}", f"{row.duplicates:,}", _seconds(row))
    return (name, *figures, row.shown_alarms)
