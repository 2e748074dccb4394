"""Measures the chosen parts, round by round, and writes the report."""

import json
import os
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from components.settings import Connector
from local.base import processes, progress
from local.base.files import write_atomically
from local.proofs.bench import html_page, sink, stack
from local.proofs.bench.machine import this_machine
from local.proofs.bench.parts import Part
from local.proofs.bench.report import Report
from local.proofs.bench.site import BenchError
from local.proofs.demo import report as demo_report
from local.proofs.demo import run as demo
from local.proofs.generator.events import events
from local.stack import setup
from local.systems.connector import archive
from report_page.page import render

_SEED = 1
_DEMO_EVENTS = 20_000


def run(parts: Collection[Part], count: int, rounds: int, minutes: float, state: Path) -> Report:
    """Measures, and writes `report.json`, `report.md` and `report.html` into `state`.

    The parts take turns in each round, so that what else the machine does hits all of them.

    Args:
        count: events of the backlog, about.
        minutes: for how long events flow to measure delays.

    Raises:
        RuntimeError: a part did not come up, or events did not arrive.
    """
    override = os.environ.get("CONNECTOR_ARCHIVE")
    setup.prepare(Connector().version)
    connector = archive.archive(Connector().version, override)
    machine = this_machine(connector.name if override else "stand-in")
    values: list[bytes] = []
    if Part.SINK in parts:
        with progress.step(f"making {count:,} events"):
            values = [event.encoded() for event in events(count, _SEED, datetime.now(UTC))]
    report = Report(machine, count)
    for number in range(1, rounds + 1):
        progress.say(f"- round {number} of {rounds}")
        if Part.SINK in parts:
            samples = sink.measure(state / Part.SINK, connector, values, number)
            report = _kept(replace(report, sink=[*report.sink, samples]), state)
        if Part.STACK in parts:
            measured = stack.measure(state / Part.STACK, minutes)
            report = _kept(replace(report, stack=[*report.stack, measured]), state)
        if Part.DEMO in parts:
            report = _kept(replace(report, demo=[*report.demo, _demo(state / Part.DEMO)]), state)
    return report


def page_file(state: Path) -> Path:
    """The report as a page."""
    return state / "report.html"


def _demo(state: Path) -> float:
    """Seconds of the demo.

    Raises:
        BenchError: it did not end well.
    """
    try:
        exit_code = demo.run(_DEMO_EVENTS, state=state)
    finally:
        processes.stop_all(state)
    if exit_code:
        raise BenchError("the demo did not end well")
    figures = json.loads(demo_report.report_file(state).read_text())
    return round(float(figures["seconds"]["total"]), 1)


def _kept(report: Report, state: Path) -> Report:
    """The report, once it is written: a run takes most of an hour, and a later part may fail."""
    report.write(state)
    write_atomically(page_file(state), render(html_page.page(report, datetime.now(UTC))))
    return report
