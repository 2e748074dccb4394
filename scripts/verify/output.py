"""Prints a report on one screen, or as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from scripts.verify.evaluate import exit_code, span
from scripts.verify.model import (
    ChainReport,
    Finding,
    Level,
    PartitionReport,
    RegistrationState,
    Report,
    SampledObject,
)

MOST_ROWS = 24
"""Partitions that fit on a screen. If there are more, only those with a problem or a delay are shown."""

_IN_LOGZIO = "its last event in Logz.io"

_STYLES = {Level.BROKEN: "bold red", Level.UNKNOWN: "yellow", Level.WAITING: "cyan", Level.NOTE: "dim"}
_VERDICTS = {
    0: "[bold green]in order",
    1: "[bold red]broken",
    2: "[yellow]in order as far as it could be checked",
}


def show(report: Report, findings: Sequence[Finding], console: Console) -> None:
    """Prints the table of partitions, then the findings."""
    for chain in report.chains:
        # A screen has room for one table, so the originals, which nobody searches, have one only if there is a problem.
        if chain.chain.delivered or any(_is_notable(partition) for partition in chain.partitions):
            console.print(_table(report, chain))
        else:
            name, group = chain.chain.name, chain.chain.group
            console.print(f"{name}: {len(chain.partitions)} partitions archived (group {group})")
    fine = sum(registration.state is RegistrationState.FINE for registration in report.registrations)
    if report.registrations:
        console.print(f"registrations: {fine} of {len(report.registrations)} as they should be")
    if report.index is not None:
        console.print(f"index failures of the audit log in {report.days:g} days: {report.index.ours:,}")
    for finding in findings:
        line = Text(f"{finding.level.value:>10}  ", style=_STYLES[finding.level])
        line.append(f"{finding.hop}: {finding.text}", style="")
        if finding.section:
            line.append(f"  -> {finding.section}", style="bold")
        console.print(line, soft_wrap=True)
    console.print(f"stack {report.stack}: {_VERDICTS[exit_code(findings)]}")


def _table(report: Report, chain: ChainReport) -> Table:
    is_short = chain.chain.delivered and len(chain.partitions) <= MOST_ROWS
    rows = [partition for partition in chain.partitions if is_short or _is_notable(partition)]
    hidden = len(chain.partitions) - len(rows)
    table = Table(
        title=f"stack {report.stack}, {chain.chain.name}: group {chain.chain.group}, {chain.chain.folder}/",
        caption=f"{hidden} partitions without problems are left out" if hidden else None,
    )
    for column in columns(chain):
        table.add_column(column, justify="left" if column == _IN_LOGZIO else "right")
    for partition in rows:
        table.add_row(*cells(chain, partition, report.at))
    return table


def columns(chain: ChainReport) -> tuple[str, ...]:
    """The names of the `cells` of each partition."""
    delivered = (_IN_LOGZIO, "unread") if chain.chain.delivered else ()
    return ("partition", "Kafka", "committed", "waiting", "objects", "newest object", *delivered)


def cells(chain: ChainReport, partition: PartitionReport, now: datetime) -> list[str]:
    """What was seen of a partition, as text."""
    position = partition.position
    if position is None:
        kafka = ["?", "?", "?"]
    else:
        waiting = f"{position.lag:,}" if position.lag else "-"
        if position.waiting is not None:
            waiting += f", {span(now - position.waiting.at)}"
        committed = "-" if position.committed is None else f"{position.committed:,}"
        kafka = [f"{position.end:,}", committed, waiting]
    found = [name(chain, partition), *kafka, f"{partition.objects:,}", _newest(partition.newest, now)]
    if chain.chain.delivered:
        missing = sum(seen.missing for seen in partition.unread)
        found += [_delivered(partition, now), f"{missing:,}" if partition.unread else "-"]
    return found


def name(chain: ChainReport, partition: PartitionReport) -> str:
    """A partition's number, after its topic where the chain has several topics."""
    topics = {partition.topic for partition in chain.partitions}
    return str(partition.partition) if len(topics) == 1 else f"{partition.topic} {partition.partition}"


def _newest(newest: SampledObject | None, now: datetime) -> str:
    if newest is None:
        return "-"
    if newest.last_at is None:
        return f"{span(now - newest.modified)} old"
    # The clock of the event's source may be ahead.
    delay = max(timedelta(0), newest.modified - newest.last_at)
    return f"{span(now - newest.modified)} old, {span(delay)} after its event"


def _delivered(partition: PartitionReport, now: datetime) -> str:
    if partition.newest is None:
        return "-"
    if partition.behind_since is not None:
        return f"no: {partition.behind:,} object(s), since {span(now - partition.behind_since)}"
    return {True: "yes", False: "no", None: "has no id"}[partition.newest.found]


def _is_notable(partition: PartitionReport) -> bool:
    waits = partition.position is None or partition.position.waiting is not None or partition.position.expired
    return bool(
        waits
        or partition.behind
        or partition.unread
        or partition.foreign
        or partition.last_committed_is_archived is False
    )


def as_json(report: Report, findings: Sequence[Finding]) -> str:
    """The report and the findings, times in ISO 8601."""
    content = {
        **asdict(report),
        "findings": [asdict(finding) for finding in findings],
        "exit_code": exit_code(findings),
    }
    return json.dumps(content, indent=2, default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return value.value
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
