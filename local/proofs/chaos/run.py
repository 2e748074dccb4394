"""Injects one fault after the other while events flow, and measures each."""

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.base import progress
from local.base.files import write_atomically
from local.base.sampling import Sampler
from local.base.waiting import WaitError, wait_until
from local.proofs.chaos import html_page
from local.proofs.chaos.report import Report, Row
from local.proofs.checker import following
from local.proofs.checker.checker import Checker
from local.proofs.client import Feed
from local.proofs.generator.load import steady
from local.proofs.history import acknowledged
from local.proofs.history.history import History
from local.proofs.history.reader import Reader, reading
from local.proofs.nemesis.fault import Fault, Injection, SkippedError, Watch
from local.proofs.nemesis.fleet import COUNT
from local.proofs.nemesis.table import FAULTS
from local.proofs.nemesis.target import Target, relayed
from local.stack import lifecycle
from local.stack.deployment import Mode
from report_page.page import render

_RATE, _SHORT_RATE = 50.0, 10.0
"""Events per second; of the quick faults, which show that nothing is lost, and measure no pause."""

# Kafka's default is 45 s, which is most of the recovery of a row whose JVM died.
_SHORT_SESSION = {"consumer.override.session.timeout.ms": "15000"}

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


def select(names: Sequence[str], *, short: bool, mode: Mode = "standalone") -> list[Fault]:
    """The faults with these names, in the table's order; all of the mode, or its quick ones, without names.

    Raises:
        ValueError: there is no such fault for a stack in this mode.
    """
    faults = [fault for fault in FAULTS if mode in fault.modes]
    if unknown := set(names) - {fault.name for fault in faults}:
        known = ", ".join(fault.name for fault in faults)
        raise ValueError(f"no fault {', '.join(sorted(unknown))} in mode {mode}; there are {known}")
    return [fault for fault in faults if (fault.name in names if names else mode in fault.short or not short)]


def run(faults: Sequence[Fault], state: Path, *, short: bool = False, mode: Mode = "standalone") -> Report:
    """Brings a stack of its own up, injects the faults, and takes it down again.

    In mode standalone it has one VM until a fault makes a fleet; in mode distributed it is a fleet from the start.

    Raises:
        RuntimeError: the stack did not come up.
    """
    changed: dict[str, dict[str, Any]] = {"worker": {"count": COUNT if mode == "distributed" else 1}}
    if short:
        changed["connector"] = {"properties": _SHORT_SESSION}
    with relayed(state, changed, prepared=short, mode=mode, short=short) as target:
        history = History()
        with reading(target.deployment, history) as reader:
            report = _Run(target, history, reader).inject_all(faults)
    if report.exit_code == 0:
        # The logs are worth keeping only if something went wrong.
        lifecycle.end(state)
    report.write(report_file(state))
    write_atomically(page_file(state), render(html_page.page(report, datetime.now(UTC))))
    return report


def report_file(state: Path) -> Path:
    """The report of this stack."""
    return state / "report.json"


def page_file(state: Path) -> Path:
    """The report of this stack as a page."""
    return state / "report.html"


class _Run:
    """The rows of one run, over one history."""

    def __init__(self, target: Target, history: History, reader: Reader) -> None:
        self._target = target
        self._feed = Feed(target.state, steady(_SHORT_RATE if target.short else _RATE))
        self._reader = reader
        self._history = history
        self._checker = Checker(history)
        self._poison: list[str] = []
        self._in_any_form: list[str] = []

    def inject_all(self, faults: Sequence[Fault]) -> Report:
        self._feed.start()
        try:
            if not self._recover(600):
                raise RuntimeError("events did not flow before the first fault")
            # A shortened outage ends before its alarms can see it.
            row = self._row if self._target.short else self._row_with_alarms
            rows = tuple(row(fault) for fault in faults)
        finally:
            self._feed.stop()
        return self._report(rows)

    def _row_with_alarms(self, fault: Fault) -> Row:
        before = self._still_firing(fault.alarms)
        # What another row, or the start of the stack, has left is not of this fault.
        of_others = self._target.firing() - set(fault.alarms)
        with Sampler(self._target.firing) as sampler:
            row = self._row(fault)
        if row.skipped is not None:
            return row
        after = self._still_firing(fault.alarms)
        unproved = before | (set(fault.alarms) - sampler.seen) | after
        row = replace(row, alarms=tuple(sorted(sampler.seen - of_others)), unproved=tuple(sorted(unproved)))
        progress.say(f"  {fault.name}: alarms, had it lasted: {row.shown_alarms}")
        return row

    def _still_firing(self, alarms: Sequence[str]) -> set[str]:
        """Those of the alarms that would fire, after some time for the metrics to be good again."""
        with suppress(WaitError):
            wait_until(
                lambda: self._target.firing().isdisjoint(alarms), "the fault's alarms would not fire", poll=5
            )
        return set(alarms) & self._target.firing()

    def _row(self, fault: Fault) -> Row:
        progress.say(f"- {fault.name}: {fault.text} ...")
        began, produced = time.time(), len(self._feed.ids())
        try:
            injection, failed = self._inject(fault)
        except SkippedError as reason:
            progress.say(f"  not run: {reason}")
            return Row(fault.name, fault.text, 0, 0, 0, 0, None, "", skipped=str(reason))
        if fault.new_partitions:
            # The feed spreads over the partitions that it found at its start.
            self._feed.stop()
            self._feed.start()
        progress.say("  healed; waiting until nothing is behind")
        self._poison += injection.ids
        self._in_any_form += [*injection.unindexable, *injection.altered]
        wanted, seconds = self._wait_for_recovery(fault)
        losses = self._checker.new_losses(wanted)
        waits = {} if injection.watch is None else self._waits(injection.watch)
        seen = (fault.seen, injection.note, waited(waits), summary(self._target.journal(began)))
        row = Row(
            name=fault.name,
            fault=fault.text,
            produced=len(self._feed.ids()) - produced,
            lost_in_bucket=losses.lost_in_bucket + injection.silent,
            lost_in_logzio=losses.lost_in_logzio + injection.silent,
            duplicates=losses.duplicates,
            # A fault that was not injected proves nothing.
            seconds=None if failed else seconds,
            seen="; ".join(part for part in seen if part),
            unrepresentable=injection.unrepresentable,
            waits=waits,
        )
        shown = "NOT RECOVERED" if seconds is None else f"recovered after {seconds:.1f} s"
        lost = f"lost in the bucket {row.lost_in_bucket}, in Logz.io {row.lost_in_logzio}"
        progress.say(f"  {fault.name}: {shown}, {lost}, duplicates {row.duplicates}; {row.seen}")
        self._undo_preparation(fault)
        return row

    def _inject(self, fault: Fault) -> tuple[Injection, bool]:
        """Injects the fault; also whether that failed.

        Raises:
            SkippedError: it cannot be injected here.
        """
        try:
            return fault.inject(self._target) or Injection(), False
        except SkippedError:
            raise
        except Exception as error:  # noqa: BLE001  # one fault that cannot be injected must not end the others
            progress.say(f"  failed: {error}")
            self._target.heal_everything()
            return Injection(note=f"THE FAULT ITSELF FAILED: {error}"), True

    def _wait_for_recovery(self, fault: Fault) -> tuple[list[str], float | None]:
        """The events that this row may have lost, and the seconds until they were there; None: they were not."""
        wanted = self._wanted()
        seconds = self._recover(fault.patience)
        if seconds is None:
            wanted = self._wanted()
            self._rescue()
        else:
            # Copies that are still on their way belong to this row.
            self._recover(600)
        return wanted, seconds

    def _undo_preparation(self, fault: Fault) -> None:
        try:
            fault.afterwards(self._target)
        except RuntimeError as error:
            # The row is complete; the next one shows whether it matters.
            progress.say(f"  afterwards: {error}")

    def _waits(self, watch: Watch) -> dict[str, float]:
        waits = self._history.longest_waits(watch.since)
        return {
            group: round(max((waits.get(partition, 0.0) for partition in partitions), default=0.0), 1)
            for group, partitions in watch.groups.items()
            if partitions
        }

    def _wanted(self) -> list[str]:
        return [*self._feed.ids(), *self._poison]

    def _recover(self, patience: float, *, flowing: bool = True) -> float | None:
        """Seconds until nothing is missing from either place; None if `patience` was too short.

        It waits for what was produced by now and, if events are `flowing`, for the next ones: while the broker is gone
        there are none, and nothing is behind. It does not wait again for what an earlier row lost. What counts is when
        the last copy arrived, not when it was read.
        """
        healed_at, healed = time.time(), time.monotonic()
        reported = healed
        accepted = len(self._feed.ids())
        wanted = set(self._wanted()) - self._checker.lost
        behind = wanted
        while True:
            if flowing and len(self._feed.ids()) > accepted:
                flowing = False
                behind = wanted = set(self._wanted()) - self._checker.lost
            self._reader.read_delivered()
            behind = self._checker.undelivered(behind)
            if not behind and not flowing:
                # What is delivered is archived; read all the same, for the originals and the duplicates.
                self._reader.try_to_read()
                if not self._checker.absent(wanted):
                    return max(0.0, self._checker.complete_at(wanted) - healed_at)
            now = time.monotonic()
            if now - healed > patience:
                self._reader.try_to_read()
                return None
            if now - reported > _PROGRESS_SECONDS:
                reported = now
                progress.say(f"  {now - healed:.0f} s: {len(behind)} events are behind")
            # Each look reads all that is new in the bucket and in Logz.io, which takes CPU from what is looked at.
            time.sleep(1)

    def _rescue(self) -> None:
        """Does what a person would do, so that a row that does not recover does not spoil the next ones."""
        self._target.heal_everything()
        # A VM that does not run has no service; the next row says so.
        with suppress(RuntimeError):
            self._target.restart_service()
        recovered = self._recover(600)
        shown = "goes on" if recovered is not None else "STILL DOES NOT MOVE"
        progress.say(f"  restarted by hand: the pipeline {shown}")

    def _report(self, rows: tuple[Row, ...]) -> Report:
        self._recover(600, flowing=False)
        following.wait_until_complete(self._reader, self._checker, still_seconds=120)
        result = self._checker.result(
            acknowledged.read(self._target.state), in_any_form=frozenset(self._in_any_form)
        )
        return Report(
            rows,
            result.produced,
            missing_at_the_end=result.missing + result.index_failures,
            originals_missing=result.originals_missing,
            mode="distributed" if self._target.is_distributed else "standalone",
            details=tuple(result.explain()),
            flow=result.flow,
        )


def summary(journal: Sequence[str]) -> str:
    """How often the journal of a row has each mark, for those that it has."""
    found = {what: sum(bool(re.search(mark, line)) for line in journal) for what, mark in _MARKS.items()}
    return ", ".join(f"{what}: {count}" for what, count in found.items() if count)


def waited(waits: Mapping[str, float]) -> str:
    """How long events waited for their object, in words; empty without a figure."""
    longest = ", ".join(f"{seconds:.0f} s in a partition {group}" for group, seconds in waits.items())
    return longest and f"longest wait of an event for its object: {longest}"
