"""Events in archived lines: their ids and times (pure)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from components.logzio.facts import event_time
from components.settings import Settings


@dataclass(frozen=True)
class Fields:
    """The names of the fields that have an event's id and time in the archive."""

    id: str
    time: str

    @classmethod
    def of(cls, settings: Settings) -> "Fields":
        """Format `json` renames top-level fields; `raw` renames none."""
        renames = settings.connector.renames if settings.connector.format == "json" else {}
        return cls(renames.get("id", "id"), renames.get("time", "time"))


@dataclass(frozen=True)
class EventRef:
    """An event to search for: its id, and a time near the time that it is indexed by."""

    id: str
    at: datetime


def parsed(line: bytes | str) -> dict[str, Any] | None:
    """The event in a line; None if the line is not a JSON object."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def event_id(event: Mapping[str, Any], fields: Fields) -> str | None:
    """The event's id; None if it has no id that can be searched."""
    found = event.get(fields.id)
    return found if isinstance(found, str) and found else None


def references(
    lines: Iterator[bytes] | list[bytes], fields: Fields, archived: datetime
) -> Iterator[EventRef]:
    """The events of an object that have an id. An event without a readable time is indexed by its arrival."""
    for line in lines:
        event = parsed(line)
        found = event_id(event, fields) if event is not None else None
        if event is not None and found is not None:
            yield EventRef(found, event_time(event.get(fields.time)) or archived)
