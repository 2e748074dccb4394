"""Checks all that `pulumi up` needs before it is run: `python -m scripts.preflight --stack prod`.

Exit codes: 0, nothing is broken; 1, something is broken; 2, something could not be checked, and nothing that was checked
is broken. (`make` itself exits with 2 whenever a command fails.)
"""

import os
from typing import Annotated

import typer
from rich.console import Console

from components.logzio import redaction
from scripts.preflight import output
from scripts.preflight.collect import SECONDS, Asker, collect
from scripts.preflight.evaluate import evaluate, exit_code
from scripts.preflight.target import Target, TargetError

COULD_NOT_CHECK = 2


def main(
    stack: Annotated[str, typer.Option(help="Name of the stack; it need not be initialised yet.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    download: Annotated[
        bool, typer.Option("--download", help="Download the connector's zip and compare its SHA-256.")
    ] = False,
    seconds: Annotated[
        float, typer.Option(help="Most seconds that all checks together may take, without a download.", min=1)
    ] = SECONDS,
) -> None:
    """Says what `pulumi up` would fail at, and what to do about it. It changes nothing."""
    redaction.install()
    try:
        target = Target.read(stack, os.environ)
    except TargetError as problem:
        typer.echo(f"error: {redaction.clean(str(problem))}", err=True)
        raise typer.Exit(COULD_NOT_CHECK) from None
    report = collect(Asker(target, download=download), seconds)
    findings = evaluate(report)
    if as_json:
        typer.echo(redaction.clean(output.as_json(report, findings)))
    else:
        output.show(report, findings, Console(highlight=False))
    raise typer.Exit(exit_code(findings))


if __name__ == "__main__":
    typer.run(main)
