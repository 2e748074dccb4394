"""Requests that a changing cluster fails."""

from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from scripts.verify import kafka
from scripts.verify.kafka import Cluster, KafkaUnavailableError
from scripts.verify.model import Position

TOPIC = "confluent-audit-log-events"


class PlayedConsumer:
    """One partition without a record; the requests of all consumers fail with `errors`, one after the other."""

    def __init__(self, errors: list[int]) -> None:
        self._errors = errors

    def list_topics(self, topic: str, timeout: float) -> SimpleNamespace:
        assert timeout > 0
        return SimpleNamespace(topics={topic: SimpleNamespace(partitions={0: None}, error=None)})

    def committed(self, partitions: Sequence[TopicPartition], timeout: float) -> list[SimpleNamespace]:
        assert timeout > 0
        return [SimpleNamespace(topic=TOPIC, partition=0, offset=7, error=None) for _ in partitions]

    def get_watermark_offsets(self, _: TopicPartition, timeout: float) -> tuple[int, int]:
        assert timeout > 0
        if self._errors:
            raise KafkaException(KafkaError(self._errors.pop(0)))
        return 7, 7

    def assign(self, partitions: Sequence[TopicPartition]) -> None:
        assert partitions == []

    def unassign(self) -> None:
        pass

    def close(self) -> None:
        pass


def positions(monkeypatch: pytest.MonkeyPatch, *errors: int) -> dict[tuple[str, int], Position]:
    """The positions while the first requests fail with `errors`; each look at the clock takes a second."""
    left = list(errors)
    monkeypatch.setattr(kafka, "Consumer", lambda _: PlayedConsumer(left))
    seconds = iter(range(1000))
    return Cluster({}, "group", is_json=True, clock=lambda: float(next(seconds))).positions([TOPIC])


def test_a_request_to_a_broker_that_left_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    found = positions(monkeypatch, *[KafkaError._DESTROY_BROKER] * 3)

    assert found == {(TOPIC, 0): Position(start=7, end=7, committed=7)}


def test_a_cluster_whose_brokers_go_on_leaving_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KafkaUnavailableError, match="Broker handle destroyed"):
        positions(monkeypatch, *[KafkaError._DESTROY_BROKER] * 100)


def test_any_other_error_is_final(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KafkaUnavailableError, match="authorization"):
        positions(monkeypatch, KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError._DESTROY_BROKER)
