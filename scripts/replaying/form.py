"""The fields that an archived event gets in Logz.io (pure)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.logzio_facts import OBJECT_KEY_FIELD
from components.settings import Connector, Settings


@dataclass(frozen=True)
class Form:
    """What the settings make of an event before Logz.io indexes it.

    An archive may be older than the settings, or raw: the same fields get their names here that the connector gives
    them, so that an event is found beside those that were fetched. Above all `type`: the listener prefers an event's
    own to the one of the request (docs, "HTTP").
    """

    renames: Mapping[str, str]
    add_object_key: bool

    @classmethod
    def of(cls, settings: Settings) -> "Form":
        """Format `raw` renames nothing on its way into the bucket; here it takes the defaults."""
        connector = settings.connector
        renames = connector.renames if connector.format == "json" else Connector().renames
        return cls(renames, settings.logzio.add_object_key)

    @property
    def id_field(self) -> str:
        """The field that has the event's id in Logz.io."""
        return self.renames.get("id", "id")

    @property
    def time_field(self) -> str:
        """The field that has the event's time."""
        return self.renames.get("time", "time")

    def apply(self, event: Mapping[str, Any], key: str) -> dict[str, Any]:
        """An event as it is sent; what has its new names already stays as it is."""
        shaped = {
            new if (new := self.renames.get(name)) is not None and new not in event else name: value
            for name, value in event.items()
        }
        return {**shaped, OBJECT_KEY_FIELD: key} if self.add_object_key else shaped


def line(event: Mapping[str, Any]) -> bytes:
    """The event in one line, as short as it can be."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
