"""How far Logz.io has read a prefix, told by the last events of some of its objects (pure)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scripts.verify.model import SampledObject, StoredObject
from scripts.verify.unread import spread

FindLastEvents = Callable[[Sequence[StoredObject]], Sequence[SampledObject]]
"""Looks for the last event of each object."""


@dataclass(frozen=True)
class Delivery:
    """What the sample says.

    Attributes:
        looked: the objects that were looked for, in key order.
        behind: objects after the last one that was found.
        gaps: objects that were not found although a later one was.
    """

    looked: tuple[SampledObject, ...]
    behind: tuple[StoredObject, ...]
    gaps: tuple[StoredObject, ...]


def follow(objects: Sequence[StoredObject], find: FindLastEvents, most: int) -> Delivery:
    """Looks for at most so many of the objects, which are in key order, and then for where reading ended.

    An object whose last event has no id says nothing.
    """
    sample = spread(objects, most)
    looked = find(sample)
    places = {one.key: place for place, one in enumerate(objects)}
    found = [places[one.key] for one in looked if one.found]
    missing = [places[one.key] for one in looked if one.found is False]
    last_found = max(found, default=-1)
    after = [place for place in missing if place > last_found]
    gaps = tuple(objects[place] for place in missing if place < last_found)
    begin = _first_missing(objects, find, last_found, after[0]) if after else len(objects)
    return Delivery(tuple(looked), tuple(objects[begin:]), gaps)


def _first_missing(objects: Sequence[StoredObject], find: FindLastEvents, found: int, missing: int) -> int:
    """The place of the first object that was not found, between one that was and one that was not."""
    while missing - found > 1:
        middle = (found + missing) // 2
        (seen,) = find([objects[middle]])
        found, missing = (found, middle) if seen.found is False else (middle, missing)
    return missing
