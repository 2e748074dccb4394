"""The figures of a run: in a file for machines, as tables for people and for docs/performance.md."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from local.base.files import write_atomically
from local.proofs.bench.figures import FIGURES, Figure, Spread, compare, medians
from local.proofs.bench.goals import DEMO, Goal, sink_goals, stack_goals, time_goals
from local.proofs.bench.machine import Machine
from local.proofs.bench.sink import Sample
from local.proofs.bench.stack import RATE, Round
from local.proofs.bench.variants import DEFAULTS, DEFAULTS_SLOW, VARIANTS, Variant
from report_page.model import Table

COMMAND = "make bench"


@dataclass(frozen=True)
class Report:
    """Every sample of a run, round by round; a part that was not chosen has none.

    `events`: of the backlog. `demo`: seconds of each run of the demo.
    """

    machine: Machine
    events: int
    sink: Sequence[Sequence[Sample]] = ()
    stack: Sequence[Round] = ()
    demo: Sequence[float] = ()

    @property
    def goals(self) -> list[Goal]:
        """Those of the parts that were run."""
        return [
            *(sink_goals(self.sink) if self.sink else ()),
            *(stack_goals(self.stack) if self.stack else ()),
            *time_goals(self.times),
        ]

    @property
    def times(self) -> Mapping[str, Spread]:
        """What took how long, by its name."""
        found = medians([measured.seconds for measured in self.stack]) if self.stack else {}
        return found | (medians([{DEMO: seconds} for seconds in self.demo]) if self.demo else {})

    @property
    def tables(self) -> list[Table]:
        """Those of the parts that were run."""
        return [
            *([self._sink_table()] if self.sink else ()),
            *([self._delay_table()] if self.stack else ()),
            *([self._time_table()] if self.times else ()),
            self._goal_table(),
        ]

    def as_json(self) -> str:
        """One object with everything that was measured."""
        content = {
            "machine": asdict(self.machine),
            "events": self.events,
            "goals": [asdict(goal) for goal in self.goals],
            "sink": [[asdict(sample) for sample in samples] for samples in self.sink],
            "stack": [asdict(measured) for measured in self.stack],
            "demo": list(self.demo),
        }
        return json.dumps(content, indent=2) + "\n"

    def markdown(self) -> str:
        """The text for docs/performance.md."""
        return "\n".join([self.heading, *(f"\n{_markdown(table)}" for table in self.tables)])

    @property
    def heading(self) -> str:
        """When and on what it was measured."""
        parts = {"sink": self.sink, "stack": self.stack, "demo": self.demo}
        rounds = ", ".join(f"{len(found)} of `{name}`" for name, found in parts.items() if found)
        return (
            f"`{COMMAND}` on {self.machine.date}, {self.events:,} events; {self.machine}. Rounds: {rounds}."
        )

    def write(self, folder: Path) -> None:
        """`report.json` and `report.md`; the whole content of each appears at once."""
        write_atomically(folder / "report.json", self.as_json())
        write_atomically(folder / "report.md", self.markdown() + "\n")

    def _sink_table(self) -> Table:
        return Table(
            "What the sink carries",
            ("settings", *(figure.name for figure in FIGURES)),
            tuple(self._sink_row(variant) for variant in VARIANTS),
            text="In brackets: the ratio to this project's defaults with the same S3, of samples of the same round.",
        )

    def _sink_row(self, variant: Variant) -> tuple[str, ...]:
        base = DEFAULTS_SLOW if variant.delay else DEFAULTS
        return (variant.title, *(self._cell(figure, variant, base) for figure in FIGURES))

    def _cell(self, figure: Figure, variant: Variant, base: Variant) -> str:
        found = compare(self.sink, figure, variant.title, base.title)
        return "-" if found is None else f"{found.value:{figure.form}} ({found.ratio:.2g})"

    def _delay_table(self) -> Table:
        rows = []
        for delays in zip(*(measured.delays for measured in self.stack), strict=True):
            for name in ("archived", "indexed"):
                waits = [asdict(getattr(found, name)) for found in delays]
                cells = (f"{spread.median:.1f}" for spread in medians(waits).values())
                place = "the bucket" if name == "archived" else "Logz.io"
                rows.append((f"rotation {delays[0].rotation} s, to {place}", *cells))
        return Table(
            "How long events wait",
            ("from Kafka", "half of them (s)", "95 % (s)", "the last one (s)"),
            tuple(rows),
            text=f"{RATE:.0f} events a second. S3 gives the time of an object in whole seconds.",
        )

    def _time_table(self) -> Table:
        rows = (
            (name, f"{found.median:.1f}", f"{found.shortest:.1f}", f"{found.longest:.1f}")
            for name, found in self.times.items()
        )
        columns = ("what", "median (s)", "shortest (s)", "longest (s)")
        return Table("What takes how long", columns, tuple(rows))

    def _goal_table(self) -> Table:
        rows = ((goal.text, goal.goal, goal.measured, goal.verdict) for goal in self.goals)
        return Table("Goals", ("what", "goal", "measured", "verdict"), tuple(rows))


def _markdown(table: Table) -> str:
    lines = [
        f"### {table.title}\n",
        *([f"{table.text}\n"] if table.text else []),
        f"| {' | '.join(table.columns)} |",
        "|---|" + (len(table.columns) - 1) * "---:|",
        *(f"| {' | '.join(row)} |" for row in table.rows),
    ]
    return "\n".join(lines)
