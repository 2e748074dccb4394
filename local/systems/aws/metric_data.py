"""The data of CloudWatch's metrics as they were put.

moto's GetMetricStatistics gives, without dimensions, the data of metrics with dimensions, too, and begins the periods at
the first datum.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.models import MetricDatum, cloudwatch_backends


def read(since: float) -> list[dict[str, Any]]:
    """namespace, metric, dimensions, unit, at (epoch seconds) and value of each datum, in each account and region."""
    found = [
        {
            "namespace": datum.namespace,
            "metric": datum.name,
            "dimensions": {dimension.name: dimension.value for dimension in datum.dimensions},
            "unit": datum.unit,
            "at": _seconds(datum.timestamp),
            "value": datum.value,
        }
        for datum in _data()
    ]
    return [datum for datum in found if datum["at"] >= since]


def _data() -> Iterator[MetricDatum]:
    for account in list(cloudwatch_backends.values()):
        for backend in list(account.values()):
            # Nobody here puts sets of statistics.
            yield from (datum for datum in list(backend.metric_data) if isinstance(datum, MetricDatum))


def _seconds(timestamp: datetime) -> float:
    # moto's own times have no zone.
    return (timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)).timestamp()
