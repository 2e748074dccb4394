"""The figures of a run: in a file for machines, as a table for people."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local.base import terminal
from local.base.files import write_atomically
from local.proofs.bench.backlog import Backlog
from local.proofs.bench.machine import Machine
from local.proofs.bench.workers.figures import CONFIGURATIONS, Sample, figures

_COLUMNS = {
    "events_per_second": "events/s",
    "cpu_seconds": "CPU-seconds, all workers",
    "events_per_cpu_second": "events per CPU-second",
    "peak_mb": "peak MB of a worker",
    "start_cpu_seconds": "CPU-seconds of a worker's start",
}


@dataclass(frozen=True)
class Report:
    """Every sample of a run, in the order in which they were taken."""

    machine: Machine
    backlog: Backlog
    samples: Sequence[Sample]

    def as_json(self) -> str:
        """One object: the machine, the backlog, the figures of each configuration with ratios to the first, samples."""
        medians = figures(self.samples)
        base = medians[CONFIGURATIONS[0]]
        return json.dumps(
            {
                "machine": asdict(self.machine),
                "backlog": {**asdict(self.backlog), "events": self.backlog.events},
                "configurations": {
                    configuration.name: {**asdict(found), "ratios": found.ratios(base)}
                    for configuration, found in medians.items()
                },
                "samples": [
                    {**asdict(taken), "configuration": taken.configuration.name} for taken in self.samples
                ],
            },
            indent=2,
        )

    def write(self, file: Path) -> None:
        """The report, and beside it the table for docs/performance.md; the whole content appears at once."""
        write_atomically(file, self.as_json() + "\n")
        write_atomically(file.with_suffix(".md"), self.markdown())

    def markdown(self) -> str:
        """The table as Markdown, with what it was measured on."""
        titles = ["workers x tasks", *_COLUMNS.values()]
        lines = [
            self._heading() + "\n",
            f"| {' | '.join(titles)} |",
            "|---|" + len(_COLUMNS) * "---:|",
            *(f"| {' | '.join(row)} |" for row in self._rows()),
        ]
        return "\n".join(lines) + "\n"

    def table(self) -> Table:
        """A row for each configuration: each figure, with its ratio to the first configuration."""
        made = Table(title="ccloud-logexporter: workers", caption=self._heading())
        made.add_column("workers x tasks")
        for title in _COLUMNS.values():
            made.add_column(title, justify="right")
        for row in self._rows():
            made.add_row(*row)
        return made

    def _heading(self) -> str:
        machine = self.machine
        return (
            f"{self.backlog.events:,} events of {self.backlog.partitions} partitions on {machine.date}; {machine}; "
            f"in brackets the ratio to {CONFIGURATIONS[0].name}."
        )

    def _rows(self) -> list[list[str]]:
        medians = figures(self.samples)
        base = medians[CONFIGURATIONS[0]]
        rows = []
        for configuration, found in medians.items():
            values, ratios = asdict(found), found.ratios(base)
            cells = (f"{values[name]:,} ({ratios[name]:.2f})" for name in _COLUMNS)
            rows.append([configuration.name, *cells])
        return rows

    def print(self, console: Console | None = None) -> None:
        """Prints the table."""
        (console or terminal.console()).print(self.table())


def report_file(state: Path) -> Path:
    """The report of the runs in this folder."""
    return state / "report.json"
