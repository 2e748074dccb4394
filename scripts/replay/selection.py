"""Selects the events that a replay sends (pure)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from components.archive import layout
from scripts.verify.model import StoredObject

# An event is archived after it happened, but the clock of its source may be ahead.
_CLOCK_AHEAD = timedelta(hours=1)
_KEPT_IN_KAFKA = timedelta(days=7)
"""Confluent keeps an event for 7 days, so it is archived within them."""


class SelectionError(ValueError):
    """The selection is unclear; the message says what is accepted."""


@dataclass(frozen=True)
class Selection:
    """Which archived events are sent, except those that Logz.io has.

    Attributes:
        begin, end: the time range of the events, `end` not included. With `is_unread`, that of their objects.
        is_unread: only events that no registration will read.
        keys: all events of these objects.
        settled: objects that are not older than this time may still be fetched.
    """

    begin: datetime | None = None
    end: datetime | None = None
    is_unread: bool = False
    keys: tuple[str, ...] = ()
    settled: datetime | None = None

    @property
    def name(self) -> str:
        """A name that is equal for equal selections. All selections with `is_unread` have the same name."""
        chosen = ("unread",) if self.is_unread else (str(self.begin), str(self.end), *self.keys)
        return hashlib.sha256("\n".join(chosen).encode()).hexdigest()[:12]

    def may_hold(self, stored: StoredObject) -> bool:
        """Whether a data object can hold a chosen event, judged by the time at which it was written."""
        if self.settled is not None and stored.modified >= self.settled:
            return False
        if self.begin is not None and stored.modified < self.begin - _CLOCK_AHEAD:
            return False
        return self.end is None or stored.modified < self.end + _KEPT_IN_KAFKA

    def left_out(self) -> str | None:
        """Which objects are left out for their age, in words."""
        if self.settled is None:
            return None
        return (
            f"left out: objects since {self.settled:%F %T} UTC, which Logz.io may still read. Run it again later, "
            "or with FETCH_MINUTES=0"
        )

    def holds(self, at: datetime) -> bool:
        """Whether an event of this time is chosen."""
        if self.keys or self.is_unread:
            return True
        return (self.begin is None or at >= self.begin) and (self.end is None or at < self.end)


def select(
    *,
    since: str | None,
    until: str | None,
    unread: bool,
    days: float,
    objects: Sequence[str],
    now: datetime,
    settling: timedelta,
) -> Selection:
    """The selection from exactly one of these: a time range, `unread`, objects.

    Raises:
        SelectionError: none or several of them are given, or a value is invalid.
    """
    given = [bool(since or until), unread, bool(objects)]
    if sum(given) != 1:
        raise SelectionError(
            "give exactly one of: a time (FROM, TO or both), UNREAD=1 (with DAYS), OBJECTS (keys, separated by spaces)"
        )
    if unread:
        return Selection(begin=now - timedelta(days=days), is_unread=True, settled=now - settling)
    if objects:
        return Selection(keys=tuple(dict.fromkeys(_key(text) for text in objects)))
    begin, end = _time("FROM", since), _time("TO", until)
    if begin is not None and end is not None and begin >= end:
        raise SelectionError(f"FROM ({begin}) must be before TO ({end})")
    return Selection(begin, end, settled=now - settling)


def _time(name: str, text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise SelectionError(
            f"{name}: {text!r} is not a time; accepted is ISO 8601 (UTC unless it says otherwise), for example "
            "2026-11-03 or 2026-11-03T08:30:00"
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _key(text: str) -> str:
    """The key from a key or the URL of an object (s3://bucket/key)."""
    key = text.removeprefix("s3://").partition("/")[2] if text.startswith("s3://") else text
    if layout.parse_data_key(key) is None:
        raise SelectionError(f"OBJECTS: {text!r} is not the key of an archived object")
    return key
