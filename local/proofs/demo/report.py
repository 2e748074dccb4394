"""The demo's report: figures in a file for machines, a table for people."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local.base.files import write_atomically
from local.proofs.checker.checker import Result
from local.proofs.history.flow import Flow
from local.systems.aws import traffic


@dataclass(frozen=True)
class Seconds:
    """How long the steps took; None for one that was not part of this run.

    `up`: with the boot of the VMs. `first_object` and `first_delivered`: from the beginning of `up`.
    """

    tools: float | None = None
    up: float | None = None
    first_object: float | None = None
    first_delivered: float | None = None
    total: float | None = None


@dataclass(frozen=True)
class Report:
    """What a run of the demo showed."""

    events_produced: int
    events_archived: int
    events_delivered: int
    events_indexed: int
    """Events that Logz.io has under their own type, with the right value in every field."""
    index_failures: int
    """Copies in Logz.io that it could not index by their fields."""
    events_missing: int
    """Events without a right copy in the bucket, or without any in Logz.io."""
    events_duplicated: int
    """Copies beyond the first, in the bucket or in Logz.io, whichever has more of an event."""
    events_faulty: int
    """Lines in the bucket or Logz.io that are unreadable, wrong, out of place or were never produced."""
    originals_missing: int
    """Records with bytes that no object of originals holds."""
    objects: int
    """Objects that Logz.io reads."""
    originals_objects: int
    workers: int
    """VMs that archived the events."""
    s3_requests: int
    """Requests of the writer."""
    verify_exit_code: int
    """What `make verify` says of the chain before it is destroyed; 0: nothing is broken."""
    left_behind: int
    """How many things `destroy` left."""
    left_behind_names: tuple[str, ...]
    seconds: Seconds
    flow: Flow | None = None
    """When the events were where; None without an event."""

    @property
    def exit_code(self) -> int:
        """0 only if events flowed, each is kept, archived and indexed, none is wrong, and verify finds no fault."""
        defects = (
            self.events_missing,
            self.index_failures,
            self.originals_missing,
            self.events_faulty,
            self.verify_exit_code,
            self.left_behind,
        )
        is_complete = 0 < self.events_produced <= self.events_indexed
        return 0 if is_complete and not any(defects) else 1

    def write(self, file: Path) -> None:
        """Writes the report as one JSON object; the whole content appears at once."""
        write_atomically(file, json.dumps(asdict(self), indent=2) + "\n")

    def print(self, console: Console | None = None) -> None:
        """Prints the figures as a table and, if there are any, what was left behind."""
        table = Table(title="ccloud-logexporter: the demo", show_header=False)
        table.add_column(style="bold")
        table.add_column(justify="right")
        for figure in fields(self):
            value = getattr(self, figure.name)
            if isinstance(value, int):
                table.add_row(figure.name.replace("_", " "), f"{value:,}")
        table.add_section()
        for step in fields(self.seconds):
            seconds = getattr(self.seconds, step.name)
            shown = "-" if seconds is None else f"{seconds:.1f}"
            table.add_row(f"seconds: {step.name.replace('_', ' ')}", shown)
        console = console or Console()
        console.print(table)
        for line in self.left_behind_names:
            console.print(f"left behind: {line}", markup=False)


def report_file(state: Path) -> Path:
    """The report of this stack."""
    return state / "demo" / "report.json"


def page_file(state: Path) -> Path:
    """The report of this stack as a page."""
    return state / "demo" / "report.html"


def verify_page_file(state: Path) -> Path:
    """The page of `make verify`, from before this stack is destroyed."""
    return state / "demo" / "verify.html"


def from_result(
    result: Result,
    *,
    workers: int,
    s3_requests: int,
    verify_exit_code: int,
    left_behind: list[str],
    seconds: Seconds,
) -> Report:
    """The report of a run whose check ended with `result`."""
    return Report(
        events_produced=result.produced,
        events_archived=result.archived,
        events_delivered=result.delivered,
        events_indexed=result.indexed,
        index_failures=result.index_failures,
        events_missing=result.missing,
        events_duplicated=result.duplicates,
        events_faulty=result.defects,
        originals_missing=result.originals_missing,
        objects=result.objects,
        originals_objects=result.originals_objects,
        workers=workers,
        s3_requests=s3_requests,
        verify_exit_code=verify_exit_code,
        left_behind=len(left_behind),
        left_behind_names=tuple(left_behind),
        seconds=seconds,
        flow=result.flow,
    )


def s3_requests(aws_endpoint: str) -> dict[str, int]:
    """How many S3 requests each IAM user or role has made since the local AWS was started."""
    counted = traffic.counted(aws_endpoint)
    return {principal: sum(by_operation.values()) for principal, by_operation in counted.items()}
