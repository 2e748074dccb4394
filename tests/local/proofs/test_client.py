"""Events are spread unevenly, and only what the broker acknowledged is on record."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Producer

from local.proofs.client import FeedError, feed
from local.proofs.generator.load import steady
from local.proofs.history import acknowledged

Settings = dict[str, str | int | float | bool]


@contextmanager
def broker_in_process(round_trip_ms: int) -> Iterator[Settings]:
    """The broker that librdkafka brings for tests."""
    holder = Producer({"test.mock.num.brokers": 1, "test.mock.broker.rtt": round_trip_ms, "log_level": 0})
    broker = next(iter(holder.list_topics(timeout=60).brokers.values()))
    yield {"bootstrap.servers": f"{broker.host}:{broker.port}"}
    del holder


@pytest.fixture
def broker() -> Iterator[Settings]:
    with broker_in_process(0) as settings:
        yield settings


def test_every_acknowledged_event_is_on_record_once(tmp_path: Path, broker: Settings) -> None:
    output: list[str] = []
    assert feed(tmp_path, broker, 500, progress=output.append) == 500
    assert feed(tmp_path, broker, 200, progress=output.append) == 200
    record = list(acknowledged.read(tmp_path))
    assert len(record) == 700
    assert len({line.id for line in record}) == 700
    assert len({(line.partition, line.offset) for line in record}) == 700
    assert output[-1].startswith("  200 events accepted by Kafka in ")


def test_a_feed_that_is_stopped_has_what_it_produced_on_record(tmp_path: Path, broker: Settings) -> None:
    class OnceOneIsOnRecord(threading.Event):
        def is_set(self) -> bool:
            return any(True for _ in acknowledged.read(tmp_path))

    produced = feed(tmp_path, broker, 1_000_000, load=steady(50), stop=OnceOneIsOnRecord())

    assert 0 < produced < 1_000_000
    assert len(list(acknowledged.read(tmp_path))) == produced


def test_what_the_broker_does_not_acknowledge_is_an_error_and_not_on_record(tmp_path: Path) -> None:
    # Far longer than the client takes to look for messages whose time is over: about a second, more on a busy machine.
    with (
        broker_in_process(round_trip_ms=4_000) as slow,
        pytest.raises(FeedError, match="3 events were not acknowledged"),
    ):
        feed(tmp_path, {**slow, "delivery.timeout.ms": 100}, 3)
    assert list(acknowledged.read(tmp_path)) == []
