"""Follows a stack's events from Kafka to Logz.io: `python -m scripts.verify --stack prod`.

Exit codes: 0, nothing is broken (events may be on their way); 1, something is; 2, something could not be looked at, and
what could be seen is in order. (`make` itself ends with 2 whenever a command fails.)
"""

import sys
from datetime import timedelta
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from components.logzio import redaction
from components.settings import SettingsError
from scripts.access import Access, AccessError
from scripts.stack import PulumiError
from scripts.verification import screen
from scripts.verification.judge import Patience, exit_code, judge
from scripts.verification.look import Look, Scope

COULD_NOT_LOOK = 2


def main(
    stack: Annotated[str, typer.Option(help="Name of the stack.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything that was seen, as JSON.")] = False,
    days: Annotated[float, typer.Option(help="Look at objects of so many days.", min=0)] = 7.0,
    sample: Annotated[
        int, typer.Option(help="Objects of each partition whose last event is looked for.", min=1)
    ] = 20,
    every_event: Annotated[
        bool, typer.Option(help="Look for every event of every object, not only for a sample.")
    ] = False,
    archive_minutes: Annotated[
        float, typer.Option(help="Minutes, beyond two rotations, that an event may wait in Kafka.", min=0)
    ] = 5.0,
    fetch_minutes: Annotated[
        float, typer.Option(help="Minutes that an object may take until it can be found in Logz.io.", min=0)
    ] = 10.0,
) -> None:
    """Says where the way of the events is broken, and which page mends it."""
    patience = Patience(timedelta(minutes=archive_minutes), timedelta(minutes=fetch_minutes))
    try:
        access = Access.of(stack)
        report = Look(access, Scope(days=days, sample=sample, every_event=every_event)).report()
    except (AccessError, PulumiError, SettingsError, BotoCoreError, ClientError) as problem:
        typer.echo(f"error: {redaction.clean(str(problem))}", err=True)
        raise typer.Exit(COULD_NOT_LOOK) from None
    findings = judge(report, patience)
    if as_json:
        typer.echo(redaction.clean(screen.as_json(report, findings)))
    else:
        # A screen that goes into a file or a pipe must not be squeezed into 80 columns.
        screen.show(report, findings, Console(width=None if sys.stdout.isatty() else 160, highlight=False))
    raise typer.Exit(exit_code(findings))


if __name__ == "__main__":
    typer.run(main)
