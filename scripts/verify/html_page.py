"""Puts a report on one self-contained HTML page. It shows no event contents and no ids of events."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from components.logzio import redaction
from report_page import charts
from report_page.charts import Bar
from report_page.model import Chart, Hop, Message, Page, State, Table
from scripts.verify import evaluate, output
from scripts.verify.evaluate import exit_code
from scripts.verify.model import ChainReport, Finding, Level, PartitionReport, RegistrationState, Report

_STATES = {
    Level.BROKEN: State.BROKEN,
    Level.UNKNOWN: State.UNKNOWN,
    Level.WAITING: State.WAITING,
    Level.NOTE: State.FINE,
}
_WORST_FIRST = (State.BROKEN, State.UNKNOWN, State.WAITING, State.FINE)
_VERDICTS = {
    0: (State.FINE, "nothing is broken between Kafka and Logz.io."),
    1: (State.BROKEN, "something is broken between Kafka and Logz.io."),
    2: (State.UNKNOWN, "nothing that was checked is broken, but something could not be checked."),
}


def page(report: Report, findings: Sequence[Finding]) -> Page:
    """The page of a report and its findings."""
    state, verdict = _VERDICTS[exit_code(findings)]
    events = next((chain for chain in report.chains if chain.chain.delivered), None)
    partitions = events.partitions if events is not None else ()
    return Page(
        title=f"ccloud-logexporter: stack {report.stack}",
        at=report.at,
        state=state,
        verdict=f"{verdict} Objects of {report.days:g} days were checked.",
        chain=_chain(report, findings, partitions),
        messages=tuple(_message(finding) for finding in findings),
        charts=tuple(_charts(events)) if events is not None and partitions else (),
        tables=tuple(_table(report, chain) for chain in report.chains),
    )


def _chain(
    report: Report, findings: Sequence[Finding], partitions: Sequence[PartitionReport]
) -> tuple[Hop, ...]:
    positions = [partition.position for partition in partitions if partition.position is not None]
    lag = sum(position.lag for position in positions)
    fine = sum(registration.state is RegistrationState.FINE for registration in report.registrations)
    behind = sum(partition.behind for partition in partitions)
    unread = sum(unread.missing for partition in partitions for unread in partition.unread)
    index = report.index
    return (
        Hop(
            "Kafka",
            _worst(findings, evaluate.KAFKA),
            f"{lag:,} offsets wait" if positions else "-",
            (f"in {len(partitions)} partitions",),
        ),
        Hop(
            "S3 bucket",
            _worst(findings, evaluate.BUCKET),
            f"{sum(partition.objects for partition in partitions):,} objects",
        ),
        Hop(
            "Registrations",
            _worst(findings, evaluate.REGISTRATION) if report.registrations else State.UNKNOWN,
            f"{fine} of {len(report.registrations)}" if report.registrations else "-",
            ("as they should be",) if report.registrations else (),
        ),
        Hop(
            "Logz.io",
            _worst(findings, evaluate.LOGZIO),
            f"{behind:,} objects behind",
            (f"{unread:,} events in unread objects are missing",),
        ),
        Hop(
            "Index",
            _worst(findings, evaluate.INDEX) if index is not None else State.UNKNOWN,
            "-" if index is None else f"{index.ours:,} failures",
            () if index is None else ("of events of the audit log",),
        ),
    )


def _worst(findings: Iterable[Finding], hop: str) -> State:
    """The worst state that a finding gives a hop."""
    states = {_STATES[finding.level] for finding in findings if _hop(finding) == hop}
    return next((state for state in _WORST_FIRST if state in states), State.FINE)


def _hop(finding: Finding) -> str:
    """What could not be checked has a name of its own: a group in Kafka, a partition in the bucket, or Logz.io."""
    if finding.level is not Level.UNKNOWN:
        return finding.hop
    known = (hop for hop in (evaluate.KAFKA, evaluate.LOGZIO) if finding.hop.startswith(hop))
    return next(known, evaluate.BUCKET)


def _message(finding: Finding) -> Message:
    text = finding.text
    if finding.hop == evaluate.INDEX and finding.level is Level.BROKEN:
        # Logz.io's reasons may quote a field's value.
        text = "events of the audit log could not be indexed by their fields; the terminal has the reasons"
    return Message(_STATES[finding.level], redaction.clean(f"{finding.hop}: {text}"), finding.section)


def _charts(events: ChainReport) -> Iterator[Chart]:
    yield _bars(
        "Lag of each partition",
        "Offsets that the consumer group has not committed: events that are not in the bucket yet, and some without an "
        "event.",
        "offsets",
        {
            _partition(events, partition): partition.position.lag if partition.position else None
            for partition in events.partitions
        },
    )
    if any(partition.behind for partition in events.partitions):
        yield _bars(
            "Objects that Logz.io has yet to read",
            "Objects after the last one that was found in Logz.io.",
            "objects",
            {_partition(events, partition): partition.behind for partition in events.partitions},
        )
    taken = {
        _partition(events, partition): seconds
        for partition in events.partitions
        if (seconds := _seconds_to_archive(partition)) is not None
    }
    if taken:
        yield _bars(
            "Delay from an event to the bucket",
            "Of the last event of each partition's newest object: from the event's own time to that object's.",
            "delay",
            taken,
            are_seconds=True,
        )


def _bars(
    title: str, text: str, unit: str, values: Mapping[str, float | None], *, are_seconds: bool = False
) -> Chart:
    """The largest values, if there are more than a person would look at; what was not checked counts as large."""
    largest = sorted(values, key=lambda name: (values[name] is None, values[name] or 0), reverse=True)
    shown = set(largest[: output.MOST_ROWS])
    if len(values) > len(shown):
        text += f" The {len(shown)} partitions with the most are shown, of {len(values)}."
    bars = [
        Bar(name, value, _number(value, are_seconds=are_seconds), State.WAITING)
        for name, value in values.items()
        if name in shown
    ]
    return charts.bars(title, text, bars, columns=("partition", unit), are_seconds=are_seconds)


def _number(value: float | None, *, are_seconds: bool) -> str:
    if value is None:
        return "not checked"
    return charts.seconds_text(value) if are_seconds else f"{value:,}"


def _partition(events: ChainReport, partition: PartitionReport) -> str:
    return f"partition {output.name(events, partition)}"


def _seconds_to_archive(partition: PartitionReport) -> float | None:
    if partition.newest is None or partition.newest.last_at is None:
        return None
    # The clock of the event's source may be ahead.
    return max(timedelta(0), partition.newest.modified - partition.newest.last_at).total_seconds()


def _table(report: Report, chain: ChainReport) -> Table:
    rows = tuple(tuple(output.cells(chain, partition, report.at)) for partition in chain.partitions)
    title = f"{chain.chain.name}: group {chain.chain.group}, {chain.chain.folder}/"
    return Table(title, output.columns(chain), rows)
