"""Where reading ended, and what it left out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from scripts.verify.delivery import Delivery, follow
from scripts.verify.model import SampledObject, StoredObject
from tests.unit.scripts.verify.test_unread import stored

OBJECTS = [stored(number * 10, number) for number in range(200)]


@dataclass
class Played:
    """Logz.io has the last events of these places; those of `without_id` have no id."""

    has: set[int]
    without_id: set[int] = field(default_factory=set)
    asked: int = 0

    def __call__(self, objects: Sequence[StoredObject]) -> list[SampledObject]:
        self.asked += len(objects)
        return [self._look(stored) for stored in objects]

    def _look(self, stored: StoredObject) -> SampledObject:
        place = OBJECTS.index(stored)
        if place in self.without_id:
            return SampledObject(stored.key, stored.modified, None, None, None)
        return SampledObject(stored.key, stored.modified, str(place), None, place in self.has)


def followed(played: Played, most: int = 20) -> Delivery:
    return follow(OBJECTS, played, most)


def test_all_that_was_read_leaves_nothing_behind() -> None:
    played = Played(set(range(200)))

    found = followed(played)

    assert (found.behind, found.gaps, len(found.sampled), played.asked) == ((), (), 20, 20)


@pytest.mark.parametrize("end", [0, 1, 57, 100, 198, 199])
def test_the_first_object_that_was_not_read_is_found_with_few_looks(end: int) -> None:
    played = Played(set(range(end)))

    found = followed(played)

    assert found.behind == tuple(OBJECTS[end:])
    assert found.gaps == ()
    assert played.asked < 20 + 9


def test_what_was_left_out_between_is_a_gap() -> None:
    found = followed(Played(set(range(50)) | set(range(150, 200))))

    assert found.behind == ()
    assert found.gaps
    assert set(found.gaps) <= set(OBJECTS[50:150])


def test_an_object_whose_last_event_has_no_id_says_nothing() -> None:
    found = followed(Played(set(), without_id=set(range(200))))

    assert (found.behind, found.gaps) == ((), ())


def test_no_objects_give_an_empty_result() -> None:
    assert follow([], Played(set()), 20) == Delivery((), (), ())
