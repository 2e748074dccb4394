"""What a stack costs in a month: `python -m scripts.cost --stack prod`.

Needs no account, no secret and no engine. Exit codes: 0, the estimate; 1, the stack file cannot be read or is refused;
2, the estimate with reservations (the stack is in another region than the prices, or its instance type has no price
here), or a wrong option. (`make` itself exits with 2 whenever a command fails.)
"""

import sys
from typing import Annotated

import typer
from rich.console import Console

from scripts.cost import output
from scripts.cost.report import Given, report_of
from scripts.cost.sink import Workload
from scripts.stack import Stack
from scripts.stack_files import read

DEFAULTS = Workload()

WIDTH = 118
"""Columns where the output is not a terminal; docs/cost.md has it so."""


def main(
    stack: Annotated[str, typer.Option(help="Name of the stack: Pulumi.<stack>.yaml is read.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
    events_per_second: Annotated[
        float, typer.Option(help="Events of all partitions together.", min=0)
    ] = DEFAULTS.events_per_second,
    event_bytes: Annotated[
        float, typer.Option(help="Bytes of an event in Kafka.", min=1)
    ] = DEFAULTS.event_bytes,
    listing_seconds: Annotated[
        float, typer.Option(help="Seconds between two listings of a prefix by Logz.io.", min=0.1)
    ] = DEFAULTS.listing_seconds,
    age_days: Annotated[
        float, typer.Option(help="Days of events in the bucket, unless the retention is shorter.", min=0)
    ] = DEFAULTS.age_days,
    instance_usd: Annotated[
        float | None, typer.Option(help="USD for an hour of the instance type, if not the table's.", min=0)
    ] = None,
    confluent_usd: Annotated[
        float | None, typer.Option(help="USD for a GB read of the audit log, from your bill.", min=0)
    ] = None,
) -> None:
    """Prints the estimate."""
    known = Stack(stack)
    settings = read(known.file, "is not counted")
    workload = Workload(events_per_second, event_bytes, listing_seconds, age_days)
    report = report_of(known.short_name, settings, workload, Given(instance_usd, confluent_usd))
    if as_json:
        typer.echo(output.as_json(report))
    else:
        output.show(report, Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False))
    raise typer.Exit(report.exit_code)


if __name__ == "__main__":
    typer.run(main)
