"""Prints the findings, one line each, or as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from scripts.preflight.collect import Report
from scripts.preflight.evaluate import exit_code
from scripts.preflight.model import Finding, State

_STYLES = {State.OK: "green", State.WARNING: "cyan", State.BROKEN: "bold red", State.UNKNOWN: "yellow"}
_VERDICTS = {
    0: "[bold green]ready for `pulumi up`",
    1: "[bold red]not ready",
    2: "[yellow]ready as far as it could be checked",
}
_STATE_WIDTH = max(len(state.value) for state in State)


def show(report: Report, findings: Sequence[Finding], console: Console) -> None:
    """Prints each finding with what to do, then the verdict."""
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        line = Text(f"{finding.state.value:>{_STATE_WIDTH}}  ", style=_STYLES[finding.state])
        line.append(f"{finding.check:<{width}}  ", style="bold")
        line.append(finding.text, style="")
        if finding.todo:
            line.append(f"  -> {finding.todo}", style="bold")
        # Each finding stays one line, also for grep.
        console.print(line, soft_wrap=True)
    console.print(f"stack {report.target.stack}: {_VERDICTS[exit_code(findings)]}")


def as_json(report: Report, findings: Sequence[Finding]) -> str:
    """The findings, with the names of `model.Finding`."""
    content = {
        "stack": report.target.stack,
        "day": report.day.isoformat(),
        "findings": [asdict(finding) for finding in findings],
        "exit_code": exit_code(findings),
    }
    return json.dumps(content, indent=2)
