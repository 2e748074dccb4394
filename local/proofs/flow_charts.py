"""The charts that the pages of the demo and of chaos share."""

from local.proofs.history.flow import Flow
from report_page import charts
from report_page.model import Chart

PRODUCED, ARCHIVED, INDEXED = "produced (in Kafka)", "archived (in the bucket)", "indexed (in Logz.io)"
WAYS = {
    "archived": "from Kafka to the bucket",
    "indexed": "from the bucket to Logz.io",
    "whole": "from Kafka to Logz.io",
}


def flow_charts(flow: Flow | None) -> tuple[Chart, ...]:
    """Events per minute, delays and what waited; none without an event."""
    if flow is None:
        return ()
    delays = {name: getattr(flow.delays, way) for way, name in WAYS.items()}
    return (
        charts.per_minute(
            "Events per minute",
            "Events by the minute in which each place first had them. Times are UTC.",
            flow.first_minute,
            {PRODUCED: flow.produced, ARCHIVED: flow.archived, INDEXED: flow.indexed},
        ),
        charts.delays(
            "Delay",
            "The share of the events that had arrived within a time.",
            {name: seconds for name, seconds in delays.items() if seconds},
        ),
        charts.over_time(
            "Lag of each partition",
            "Events in Kafka that the bucket did not have yet, by partition, at the end of each minute. A stronger "
            "colour means more events; the table has the numbers.",
            flow.first_minute,
            {str(partition): numbers for partition, numbers in flow.waiting.items()},
        ),
    )
