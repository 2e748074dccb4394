"""The fields that an archived event has in Logz.io (pure)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.logzio.facts import OBJECT_KEY_FIELD
from components.settings import Connector, Settings
from components.worker.fields import shaped


@dataclass(frozen=True)
class EventFormat:
    """Changes an event as the settings say, before Logz.io indexes it.

    An archive may be older than the settings, or raw. Fields get the names that the connector gives them, so that a
    search finds replayed and fetched events alike. That matters most for `type`: the listener prefers the `type` of an
    event to that of the request (docs, "HTTP").
    """

    renames: Mapping[str, str]
    flatten: bool
    excluded: tuple[str, ...]
    add_object_key: bool

    @classmethod
    def of(cls, settings: Settings) -> "EventFormat":
        """The format of a stack. With format `raw`, only time and type get the names that Logz.io knows."""
        connector, add_object_key = settings.connector, settings.logzio.add_object_key
        if connector.format == "raw":
            return cls(Connector().renames, flatten=False, excluded=(), add_object_key=add_object_key)
        return cls(connector.renames, connector.flatten, connector.excluded_fields, add_object_key)

    @property
    def id_field(self) -> str:
        """The field that has the event's id in Logz.io."""
        return self.renames.get("id", "id")

    @property
    def time_field(self) -> str:
        """The field that has the event's time."""
        return self.renames.get("time", "time")

    def apply(self, event: Mapping[str, Any], key: str) -> dict[str, Any]:
        """The event in the form that is sent."""
        sent = shaped(event, renames=self.renames, flatten=self.flatten, excluded=self.excluded)
        return {**sent, OBJECT_KEY_FIELD: key} if self.add_object_key else sent


def line(event: Mapping[str, Any]) -> bytes:
    """The event as one line of compact JSON."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
