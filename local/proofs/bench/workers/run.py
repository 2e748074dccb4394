"""Measures each configuration twice, on a broker and an AWS of its own."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from components.settings import Connector
from local.base import java, progress
from local.proofs.bench.backlog import Backlog, backlog
from local.proofs.bench.machine import this_machine
from local.proofs.bench.site import Setup, Site, jvm_options, serving
from local.proofs.bench.workers.figures import CONFIGURATIONS, Configuration, Sample, order, sample
from local.proofs.bench.workers.report import Report, report_file
from local.proofs.generator.events import events
from local.systems.connector import archive
from local.systems.kafka import client

_SEED = 1


def run(count: int, state: Path) -> Report:
    """Starts broker and AWS, measures, and ends both; writes and returns the report.

    `count`: events of the backlog; about so many, see `backlog`.

    Raises:
        RuntimeError: a part did not come up, or a worker did not archive the backlog.
    """
    connector = archive.archive(Connector().version, os.environ.get("CONNECTOR_ARCHIVE"))
    machine = this_machine("stand-in" if "CONNECTOR_ARCHIVE" not in os.environ else connector.name)
    amount = backlog(count, client.PARTITIONS, Connector().flush_size)
    with progress.step(f"making {amount.events:,} events"):
        values = [event.encoded() for event in events(amount.events, _SEED, datetime.now(UTC))]
    with serving(state, connector, values) as site:
        samples = _measure(site, amount)
    report = Report(machine, amount, samples)
    report.write(report_file(state))
    return report


def _measure(site: Site, amount: Backlog) -> Sequence[Sample]:
    with progress.step("a first run, which does not count: broker and AWS warm up"):
        _catch_up(site, amount, CONFIGURATIONS[0], 0)
    samples = []
    for number, configuration in enumerate(order(), start=1):
        progress.say(f"- {configuration.name} (workers x tasks), run {number} of {len(order())} ...")
        taken = _catch_up(site, amount, configuration, number)
        progress.say(
            f"  {taken.seconds:.1f} s, {taken.events / taken.seconds:,.0f} events/s, {taken.cpu_seconds:.1f} "
            f"CPU-seconds, peak MB {', '.join(f'{peak:.0f}' for peak in taken.peak_mb)}"
        )
        samples.append(taken)
    return samples


def _catch_up(site: Site, amount: Backlog, configuration: Configuration, attempt: int) -> Sample:
    setup = Setup(
        workers=configuration.workers,
        tasks=configuration.tasks,
        settings={"archive": {"originals": False}},
        options=lambda config: [*jvm_options(config), java.FIRST_COMPILER_ONLY],
    )
    name = f"bench-{configuration.workers}x{configuration.tasks}-{attempt}"
    return sample(configuration, site.catch_up(name, setup, amount))
