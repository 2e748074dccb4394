"""The table of `make chaos`: figures in a file for machines, rows for people."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local.base import terminal
from local.base.files import write_atomically
from local.proofs.history.flow import Flow
from local.stack.deployment import Mode

DUPLICATES = (
    "Duplicates come from objects that were complete when the fault struck, but whose offsets were not committed yet. "
    "Offsets are committed every second, and at each orderly stop. The sink archives the events of these objects again, "
    "with the same `id`."
)


def alarms_text(alarms: Sequence[str], unproved: Sequence[str]) -> str:
    """The alarms of a row in words; a dash for none."""
    failed = f"NOT PROVED: {', '.join(unproved)}" if unproved else ""
    return "; ".join(part for part in (", ".join(alarms), failed) if part) or "-"


@dataclass(frozen=True)
class Row:
    """What one fault did."""

    name: str
    fault: str
    produced: int
    """Events that Kafka accepted from the fault's start until the row was closed."""
    lost_in_bucket: int
    """Events that the bucket, its originals included, does not have, even after a restart of the service by hand."""
    lost_in_logzio: int
    """Events that Logz.io has not indexed, those that the bucket lacks among them."""
    duplicates: int
    """Copies beyond the first that came with this row."""
    seconds: float | None
    """From the end of the fault until all events of before were in both places; None: that never came."""
    seen: str
    """What the person would have seen."""
    unrepresentable: int = 0
    """Records that a JSON archive cannot hold; the log named each, and the originals have it."""
    skipped: str | None = None
    """Why this row was not run."""
    waits: Mapping[str, float] = field(default_factory=dict)
    """Whose partitions -> the longest time from an event's production to its object, in seconds."""
    alarms: tuple[str, ...] = ()
    """Alarms that would have fired if the fault had lasted, by `local.proofs.nemesis.projection`."""
    unproved: tuple[str, ...] = ()
    """Alarms of the fault that would not have fired, or that would have fired before it or after its end."""

    @property
    def ok(self) -> bool:
        """Nothing lost, recovered by itself, and its alarms proved; or not run for a named reason."""
        failed = self.lost_in_bucket or self.lost_in_logzio or self.unproved
        return self.skipped is not None or (not failed and self.seconds is not None)

    @property
    def shown_alarms(self) -> str:
        """As `alarms_text`."""
        return alarms_text(self.alarms, self.unproved)


@dataclass(frozen=True)
class Report:
    """All rows, and the comparison of all values at the end."""

    rows: tuple[Row, ...]
    events: int
    missing_at_the_end: int
    """Events without a right copy in both places, or not indexed, at the end; without those of the poison row."""
    originals_missing: int
    """Records with bytes that no object of originals holds at the end, poison included."""
    mode: Mode = "standalone"
    """The setting `worker.mode` of the stack."""
    details: tuple[str, ...] = ()
    flow: Flow | None = None
    """When the events were where; None without an event."""

    @property
    def exit_code(self) -> int:
        """0 only if there are rows, each is in order, and nothing is missing at the end."""
        missing = self.missing_at_the_end or self.originals_missing
        return 0 if self.rows and all(row.ok for row in self.rows) and not missing else 1

    def write(self, file: Path) -> None:
        """One JSON object."""
        write_atomically(file, json.dumps({**asdict(self), "exit_code": self.exit_code}, indent=2) + "\n")

    def print(self, console: Console | None = None) -> None:
        """The table, and what the checker found at the end."""
        console = console or terminal.console()
        console.print(table(self.rows))
        console.print(
            f"{self.events:,} events in all; missing at the end: {self.missing_at_the_end}, "
            f"originals missing: {self.originals_missing}"
        )
        for line in self.details:
            console.print(f"  {line}", markup=False)


def table(rows: Sequence[Row]) -> Table:
    """One line per fault."""
    made = Table(title="ccloud-logexporter: injected faults", caption=DUPLICATES, show_lines=True)
    made.add_column("fault")
    for figure in ("lost in the bucket", "lost in Logz.io", "duplicates", "seconds to recover"):
        made.add_column(figure, justify="right")
    made.add_column("alarms, had it lasted")
    made.add_column("what the person would have seen")
    for row in rows:
        if row.skipped is not None:
            made.add_row(f"{row.name} {row.fault}", "-", "-", "-", "-", "-", f"not run: {row.skipped}")
            continue
        lost = str(row.lost_in_bucket)
        if row.unrepresentable:
            lost += f" (and {row.unrepresentable} that are in the originals alone)"
        seconds = "not recovered" if row.seconds is None else f"{row.seconds:.0f}"
        figures = (lost, str(row.lost_in_logzio), str(row.duplicates), seconds)
        made.add_row(f"{row.name} {row.fault}", *figures, row.shown_alarms, row.seen)
    return made
