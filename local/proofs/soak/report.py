"""The record of a soak: its plan, what was done, what each quiet point found."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local.base import terminal
from local.base.files import write_atomically
from local.proofs.checker.promise import Violation
from local.proofs.history.flow import Flow
from local.proofs.soak.kinds import KINDS
from local.proofs.soak.plan import Operation, Plan


@dataclass(frozen=True)
class Done:
    """An operation that was carried out.

    Attributes:
        step: its number in the plan.
        at: seconds from the first event.
        error: why it failed; None if it did not.
    """

    step: int
    operation: Operation
    at: float
    seconds: float
    note: str
    error: str | None


@dataclass(frozen=True)
class Quiet:
    """A quiet point.

    Attributes:
        at: seconds from the first event.
        seconds: until nothing was behind any more, or nothing moved.
        events: that Kafka had accepted so far.
        duplicates: copies beyond the first so far.
        violations: of the promise.
    """

    at: float
    seconds: float
    events: int
    duplicates: int
    violations: tuple[Violation, ...]


@dataclass
class Record:
    """Grows as the run goes on. `seconds`: from the first event to the last quiet point."""

    plan: Plan
    done: list[Done] = field(default_factory=list)
    quiet: list[Quiet] = field(default_factory=list)
    left_behind: list[str] | None = None
    """What `pulumi destroy` left; None if it was not run."""
    objects: int = 0
    seconds: float = 0.0
    flow: Flow | None = None

    @property
    def events(self) -> int:
        """That Kafka accepted."""
        return max((point.events for point in self.quiet), default=0)

    def violations(self) -> list[Violation]:
        """All of them; an operation that failed is one."""
        failed = [
            Violation(f"operation {done.operation.kind} failed", done.error)
            for done in self.done
            if done.error is not None
        ]
        left = [Violation("left behind", thing) for thing in self.left_behind or ()]
        return [*failed, *(violation for point in self.quiet for violation in point.violations), *left]

    def rules(self) -> set[str]:
        """Those that were broken."""
        return {violation.rule for violation in self.violations()}

    @property
    def exit_code(self) -> int:
        """0 only if the whole plan was carried out, nothing was violated, and `destroy` left nothing."""
        whole = len(self.quiet) == sum(not step.operations for step in self.plan.steps)
        return 0 if whole and self.left_behind == [] and not self.violations() else 1

    def write(self, file: Path) -> None:
        """One JSON object; `plan.read` takes the plan from it."""
        document = {
            **asdict(self),
            "events": self.events,
            "violations": [asdict(violation) for violation in self.violations()],
            "exit_code": self.exit_code,
        }
        write_atomically(file, json.dumps(document, indent=2) + "\n")

    def print(self, console: Console | None = None) -> None:
        """How often each operation was done, each quiet point, and each violation."""
        console = console or terminal.console()
        console.print(_operations(self.done))
        console.print(_quiet_points(self.quiet))
        left = "not run" if self.left_behind is None else f"{len(self.left_behind)} things left behind"
        console.print(
            f"seed {self.plan.seed}: {self.events:,} events in {self.seconds / 60:.0f} minutes, "
            f"{self.objects:,} objects, {len(self.done)} operations; pulumi destroy: {left}; "
            f"{len(self.violations())} violations"
        )
        for violation in self.violations():
            console.print(f"  {violation.rule}: {violation.text}", markup=False)


def _operations(done: list[Done]) -> Table:
    made = Table(title="ccloud-logexporter: soak")
    made.add_column("operation")
    for figure in ("times", "failed", "longest, s"):
        made.add_column(figure, justify="right")
    counted = Counter(known.operation.kind for known in done)
    for kind, count in counted.items():
        own = [known for known in done if known.operation.kind == kind]
        failed = sum(known.error is not None for known in own)
        longest = max(known.seconds for known in own)
        made.add_row(f"{kind}: {KINDS[kind].text}", str(count), str(failed), f"{longest:.0f}")
    return made


def _quiet_points(points: list[Quiet]) -> Table:
    made = Table()
    for figure in ("quiet point, min", "settled after, s", "events", "duplicates", "violations"):
        made.add_column(figure, justify="right")
    for point in points:
        made.add_row(
            f"{point.at / 60:.1f}",
            f"{point.seconds:.0f}",
            f"{point.events:,}",
            f"{point.duplicates:,}",
            str(len(point.violations)),
        )
    return made
