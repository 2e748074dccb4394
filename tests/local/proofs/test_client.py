"""Events are spread unevenly, and only what the broker acknowledged is on record."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Producer

from local.base.waiting import wait_until
from local.proofs import client
from local.proofs.client import Feed, FeedError, feed
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
    # Their time must be longer than the client collects them for a request (`linger.ms`).
    with (
        broker_in_process(round_trip_ms=4_000) as slow,
        pytest.raises(FeedError, match="3 events were not acknowledged"),
    ):
        feed(tmp_path, {**slow, "delivery.timeout.ms": 300}, 3)
    assert list(acknowledged.read(tmp_path)) == []


def test_a_client_that_says_nothing_for_too_long_ends_the_feed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_STUCK_SECONDS", 0.5)

    with (
        broker_in_process(round_trip_ms=6_000) as slow,
        pytest.raises(FeedError, match=r"said nothing of \d+ events for 0.5 s"),
    ):
        feed(tmp_path, slow, 3)


def test_a_feed_that_has_ended_by_itself_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broker: Settings
) -> None:
    monkeypatch.setattr(client, "client_config", lambda _: broker)
    failing = Feed(tmp_path, steady(50))

    def fail(*_: object, **__: object) -> None:
        raise FeedError("refused")

    monkeypatch.setattr(client, "feed", fail)
    failing.start()
    wait_until(lambda: not failing.is_running, "its end")

    with pytest.raises(FeedError, match="refused"):
        failing.stop()
