"""What an archived line tells about its event (pure)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from components.logzio.facts import event_time
from components.settings import Settings


@dataclass(frozen=True)
class Fields:
    """The names that an archive gives to the id and the time of an event."""

    id: str
    time: str

    @classmethod
    def of(cls, settings: Settings) -> "Fields":
        """Format `json` renames top-level fields; `raw` renames none."""
        renames = settings.connector.renames if settings.connector.format == "json" else {}
        return cls(renames.get("id", "id"), renames.get("time", "time"))


@dataclass(frozen=True)
class EventRef:
    """An event as it can be looked for: its id, and a time near the one that it is indexed by."""

    id: str
    at: datetime


def parsed(line: bytes | str) -> dict[str, Any] | None:
    """The event of a line; None for what is not a JSON object."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def event_id(event: Mapping[str, Any], fields: Fields) -> str | None:
    """None if it has none that can be looked for."""
    found = event.get(fields.id)
    return found if isinstance(found, str) and found else None


def references(
    lines: Iterator[bytes] | list[bytes], fields: Fields, archived: datetime
) -> Iterator[EventRef]:
    """The events of an object that have an id. One without a readable time is indexed by when it arrives."""
    for line in lines:
        event = parsed(line)
        found = event_id(event, fields) if event is not None else None
        if event is not None and found is not None:
            yield EventRef(found, event_time(event.get(fields.time)) or archived)
