"""The demo's report as a page."""

from dataclasses import fields
from datetime import datetime

from local.proofs.demo.report import Report
from local.proofs.flow_charts import flow_charts
from report_page.model import Hop, Page, State, Table


def page(report: Report, at: datetime) -> Page:
    """The page of a report that was made at this time."""
    is_good = report.exit_code == 0
    verdict = (
        f"all {report.events_produced:,} events are archived and indexed, and nothing is left behind."
        if is_good
        else f"of {report.events_produced:,} events, {report.events_missing:,} are missing, "
        f"{report.events_faulty:,} are faulty and {report.index_failures:,} copies are not indexed; "
        f"{report.left_behind} things are left behind; verify ended with exit code {report.verify_exit_code}."
    )
    return Page(
        title="ccloud-logexporter: the demo",
        at=at,
        state=_state(is_good),
        verdict=verdict,
        chain=_chain(report),
        charts=flow_charts(report.flow),
        tables=(_figures(report), _seconds(report)),
    )


def _chain(report: Report) -> tuple[Hop, ...]:
    produced = report.events_produced
    is_archived = 0 < produced <= report.events_archived and not report.originals_missing
    is_indexed = 0 < produced <= report.events_indexed and not report.index_failures
    return (
        Hop("Confluent Cloud", _state(produced > 0), f"{produced:,} events", ("produced into Kafka",)),
        Hop(
            "VM" if report.workers == 1 else f"{report.workers} VMs",
            _state(0 < produced <= report.events_archived),
            f"{report.s3_requests:,} S3 requests",
            ("by the writer",),
        ),
        Hop(
            "S3 bucket",
            _state(is_archived),
            f"{report.events_archived:,} events",
            (
                f"archived in {report.objects:,} objects",
                f"originals in {report.originals_objects:,} objects, {report.originals_missing:,} missing",
            ),
        ),
        Hop(
            "Logz.io",
            _state(is_indexed),
            f"{report.events_indexed:,} events",
            (
                f"indexed, of {report.events_delivered:,} delivered",
                f"{report.index_failures:,} index failures",
            ),
        ),
    )


def _state(good: bool) -> State:
    return State.FINE if good else State.BROKEN


def _figures(report: Report) -> Table:
    values = {figure.name: getattr(report, figure.name) for figure in fields(report)}
    rows = [
        (name.replace("_", " "), f"{value:,}") for name, value in values.items() if isinstance(value, int)
    ]
    return Table("All figures", ("figure", "value"), tuple(rows))


def _seconds(report: Report) -> Table:
    values = {step.name: getattr(report.seconds, step.name) for step in fields(report.seconds)}
    rows = [
        (name.replace("_", " "), "-" if value is None else f"{value:.1f}") for name, value in values.items()
    ]
    return Table("How long the steps took", ("step", "seconds"), tuple(rows))
