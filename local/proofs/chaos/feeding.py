"""The steady stream of events that every fault meets."""

import threading
from pathlib import Path

from confluent_kafka import KafkaException

from local.proofs import producer
from local.systems.kafka import client

_ENDLESS = 500_000
"""More events than any run takes."""


class Feed:
    """Produces in a thread of its own, until `stop`. What Kafka accepted is on record (`demo.feed`)."""

    def __init__(self, state: Path, rate: float) -> None:
        self._state = state
        self._rate = rate
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    def start(self) -> None:
        """Begins, with the partitions that the topic has now."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends; events on their way to Kafka arrive first.

        Raises:
            FeedError: Kafka did not accept an event. It is not on record, so it counts nowhere.
            KafkaException: the broker never answered.
        """
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error

    def ids(self) -> list[str]:
        """The events that Kafka has accepted so far."""
        return [produced.id for produced in producer.read_produced(self._state)]

    def _run(self) -> None:
        try:
            producer.feed(
                self._state,
                # A broker that is gone on purpose is nothing to write lines about.
                {**client.client_config(self._state), "log_level": 0},
                _ENDLESS,
                rate=self._rate,
                stop=self._ended,
                progress=lambda _: None,
            )
        except (producer.FeedError, KafkaException) as error:
            self._error = error
