"""Produces audit events into the local Kafka, unevenly over the partitions, and records what it acknowledged."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice, repeat
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from local.base.progress import say, step
from local.proofs.generator.events import AuditEvent, events
from local.proofs.generator.load import Phase
from local.proofs.history import acknowledged
from local.stack.deployment import LocalDeployment
from local.systems.kafka.client import TOPIC, client_config

# Share of the events by partition, repeated for further partitions. Partitions 1, 10 and 11 are busy together
# because a prefix `partition=1` without its slash would mix them up; partition 9 is nearly idle.
_WEIGHTS = (26.0, 9.0, 6.0, 18.0, 2.0, 11.0, 4.0, 0.0, 3.0, 0.3, 15.0, 6.0)
_SINGLE = 7
"""The partition that gets one event only: nothing but the rotation can bring it out."""

_PROGRESS_SECONDS = 5.0

_STUCK_SECONDS = 400.0
"""librdkafka gives an event up after 300 s (`delivery.timeout.ms`). A client that says nothing for longer is stuck.

One was, for good, after a restart of the broker (seen once, with confluent-kafka 2.16.1).
"""


class FeedError(RuntimeError):
    """The broker did not acknowledge every event, or the client is stuck; the message says how many and why."""


def feed(
    state: Path,
    kafka: Mapping[str, str | int | float | bool],
    count: int,
    *,
    topic: str = TOPIC,
    load: Iterator[Phase] | None = None,
    source: Iterator[AuditEvent] | None = None,
    stop: threading.Event | None = None,
    progress: Callable[[str], None] = say,
) -> int:
    """Produces `count` events and returns how many the broker acknowledged (all, unless `stop` was set).

    Args:
        state: folder of the running stack.
        kafka: librdkafka settings of a client that may write to the topic (`client_config`).
        load: when they come; as fast as possible if None.
        source: the events; made from the clock if None, so that two calls never make the same ids.
        stop: set by another thread to end early.

    Raises:
        FeedError: an event was not acknowledged, or the client is stuck; such events are not in the record.
    """
    seed = time.time_ns()
    started = time.monotonic()
    with _Record(state).open() as record:
        # With a request for each event, a steady load costs the broker half as much CPU again.
        producer = Producer({**kafka, "acks": "all", "enable.idempotence": True, "linger.ms": 200})
        single_is_taken = any(event.partition == _SINGLE for event in acknowledged.read(state))
        partitions = spread(_partition_count(producer, topic), seed, single_is_taken=single_is_taken)
        # Events are a second apart on average: the last one has just happened.
        source = source or events(count, seed, datetime.now(UTC) - timedelta(seconds=count))
        paced = _paced(islice(source, count), producer, load, stop)
        reported = started
        for event, partition in zip(paced, partitions, strict=False):
            _produce(producer, topic, partition, event, record)
            if time.monotonic() - reported > _PROGRESS_SECONDS:
                reported = time.monotonic()
                progress(f"  {record.acknowledged} of {count} events accepted by Kafka")
        _flush(producer, record)
    if record.refused:
        raise FeedError(f"{len(record.refused)} events were not acknowledged, first: {record.refused[0]}")
    seconds = time.monotonic() - started
    progress(f"  {record.acknowledged} events accepted by Kafka in {seconds:.1f} s (seed {seed})")
    return record.acknowledged


def produce(deployment: LocalDeployment, count: int) -> None:
    """Feeds the audit-log topic of the local stack, as fast as possible.

    Raises:
        FeedError: as in `feed`.
    """
    with step(f"feeding {count:,} audit events"):
        feed(deployment.state, client_config(deployment.state), count)


def spread(partitions: int, seed: int, *, single_is_taken: bool) -> Iterator[int]:
    """Endless partition numbers, some often, one hardly ever, and one (unless it is taken) first and once."""
    if partitions > _SINGLE and not single_is_taken:
        yield _SINGLE
    rng = random.Random(seed)  # noqa: S311 -- reproducible sample data, nothing secret
    weights = list(islice(cycle(_WEIGHTS), partitions))
    while True:
        yield from rng.choices(range(partitions), weights, k=1000)


class _Record:
    """Appends an event to the record once the broker has acknowledged it."""

    def __init__(self, state: Path) -> None:
        self._file = acknowledged.file(state)
        self.acknowledged = 0
        self.refused: list[str] = []
        self._reported = time.monotonic()

    @contextmanager
    def open(self) -> Iterator["_Record"]:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        # Line by line: a feed that is killed must not forget what was accepted.
        with self._file.open("a", buffering=1) as self._lines:
            yield self

    def require_reports(self, waiting: int) -> None:
        """`waiting`: events of which the client has not said what became of them.

        Raises:
            FeedError: the client is stuck.
        """
        if waiting == 0:
            self._reported = time.monotonic()
        elif time.monotonic() - self._reported > _STUCK_SECONDS:
            raise FeedError(f"the client has said nothing of {waiting} events for {_STUCK_SECONDS:g} s")

    def delivered(self, event: AuditEvent, error: KafkaError | None, message: Message) -> None:
        self._reported = time.monotonic()
        if error is not None:
            self.refused.append(f"{event.id}: {error.str()}")
            return
        line = {
            "id": event.id,
            "partition": message.partition(),
            "offset": message.offset(),
            "time": event.time,
        }
        self._lines.write(json.dumps(line) + "\n")
        self.acknowledged += 1


def _produce(producer: Producer, topic: str, partition: int, event: AuditEvent, record: _Record) -> None:
    while True:
        try:
            producer.produce(
                topic,
                event.encoded(),
                partition=partition,
                on_delivery=lambda error, message: record.delivered(event, error, message),
            )
        except BufferError:  # the client's own queue is full: let it drain
            producer.poll(0.1)
            record.require_reports(len(producer))
        else:
            producer.poll(0)
            record.require_reports(len(producer))
            return


def _flush(producer: Producer, record: _Record) -> None:
    while waiting := producer.flush(1):
        record.require_reports(waiting)


def _paced(
    source: Iterator[AuditEvent],
    producer: Producer,
    load: Iterator[Phase] | None,
    stop: threading.Event | None,
) -> Iterator[AuditEvent]:
    """Hands each event out when it is due, serving the producer's callbacks while it waits."""
    started = time.monotonic()
    dues = repeat(0.0) if load is None else due(load)
    for at in dues:
        while (wait := started + at - time.monotonic()) > 0 and not (stop and stop.is_set()):
            producer.poll(min(wait, 0.2))
        if stop and stop.is_set():
            return
        event = next(source, None)
        if event is None:
            return
        yield event


def due(load: Iterator[Phase]) -> Iterator[float]:
    """When each event of a load comes, in seconds from its beginning."""
    begins = 0.0
    for phase in load:
        yield from (begins + number / phase.rate for number in range(round(phase.seconds * phase.rate)))
        begins += phase.seconds


def _partition_count(producer: Producer, topic: str) -> int:
    metadata = producer.list_topics(topic, timeout=300).topics[topic]
    if metadata.error is not None:
        raise FeedError(f"topic {topic} cannot be read: {metadata.error.str()}")
    return len(metadata.partitions)


_ENDLESS = 500_000
"""More events than any run takes."""


class Feed:
    """Produces in a thread of its own, until `stop`. What Kafka accepted is on record."""

    def __init__(
        self, state: Path, load: Iterator[Phase], series: Callable[[], Iterator[AuditEvent]] | None = None
    ) -> None:
        """`load`: goes on where it was at each further start. `series`: makes the events of each; see `feed`."""
        self._state = state
        self._load = load
        self._series = series
        self._record = acknowledged.Follower(state)
        self._ids: list[str] = []
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    def start(self) -> None:
        """Begins, with the partitions that the topic has now."""
        self._ended.clear()
        self._error = None
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

    @property
    def is_running(self) -> bool:
        """Whether events still come."""
        return self._thread is not None and self._thread.is_alive()

    def ids(self) -> Sequence[str]:
        """The events that Kafka has accepted so far."""
        self._ids.extend(event.id for event in self._record.new())
        return self._ids

    def _run(self) -> None:
        try:
            feed(
                self._state,
                # Chaos stops the broker on purpose. The client would print each connection that fails meanwhile.
                {**client_config(self._state), "log_level": 0},
                _ENDLESS,
                load=self._load,
                source=self._series() if self._series else None,
                stop=self._ended,
                progress=lambda _: None,
            )
        except (FeedError, KafkaException) as error:
            self._error = error
