"""Property values: conversion between the wire's form and plain Python, and when two of them mean the same."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pulumi.provider.experimental.property_value import Computed, PropertyValue
from pulumi.runtime.rpc import UNKNOWN

Plain = dict[str, Any]
"""Properties without secret marks; a value that is not known before the update is the string `UNKNOWN`."""

__all__ = ["UNKNOWN", "Plain", "document", "is_unknown", "meaning", "plain", "secret_names", "wire"]


def plain(properties: Mapping[str, PropertyValue]) -> Plain:
    """Python values: whole numbers become ints, as all numbers are floats on the wire; nulls are left out."""
    values = {name: _plain(value) for name, value in properties.items()}
    return {name: value for name, value in values.items() if value is not None}


def _plain(given: Any) -> Any:
    value = given.value
    if isinstance(value, Computed):
        return UNKNOWN
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Mapping):
        return plain(value)
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    raise TypeError(f"the stand-in takes no {type(value).__name__}")


def secret_names(properties: Mapping[str, PropertyValue]) -> set[str]:
    """The top-level properties that are secret or hold a secret."""
    return {name for name, value in properties.items() if value.contains_secret()}


def wire(values: Mapping[str, Any], secrets: set[str]) -> dict[str, PropertyValue]:
    """The wire's form, the properties named in `secrets` marked as secret."""
    return {name: _wire(value).with_secret(name in secrets) for name, value in values.items()}


def _wire(value: Any) -> PropertyValue:
    if isinstance(value, Mapping):
        return PropertyValue({name: _wire(item) for name, item in value.items()})
    if isinstance(value, (list, tuple)):
        return PropertyValue([_wire(item) for item in value])
    if isinstance(value, int) and not isinstance(value, bool):
        return PropertyValue(float(value))
    return PropertyValue(value)


def is_unknown(value: Any) -> bool:
    """Whether a value or a part of it will be known only after the update."""
    if isinstance(value, Mapping):
        return any(is_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(is_unknown(item) for item in value)
    return bool(value == UNKNOWN)


def meaning(value: Any) -> Any:
    """A value without its empty parts: null, false, an empty text, list and map all mean "not set"."""
    if isinstance(value, Mapping):
        parts = {name: meaning(item) for name, item in value.items()}
        return {name: item for name, item in parts.items() if item is not None} or None
    if isinstance(value, list):
        return [meaning(item) for item in value] or None
    return None if value is False or value == "" else value


def document(text: Any) -> Any:
    """A parsed JSON document: spaces and the order of its keys do not count."""
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text
