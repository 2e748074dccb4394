"""How the connector changes the fields of an event in format `json` (pure); `connect._transforms` configures it."""

from collections.abc import Collection, Mapping
from typing import Any

FIELD_DELIMITER = "_"
"""Joins the names of a field and of a field nested in it. Not a dot: Logz.io would read it as nesting."""


def shaped(
    event: Mapping[str, Any],
    *,
    renames: Mapping[str, str],
    flatten: bool,
    excluded: Collection[str] = (),
) -> dict[str, Any]:
    """The event with the names that its fields have in Logz.io; an event that has these names does not change."""
    renamed = {
        new if (new := renames.get(name)) is not None and new not in event else name: value
        for name, value in event.items()
    }
    named = flattened(renamed) if flatten else renamed
    return {name: value for name, value in named.items() if name not in excluded}


def flattened(event: Mapping[str, Any]) -> dict[str, Any]:
    """Does the same as Kafka's Flatten for an event without a schema; a test compares it with Kafka's own.

    The fields of an object get joined names and replace the object; empty objects disappear; lists stay as they are,
    with the objects in them. Of fields whose names become equal, one stays. In Kafka, Java's order of keys decides
    which; here it may be another.
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
