"""The reports of runs as the page docs/chaos.md: `python -m local chaos-page REPORT ...`."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from local.proofs.chaos.report import DUPLICATES, alarms_text

INTRODUCTION = """\
# What each fault did

`python -m local chaos-page` wrote this page from the reports of `make chaos`. It injects each fault
into the local stack (Debian 12, Java 17) while events flow, and counts events by their ids.
[The local stack](local-stack.md#real-part-or-stand-in) says which part is real. Seconds are from the end of the fault
until all events of before, and the first ones of after it, are in the bucket and in Logz.io, a rotation of 5 s included.
[Alarms](local-stack.md#alarms) are those that would have fired if the fault had lasted.
"""


def page(reports: Iterable[Path]) -> str:
    """The whole page; a report's file was written on the day of its run."""
    sections = [INTRODUCTION]
    for file in reports:
        written = datetime.fromtimestamp(file.stat().st_mtime, UTC).date()
        sections.append(section(json.loads(file.read_text()), written))
    return "\n".join(sections)


def section(report: Mapping[str, Any], day: date) -> str:
    """One run in Markdown. `report`: what `Report.write` wrote on that day (UTC)."""
    lines = [
        f"{_mode(report)}{report['events']:,} events on {day.isoformat()}; "
        f"missing at the end: {report['missing_at_the_end']}, "
        f"originals missing: {report['originals_missing']}. {DUPLICATES}",
        "",
        "| fault | lost in the bucket | lost in Logz.io | came twice | seconds to recover | alarms, had it lasted "
        "| what you would have seen |",
        "|---|---|---|---|---|---|---|",
        *(_row(row) for row in report["rows"]),
    ]
    return "\n".join(lines) + "\n"


def _mode(report: Mapping[str, Any]) -> str:
    # The report of an earlier version is of a stack in mode standalone.
    return "In mode distributed: " if report.get("mode") == "distributed" else ""


def _row(row: Mapping[str, Any]) -> str:
    fault = f"{row['name']} {row['fault']}"
    if row["skipped"] is not None:
        return f"| {fault} | - | - | - | - | - | not run: {row['skipped']} |"
    lost = str(row["lost_in_bucket"])
    if row["unrepresentable"]:
        lost += f" (and {row['unrepresentable']} that are in the originals alone)"
    seconds = "not recovered" if row["seconds"] is None else f"{row['seconds']:.0f}"
    # The lines after the first one are what a script printed.
    seen = row["seen"].splitlines()[0].replace("|", "\\|")
    # The report of an earlier version says nothing of them.
    alarms = alarms_text(row["alarms"], row["unproved"]) if "alarms" in row else "not looked at"
    return f"| {fault} | {lost} | {row['lost_in_logzio']} | {row['duplicates']} | {seconds} | {alarms} | {seen} |"
