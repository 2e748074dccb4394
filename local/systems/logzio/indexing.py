"""How Logz.io indexes a log: one type for each field and day, and limits that a log must keep.

Sources: Logz.io's pages "Understanding Invalid Log Errors" and "Field Mapping" (see `components.logzio.facts`, which
has the limits and the errors of a single log), and, where they say nothing, OpenSearch's "Dynamic mapping" (docs
.opensearch.org/latest/mappings), on which Logz.io runs. Where neither decides, the stricter reading is taken:

- "Determined by the value of the log fields mapped at the beginning of each day": the first value of the UTC day in
  which logs arrive, whatever their own `@timestamp` is. (By the day of their own time, a
  backlog would share its mapping with fewer other logs.)
- "The same field can't contain two different types of inputs": a text that holds a number is still a text, and
  1.5 is not a whole number. (OpenSearch by itself would convert both.)
- "The type field is changed to logzio-index-failure, and the tags field is added": the log keeps its `id` and its
  text as `message`; its own fields cannot be searched. (The page's newest edition says that `type` stays and a tag
  is added. `logzio_facts.failure` sees either.)
- An unreadable `@timestamp` is a value of another type than date; the log shows the time of its arrival instead.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from components.logzio.facts import (
    INDEX_FAILURE,
    INVALID_LOG,
    MAX_FIELD_CHARACTERS,
    TIME_ERROR,
    event_time,
    invalid_tags,
    name_error,
    number_error,
)
from local.base.objects import json_object
from local.systems.logzio.store import Event, Store

# Fields of Logz.io itself, in every account.
_FIXED = {"@timestamp": "date", "type": "keyword", "tags": "keyword", "message": "keyword"}


class Indexer:
    """Indexes for one account. Its mapping of the day is kept in the store, so that a restart does not lose it."""

    def __init__(self, store: Store, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._now = now
        self._lock = threading.Lock()
        self._day = ""
        self._mapping: dict[str, str] = {}

    def events(self, text: str, log_type: str, added: Mapping[str, Any] | None = None) -> list[Event]:
        """The events of a text with one log in each line, as Logz.io shows them.

        Args:
            log_type: their `type`.
            added: further fields of each event.
        """
        with self._lock:
            arrival = self._now()
            self._begin_day(arrival.date().isoformat())
            known = len(self._mapping)
            # Not splitlines(): a JSON text may hold other line ends inside a string.
            lines = enumerate(text.split("\n"))
            found = [
                self._event(number, line, {**(added or {}), "type": log_type}, arrival)
                for number, line in lines
                if line.strip()
            ]
            if len(self._mapping) > known:
                self._store.map_fields(self._day, self._mapping)
            return found

    def _begin_day(self, day: str) -> None:
        if day != self._day:
            self._day = day
            self._mapping = {**self._store.mapping(day), **_FIXED}

    def _event(self, number: int, line: str, added: Mapping[str, Any], arrival: datetime) -> Event:
        event = json_object(line)
        arrived_at = arrival.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if event is None:
            # Plain text has no fields that could violate a rule.
            return Event(number, None, {"message": line, **added, "@timestamp": arrived_at})
        event_id = event["id"] if isinstance(event.get("id"), str) else None
        # For the fetcher it is not documented which of the two `type`s wins; here the registration's does, so that
        # an event whose own `type` was not renamed loses it visibly.
        event |= added
        if tags := invalid_tags(event, len(line)):
            shown = _failed(INVALID_LOG, tags, line, event_id)
        elif errors := self._map(event):
            shown = _failed(INDEX_FAILURE, errors, line, event_id)
        else:
            shown = event
        own_time = _shown_time(event.get("@timestamp"))
        return Event(number, event_id, {**shown, "@timestamp": own_time or arrived_at})

    def _map(self, event: Mapping[str, Any]) -> list[str]:
        """Why an event cannot be indexed; if nothing prevents it, its new fields have their types from now on."""
        found: dict[str, str] = {}
        for path, name, value in _fields(event):
            mapped = found.get(path) or self._mapping.get(path)
            if error := name_error(name) or number_error(value) or _type_error(path, value, mapped):
                return [error]
            found[path] = mapped or _kind(value)
        self._mapping |= found
        return []


def _fields(event: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Each value with its field's full name and the last part of that name.

    A null and an empty list have no type; a list has the type of each of its values.
    """
    waiting: list[tuple[str, str, Any]] = [(name, name, value) for name, value in reversed([*event.items()])]
    while waiting:
        path, name, value = waiting.pop()
        if isinstance(value, list):
            waiting += [(path, name, inner) for inner in reversed(value)]
        elif value is not None:
            yield path, name, value
            if isinstance(value, dict):
                waiting += [(f"{path}.{below}", below, inner) for below, inner in reversed(value.items())]


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "object"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "long"
    return "float" if isinstance(value, float) else "keyword"


def _type_error(path: str, value: Any, mapped: str | None) -> str | None:
    """The mapping error of a value in a field of this type, in the words of Logz.io's table."""
    if mapped == "date":
        return None if event_time(value) else TIME_ERROR
    kind = _kind(value)
    if mapped in (None, kind):
        return None
    if mapped == "object":
        return (
            f"object mapping for [{path}] tried to parse field [{path}] as object, but found a concrete value"
        )
    error = f"failed to parse field [{path}] of type [{mapped}]"
    return f"{error}: Can't get text on a START_OBJECT" if (mapped, kind) == ("keyword", "object") else error


def _failed(kind: str, reasons: list[str], line: str, event_id: str | None) -> dict[str, Any]:
    shown = {"message": line[:MAX_FIELD_CHARACTERS], "type": kind, "tags": [kind, *reasons]}
    return shown if event_id is None else {**shown, "id": event_id}


def _shown_time(value: Any) -> str | None:
    """The event's own text if it is ISO 8601, as a document keeps it; UNIX times become ISO 8601."""
    moment = event_time(value)
    if moment is None or isinstance(value, str):
        return value if moment else None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
