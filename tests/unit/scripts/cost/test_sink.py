"""Objects, requests and bytes, against what was measured."""

import json
import zlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from components.settings import Connector
from components.worker.fields import shaped
from local.proofs.generator.events import events
from scripts.cost import sink
from scripts.cost.plan import FLATTENED, Copy, plan_of, the_articles
from tests.unit.scripts.cost.support import WORKLOAD, settings

PLAN = plan_of(settings())
EVENTS, ORIGINALS = PLAN.copies
(ARTICLE,) = the_articles(PLAN).copies


def at(events_per_second: float) -> sink.Workload:
    return replace(WORKLOAD, events_per_second=events_per_second)


def test_the_article_costs_a_request_for_each_event_as_measured() -> None:
    assert sink.requests(ARTICLE, WORKLOAD) == pytest.approx(WORKLOAD.events)
    assert sink.objects(ARTICLE, WORKLOAD) == pytest.approx(WORKLOAD.events / 3)


def test_a_partition_has_one_object_of_three_requests_for_each_rotation() -> None:
    minutes = sink.SECONDS / 60

    assert sink.objects(EVENTS, WORKLOAD) == pytest.approx(12 * minutes)
    assert sink.requests(EVENTS, WORKLOAD) == pytest.approx(3 * 12 * minutes)
    assert sink.requests(ORIGINALS, WORKLOAD) == pytest.approx(3 * 12 * minutes / 10)


def test_a_quiet_partition_has_no_object_in_a_rotation_without_events() -> None:
    hourly = at(1 / 3600)

    assert sink.objects(EVENTS, hourly) == pytest.approx(sink.SECONDS / 3600, rel=0.01)
    assert sink.objects(EVENTS, at(0)) == sink.requests(EVENTS, at(0)) == sink.stored_gb(EVENTS, at(0)) == 0


def test_more_events_than_fit_into_an_object_make_more_objects() -> None:
    # Two full objects and a third one in each rotation of each partition.
    busy = at(12 * 2.5 * EVENTS.flush_size / 60)

    assert sink.objects(EVENTS, busy) == pytest.approx(3 * 12 * sink.SECONDS / 60)


def test_an_object_that_is_larger_than_a_part_costs_a_request_for_each_part() -> None:
    plain = replace(EVENTS, gzip_level=None)
    full = at(12 * EVENTS.flush_size / 60)

    # 5,000 events of 1,810 bytes: 9 MB in parts of 5 MiB.
    assert sink.requests(plain, full) == pytest.approx(4 * sink.objects(plain, full))
    assert sink.requests(EVENTS, full) == pytest.approx(3 * sink.objects(EVENTS, full))


def test_the_bucket_holds_the_events_of_the_retention_but_no_more_than_there_are() -> None:
    month = replace(EVENTS, retention_days=30)
    year = sink.stored_gb(EVENTS, WORKLOAD)

    assert sink.stored_gb(month, WORKLOAD) == pytest.approx(year * 30 / 365)
    assert sink.stored_gb(month, replace(WORKLOAD, age_days=7)) == pytest.approx(year * 7 / 365)


def test_a_quicker_gzip_level_stores_half_as_much_again() -> None:
    quick = replace(EVENTS, gzip_level=1)

    assert sink.stored_gb(quick, WORKLOAD) == pytest.approx(1.5 * sink.stored_gb(EVENTS, WORKLOAD))


def gzipped(records: list[bytes], in_an_object: int) -> float:
    """Mean bytes of a record in gzipped objects of so many."""
    size = 0
    for first in range(0, len(records), in_an_object):
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)
        lines = b"".join(record + b"\n" for record in records[first : first + in_an_object])
        size += len(packer.compress(lines) + packer.flush())
    return size / len(records)


@pytest.mark.parametrize("in_an_object", [5, 25, 250])
@pytest.mark.parametrize("copy", [EVENTS, ORIGINALS], ids=["events", "originals"])
def test_the_size_of_an_archived_event_is_that_of_the_sample_events(copy: Copy, in_an_object: int) -> None:
    sample = [event.encoded() for event in events(1000, 7, datetime(2026, 11, 26, tzinfo=UTC))]
    archived = [shape(record) for record in sample] if copy is EVENTS else sample
    mean = sum(map(len, sample)) / len(sample)
    # As many events in a rotation of a partition.
    rate = in_an_object * copy.partitions / (copy.rotation_seconds or 1)

    estimated = sink.bytes_of_an_event(copy, replace(at(rate), event_bytes=mean))
    assert estimated == pytest.approx(gzipped(archived, in_an_object), rel=0.25)


def test_flattened_sample_events_are_as_much_longer_as_the_estimate_takes_them() -> None:
    sample = [event.encoded() for event in events(1000, 7, datetime(2026, 11, 26, tzinfo=UTC))]

    longer = sum(len(shape(record)) for record in sample) / sum(map(len, sample))
    assert longer == pytest.approx(FLATTENED, rel=0.05)


def shape(record: bytes) -> bytes:
    """The record as the connector archives it by default."""
    flat = shaped(json.loads(record), renames=Connector().renames, flatten=True)
    return json.dumps(flat, separators=(",", ":"), ensure_ascii=False).encode()
