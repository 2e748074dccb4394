"""Follows a stack's events from Kafka to Logz.io: `python -m scripts.verify --stack prod`.

Exit codes: 0, nothing is broken (events may be on their way); 1, something is broken; 2, something could not be checked,
and nothing that was checked is broken. (`make` itself exits with 2 whenever a command fails.)
"""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from components.logzio import redaction
from components.settings import SettingsError
from components.worker.alarms import SECONDS_MISSING
from components.worker.config import metrics_namespace
from scripts.access import Access, AccessError
from scripts.stack import PulumiError
from scripts.verify import canary, output
from scripts.verify.collect import Collector, Scope
from scripts.verify.evaluate import Patience, evaluate, exit_code
from scripts.verify.model import Finding, Report

COULD_NOT_CHECK = 2


def main(
    stack: Annotated[str, typer.Option(help="Name of the stack.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
    html: Annotated[
        Path | None,
        typer.Option(help="Also write the report to this file, as one HTML page.", dir_okay=False),
    ] = None,
    days: Annotated[float, typer.Option(help="Check the objects of this many days.", min=0)] = 7.0,
    sample: Annotated[
        int, typer.Option(help="Objects of each partition whose last event is searched in Logz.io.", min=1)
    ] = 20,
    every_event: Annotated[
        bool, typer.Option(help="Search for every event of every object, not only for a sample.")
    ] = False,
    archive_minutes: Annotated[
        float,
        typer.Option(help="Minutes, in addition to two rotations, that an event may wait in Kafka.", min=0),
    ] = 5.0,
    fetch_minutes: Annotated[
        float, typer.Option(help="Minutes until an object must be found in Logz.io.", min=0)
    ] = 10.0,
    publish: Annotated[
        bool,
        typer.Option(
            "--publish", help="Send to CloudWatch for how long the oldest archived event has been missing."
        ),
    ] = False,
) -> None:
    """Reports where the chain from Kafka to Logz.io is broken, and which page tells how to repair it."""
    patience = Patience(timedelta(minutes=archive_minutes), timedelta(minutes=fetch_minutes))
    try:
        access = Access.of(stack)
        report = Collector(access, Scope(days=days, sample=sample, every_event=every_event)).report()
    except (AccessError, PulumiError, SettingsError, BotoCoreError, ClientError) as problem:
        typer.echo(f"error: {redaction.clean(str(problem))}", err=True)
        raise typer.Exit(COULD_NOT_CHECK) from None
    findings = evaluate(report, patience)
    if as_json:
        typer.echo(redaction.clean(output.as_json(report, findings)))
    else:
        # Output into a file or a pipe must not be squeezed into 80 columns.
        output.show(report, findings, Console(width=None if sys.stdout.isatty() else 160, highlight=False))
    if html is not None:
        _write_page(html, report, findings)
    code = exit_code(findings)
    if publish and not _published(access, report):
        code = code or COULD_NOT_CHECK
    raise typer.Exit(code)


def _published(access: Access, report: Report) -> bool:
    """Publishes the measurement, and says so beside the report."""
    seconds = canary.seconds_missing(report)
    if seconds is None:
        typer.echo(f"not published: {SECONDS_MISSING} could not be measured", err=True)
        return False
    namespace = metrics_namespace(access.stack.owner)
    try:
        canary.publish(access.client("cloudwatch"), namespace, seconds)
    except (BotoCoreError, ClientError) as problem:
        typer.echo(f"error: not published: {redaction.clean(str(problem))}", err=True)
        return False
    typer.echo(f"published: {SECONDS_MISSING} {seconds:.0f} in {namespace}", err=True)
    return True


def _write_page(file: Path, report: Report, findings: list[Finding]) -> None:
    # Drawing takes seconds to import; without the page nobody should wait for it.
    from report_page.page import render  # noqa: PLC0415
    from scripts.verify import html_page  # noqa: PLC0415

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(render(html_page.page(report, findings)))
    except OSError as problem:
        typer.echo(f"error: --html: {problem}; a file that can be written is accepted", err=True)
        raise typer.Exit(COULD_NOT_CHECK) from None
    typer.echo(f"the report as a page: {file}", err=True)


if __name__ == "__main__":
    typer.run(main)
