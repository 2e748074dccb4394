"""When the events of a history reached each place: per minute, how long they took, and how many waited."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate

from local.proofs.history.history import History

MINUTE = 60
MOST_MINUTES = 24 * 60
"""No run takes longer. One wrong clock must not make millions of minutes."""


@dataclass(frozen=True)
class Delays:
    """Seconds within which 0, 1, ... 100 % of the events had arrived; empty if no event came that far.

    `archived`: from Kafka to the bucket, `indexed`: from the bucket to Logz.io, `whole`: from Kafka to Logz.io.
    """

    archived: tuple[float, ...]
    indexed: tuple[float, ...]
    whole: tuple[float, ...]


@dataclass(frozen=True)
class Flow:
    """Counts of events by their first copy in each place, whatever its value, in consecutive minutes.

    Attributes:
        begins: the first minute, in seconds since the epoch.
        produced, archived, indexed: events that reached Kafka, the bucket, and Logz.io's index, in each minute.
        delays: how long they took.
        waiting: partition -> events in Kafka that the bucket did not have at the end of each minute.
    """

    begins: int
    produced: tuple[int, ...]
    archived: tuple[int, ...]
    indexed: tuple[int, ...]
    delays: Delays
    waiting: dict[int, tuple[int, ...]]

    @property
    def first_minute(self) -> datetime:
        """`begins` as a time."""
        return datetime.fromtimestamp(self.begins, UTC)


def flow(history: History) -> Flow | None:
    """The flow of all that a history holds; None without an event."""
    produced = {event_id: origin.at for event_id, origin in history.origins.items()}
    if not produced:
        return None
    archived = {event_id: at for event_id, at in history.archived_at().items() if event_id in produced}
    indexed = {event_id: at for event_id, at in history.indexed_at.items() if event_id in produced}
    last = max([*produced.values(), *archived.values(), *indexed.values()])
    minutes = _Minutes.between(min(produced.values()), last)
    return Flow(
        begins=minutes.begins,
        produced=minutes.counts(produced.values()),
        archived=minutes.counts(archived.values()),
        indexed=minutes.counts(indexed.values()),
        delays=Delays(_between(produced, archived), _between(archived, indexed), _between(produced, indexed)),
        waiting=_waiting(history, archived, minutes),
    )


def quantiles(values: Iterable[float]) -> tuple[float, ...]:
    """The least value that 0, 1, ... 100 % of the values do not exceed; empty without any. Rounded to 0.01."""
    ordered = sorted(values)
    if not ordered:
        return ()
    last = len(ordered) - 1
    # The smallest whole number that is not below percent * len / 100, less one.
    places = (max(0, -(-percent * len(ordered) // 100) - 1) for percent in range(101))
    return tuple(round(ordered[min(place, last)], 2) for place in places)


@dataclass(frozen=True)
class _Minutes:
    begins: int
    number: int

    @classmethod
    def between(cls, first: float, last: float) -> "_Minutes":
        begins = int(first // MINUTE) * MINUTE
        return cls(begins, min(MOST_MINUTES, int(last - begins) // MINUTE + 1))

    def counts(self, times: Iterable[float]) -> tuple[int, ...]:
        """What is before the first minute counts in the first one, what is after the last one in the last one."""
        found = [0] * self.number
        for at in times:
            found[min(self.number - 1, max(0, int(at - self.begins) // MINUTE))] += 1
        return tuple(found)


def _between(earlier: dict[str, float], later: dict[str, float]) -> tuple[float, ...]:
    # S3 gives the time at which an upload began, in whole seconds: that may be just before an event was produced.
    return quantiles(
        max(0.0, at - earlier[event_id]) for event_id, at in later.items() if event_id in earlier
    )


def _waiting(history: History, archived: dict[str, float], minutes: _Minutes) -> dict[int, tuple[int, ...]]:
    came: defaultdict[int, list[float]] = defaultdict(list)
    left: defaultdict[int, list[float]] = defaultdict(list)
    for event_id, origin in history.origins.items():
        came[origin.partition].append(origin.at)
        if event_id in archived:
            left[origin.partition].append(max(origin.at, archived[event_id]))
    return {
        partition: tuple(
            accumulate(
                more - fewer
                for more, fewer in zip(
                    minutes.counts(came[partition]), minutes.counts(left[partition]), strict=True
                )
            )
        )
        for partition in sorted(came)
    }
