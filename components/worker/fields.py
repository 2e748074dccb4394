"""What the connector makes of an event's fields in format `json` (pure), as `connect._transforms` orders it."""

from collections.abc import Collection, Mapping
from typing import Any

FIELD_DELIMITER = "_"
"""Between the names of a nested field and of the one that holds it. A dot would not do: Logz.io takes it for nesting."""


def shaped(
    event: Mapping[str, Any],
    *,
    renames: Mapping[str, str],
    flatten: bool,
    excluded: Collection[str] = (),
) -> dict[str, Any]:
    """An event with the names that Logz.io has for its fields; one that has them already stays as it is."""
    renamed = {
        new if (new := renames.get(name)) is not None and new not in event else name: value
        for name, value in event.items()
    }
    named = flattened(renamed) if flatten else renamed
    return {name: value for name, value in named.items() if name not in excluded}


def flattened(event: Mapping[str, Any]) -> dict[str, Any]:
    """What Kafka's Flatten makes of an event without a schema, written anew: a test holds it against Kafka's own.

    Objects go, their fields get joined names; empty objects leave nothing; lists stay as they are, with the objects in
    them. Of fields whose names become equal one is kept; which, depends on Java's order of keys, not on this one.
    """
    found: dict[str, Any] = {}
    # No recursion: an event may be nested deeper than Python's stack.
    waiting = [(name, value) for name, value in reversed([*event.items()])]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            above = f"{name}{FIELD_DELIMITER}" if name else ""
            waiting += [(above + below, inner) for below, inner in reversed([*value.items()])]
        else:
            found[name] = value
    return found
