"""The fields that an archived event gets in Logz.io (pure)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.logzio.facts import OBJECT_KEY_FIELD
from components.settings import Connector, Settings
from components.worker.fields import shaped


@dataclass(frozen=True)
class Form:
    """What the settings make of an event before Logz.io indexes it.

    An archive may be older than the settings, or raw: the same fields get their names here that the connector gives
    them, so that an event is found beside those that were fetched. Above all `type`: the listener prefers an event's
    own to the one of the request (docs, "HTTP").
    """

    renames: Mapping[str, str]
    flatten: bool
    excluded: tuple[str, ...]
    add_object_key: bool

    @classmethod
    def of(cls, settings: Settings) -> "Form":
        """Format `raw` changes no field; here its time and type get the names that Logz.io knows."""
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
        """An event as it is sent."""
        sent = shaped(event, renames=self.renames, flatten=self.flatten, excluded=self.excluded)
        return {**sent, OBJECT_KEY_FIELD: key} if self.add_object_key else sent


def line(event: Mapping[str, Any]) -> bytes:
    """The event in one line, as short as it can be."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
