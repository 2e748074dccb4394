"""Asks Logz.io which events it has, by their ids."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from components.logzio.client import LogzioClient
from components.logzio.facts import MAX_AGGREGATED, day_offset
from scripts.verification.events import EventRef

_T = TypeVar("_T")


@dataclass(frozen=True)
class Lookup:
    """Looks for events by the field that holds their id.

    A search covers two calendar days, so an event is looked for on its own day. What is not there is looked for among
    today's and yesterday's: an event whose time Logz.io could not read has that of its arrival.
    """

    logzio: LogzioClient
    field: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def found(self, events: Iterable[EventRef]) -> set[str]:
        """The ids of those that Logz.io has.

        Raises:
            LogzioError: it could not be asked.
        """
        now = self.now()
        by_days: dict[int, dict[str, None]] = defaultdict(dict)
        for event in events:
            by_days[day_offset(event.at, now)][event.id] = None
        today = by_days.pop(0, {})
        found: set[str] = set()
        for offset, ids in by_days.items():
            found |= self._ask(list(ids), offset)
            today |= {id_: None for id_ in ids if id_ not in found}
        return found | self._ask(list(today), 0)

    def _ask(self, ids: Sequence[str], offset: int) -> set[str]:
        found: set[str] = set()
        for chunk in chunks(ids, MAX_AGGREGATED):
            found |= self.logzio.present(self.field, chunk, day_offset=offset)
        return found


def chunks(values: Sequence[_T], most: int) -> Iterator[Sequence[_T]]:
    """The values in pieces of at most so many."""
    for start in range(0, len(values), most):
        yield values[start : start + most]
