"""How far Logz.io has read a prefix, estimated from the last events of some of its objects (pure)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scripts.verify.model import SampledObject, StoredObject
from scripts.verify.unread import spread

FindLastEvents = Callable[[Sequence[StoredObject]], Sequence[SampledObject]]
"""Searches Logz.io for the last event of each object."""


@dataclass(frozen=True)
class Delivery:
    """The result of sampling.

    Attributes:
        sampled: the objects whose last event was searched, in key order.
        behind: objects after the last one that was found.
        gaps: objects that were not found although a later one was.
    """

    sampled: tuple[SampledObject, ...]
    behind: tuple[StoredObject, ...]
    gaps: tuple[StoredObject, ...]


def follow(objects: Sequence[StoredObject], find: FindLastEvents, most: int) -> Delivery:
    """Searches for at most `most` of the objects, which are in key order, and then for the object where reading ended.

    An object whose last event has no id is neither found nor missing.
    """
    sampled = find(spread(objects, most))
    places = {stored.key: place for place, stored in enumerate(objects)}
    found = [places[sample.key] for sample in sampled if sample.found]
    missing = [places[sample.key] for sample in sampled if sample.found is False]
    last_found = max(found, default=-1)
    after = [place for place in missing if place > last_found]
    gaps = tuple(objects[place] for place in missing if place < last_found)
    begin = _first_missing(objects, find, last_found, after[0]) if after else len(objects)
    return Delivery(tuple(sampled), tuple(objects[begin:]), gaps)


def _first_missing(objects: Sequence[StoredObject], find: FindLastEvents, found: int, missing: int) -> int:
    """The place of the first missing object between a place that was found and one that is missing."""
    while missing - found > 1:
        middle = (found + missing) // 2
        (sample,) = find([objects[middle]])
        found, missing = (found, middle) if sample.found is False else (middle, missing)
    return missing
