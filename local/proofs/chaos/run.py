"""Strikes one fault after the other while events flow, and measures each."""

import re
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from local.base import paths, processes, progress
from local.proofs.chaos.faults import FAULTS, Fault
from local.proofs.chaos.feeding import Feed
from local.proofs.chaos.ledger import Books, Ledger, Reader
from local.proofs.chaos.poison import Struck
from local.proofs.chaos.report import Report, Row
from local.proofs.chaos.stage import ChaosError, SkippedError, Stage
from local.proofs.demo import stages
from local.stack import deployment
from local.systems.kafka.relay import Relay

STATE = paths.STATE / "chaos"
RATE = 50.0
"""Events per second."""

_PROGRESS_SECONDS = 15.0

# What the service, systemd and the watchdog write.
_MARKS = {
    "starts of the service by systemd": "Scheduled restart job",
    "task failures": "Task is being killed and will not recover",
    "restarts of the task by the watchdog": "^restarting what failed",
    "restarts of the service by the watchdog": "^restarting the service",
    "heartbeats with TaskRunning 0": '^heartbeat .*"TaskRunning": 0',
    "heartbeats with ClockAheadSeconds": '^heartbeat .*"ClockAheadSeconds": [1-9]',
    "errors logged": "^ERROR",
    "warnings logged": "^WARN",
}


def select(names: Sequence[str], *, short: bool) -> list[Fault]:
    """The faults with these names, in the table's order; all of them, or the quick ones, without names.

    Raises:
        ValueError: there is no such fault.
    """
    if unknown := set(names) - {fault.name for fault in FAULTS}:
        known = ", ".join(fault.name for fault in FAULTS)
        raise ValueError(f"no fault {', '.join(sorted(unknown))}; there are {known}")
    return [fault for fault in FAULTS if (fault.name in names if names else fault.short or not short)]


def run(faults: Sequence[Fault], *, short: bool = False, state: Path = STATE) -> Report:
    """Brings a stack of its own up, strikes, and takes it down again.

    Raises:
        RuntimeError: the stack could not be brought up.
    """
    relay = Relay(processes.free_port(), lambda: int(processes.read(state, "kafka").ready["relayed_port"]))
    with relay:
        try:
            stage = Stage(stages.up(state, relay_port=relay.port), relay, short)
            stages.boot(stage.deployment)
            report = _Run(stage).strike_all(faults)
        finally:
            processes.stop_all(state)
    if report.exit_code == 0:
        # The logs are worth keeping only if something went wrong.
        deployment.end(state)
    report.write(report_file(state))
    return report


def report_file(state: Path) -> Path:
    """Where the report stands."""
    return state / "report.json"


class _Run:
    """The rows of one run, over one ledger."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._feed = Feed(stage.state, RATE)
        self._ledger = Ledger()
        self._books = Books(self._ledger)
        self._reader = Reader(
            stages.bucket(stage.deployment), stages.delivered(stage.deployment), self._ledger
        )
        self._poison: list[str] = []
        self._unindexable: list[str] = []

    def strike_all(self, faults: Sequence[Fault]) -> Report:
        self._feed.start()
        try:
            if not self._recover(600):
                raise ChaosError("events did not flow before the first fault")
            rows = tuple(self._row(fault) for fault in faults)
        finally:
            self._feed.stop()
        return self._report(rows)

    def _row(self, fault: Fault) -> Row:
        progress.say(f"- {fault.name}: {fault.text} ...")
        began, produced = time.time(), len(self._feed.ids())
        failed = False
        try:
            struck = fault.strike(self._stage) or Struck()
        except SkippedError as reason:
            progress.say(f"  not run: {reason}")
            return Row(fault.name, fault.text, 0, 0, 0, 0, None, "", skipped=str(reason))
        except Exception as error:  # noqa: BLE001  # one fault that cannot be injected must not end the others
            progress.say(f"  failed: {error}")
            self._heal_everything()
            failed, struck = True, Struck(note=f"THE FAULT ITSELF FAILED: {error}")
        if fault.new_partitions:
            # The feed spreads over the partitions that it found at its start.
            self._feed.stop()
            self._feed.start()
        progress.say("  healed; waiting until nothing is behind")
        self._poison += struck.ids
        self._unindexable += struck.unindexable
        wanted = self._wanted()
        seconds = self._recover(fault.patience)
        if seconds is None:
            wanted = self._wanted()
            self._rescue()
        else:
            # Copies that are still on their way belong to this row, too.
            self._recover(600)
        account = self._books.close(wanted)
        row = Row(
            name=fault.name,
            fault=fault.text,
            produced=len(self._feed.ids()) - produced,
            lost_in_bucket=account.lost_in_bucket + struck.silent,
            lost_in_logzio=account.lost_in_logzio + struck.silent,
            duplicates=account.duplicates,
            # A fault that was not injected proves nothing.
            seconds=None if failed else seconds,
            seen="; ".join(part for part in (fault.seen, struck.note, self._observed(began)) if part),
            unrepresentable=struck.unrepresentable,
        )
        shown = "NOT RECOVERED" if seconds is None else f"recovered after {seconds:.1f} s"
        lost = f"lost in the bucket {row.lost_in_bucket}, in Logz.io {row.lost_in_logzio}"
        progress.say(f"  {fault.name}: {shown}, {lost}, duplicates {row.duplicates}; {row.seen}")
        try:
            fault.afterwards(self._stage)
        except RuntimeError as error:
            # The row stands; the next one shows whether it matters.
            progress.say(f"  afterwards: {error}")
        return row

    def _wanted(self) -> list[str]:
        return [*self._feed.ids(), *self._poison]

    def _recover(self, patience: float, *, flowing: bool = True) -> float | None:
        """Seconds until nothing stays away from both places; None if `patience` was too short.

        That is what was produced by now and, if events are `flowing`, the next ones: while the broker is gone there
        are none, and nothing is behind. What an earlier row lost is not waited for again.
        """
        healed = said = time.monotonic()
        accepted = len(self._feed.ids())
        wanted = set(self._wanted()) - self._books.lost
        behind = wanted
        while True:
            if flowing and len(self._feed.ids()) > accepted:
                flowing = False
                behind = wanted = set(self._wanted()) - self._books.lost
            self._reader.read_delivered()
            behind = self._ledger.undelivered(behind)
            if not behind and not flowing:
                # What is delivered is archived; counted all the same, and the duplicates with it.
                self._reader.read_bucket()
                if not self._ledger.absent(wanted):
                    return time.monotonic() - healed
            now = time.monotonic()
            if now - healed > patience:
                self._reader.read_bucket()
                return None
            if now - said > _PROGRESS_SECONDS:
                said = now
                progress.say(f"  {now - healed:.0f} s: {len(behind)} events are behind")
            time.sleep(0.5)

    def _observed(self, began: float) -> str:
        return summary(self._stage.journal(began))

    def _heal_everything(self) -> None:
        self._stage.heal_s3()
        self._stage.fail_logzio(down=False)
        self._stage.pass_over(on=False)
        self._stage.silence_kafka(silent=False)
        if not processes.is_running(self._stage.state, "kafka"):
            self._stage.start_broker()
        self._stage.refuse_commits(refused=False)

    def _rescue(self) -> None:
        """A row that does not recover must not spoil the next ones: what a person would do."""
        self._heal_everything()
        # A VM that does not run has no service; the next row says so.
        with suppress(RuntimeError):
            self._stage.restart_service()
        recovered = self._recover(600)
        shown = "goes on" if recovered is not None else "STILL STANDS STILL"
        progress.say(f"  restarted by hand: the pipeline {shown}")

    def _report(self, rows: tuple[Row, ...]) -> Report:
        self._recover(600, flowing=False)
        result = stages.wait_until_complete(self._stage.deployment, still_seconds=120)
        poisoned = sum(event.id in self._poison for event in result.first_missing)
        marked = sum(failure.id in self._unindexable for failure in result.first_failures)
        return Report(
            rows,
            result.produced,
            missing_at_the_end=result.missing - poisoned + result.index_failures - marked,
            originals_missing=result.originals_missing,
            details=tuple(result.explain()),
        )


def summary(journal: Sequence[str]) -> str:
    """What the journal of a row comes to."""
    found = {what: sum(bool(re.search(mark, line)) for line in journal) for what, mark in _MARKS.items()}
    return ", ".join(f"{what}: {count}" for what, count in found.items() if count)
