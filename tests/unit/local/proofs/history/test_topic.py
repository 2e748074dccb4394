"""How the end of each partition is found."""

from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from local.proofs.history import places
from local.proofs.history.places import Topic

TOPIC = "confluent-audit-log-events"


class PlayedConsumer:
    """Partitions without a record; the requests for their ends fail with `errors`, one after the other."""

    def __init__(self, errors: list[int]) -> None:
        self._errors = errors
        self.asked = 0

    def list_topics(self, topic: str, timeout: float) -> SimpleNamespace:
        assert timeout > 0
        return SimpleNamespace(topics={topic: SimpleNamespace(partitions={0: None, 1: None})})

    def get_watermark_offsets(self, place: TopicPartition, timeout: float) -> tuple[int, int]:
        assert timeout > 0
        assert place.topic == TOPIC
        self.asked += 1
        if self._errors:
            raise KafkaException(KafkaError(self._errors.pop(0)))
        return 0, 0


def topic(consumer: PlayedConsumer, monkeypatch: pytest.MonkeyPatch) -> Topic:
    monkeypatch.setattr(places, "Consumer", lambda _: consumer)
    monkeypatch.setattr("local.proofs.history.places.time.sleep", lambda _: None)
    return Topic({}, TOPIC)


def test_a_broker_that_left_the_metadata_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = PlayedConsumer([KafkaError._DESTROY_BROKER] * 2)

    assert list(topic(consumer, monkeypatch).new_records()) == []
    assert consumer.asked == 4


def test_another_error_is_not_asked_away(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = PlayedConsumer([KafkaError.TOPIC_AUTHORIZATION_FAILED])

    with pytest.raises(KafkaException, match="authorization"):
        list(topic(consumer, monkeypatch).new_records())
    assert consumer.asked == 1
