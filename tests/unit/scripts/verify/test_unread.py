"""Which objects a reader in key order passes by."""

from datetime import UTC, datetime, timedelta

import pytest

from components.archive import layout
from components.logzio.facts import MAX_OBJECT_BYTES
from scripts.verify.model import StoredObject, UnreadReason
from scripts.verify.unread import Listing, nearest, read_listing, spread

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=30)
PREFIX = layout.partition_prefix("topics", "audit", 0)


def stored(offset: int, minute: float, size: int = 100) -> StoredObject:
    key = layout.key_start("topics", "audit", 0, offset) + ".json.gz"
    return StoredObject(key, size, NOON + timedelta(minutes=minute))


def read(*objects: StoredObject, created_at: datetime | None = None, registered: bool = True) -> Listing:
    in_order = sorted(objects, key=lambda stored: stored.key)
    return read_listing(in_order, since=LONG_AGO, created_at=created_at, registered=registered)


def test_objects_that_were_written_in_the_order_of_their_keys_are_all_read() -> None:
    found = read(stored(0, 0), stored(5, 1), stored(9, 1), stored(20, 30))

    assert found.suspects == {}
    assert found.plain == found.objects
    assert found.newest == stored(20, 30)


def test_an_object_written_after_one_that_sorts_later_is_unread() -> None:
    late = stored(6, 10)

    found = read(stored(0, 0), stored(5, 1), late, stored(9, 2), stored(20, 11))

    assert found.suspects == {late.key: UnreadReason.ORDER}
    assert late not in found.plain


def test_all_late_objects_are_reported() -> None:
    late = [stored(1, 10), stored(2, 11), stored(3, 12)]

    found = read(stored(0, 0), *late, stored(9, 5), stored(20, 13))

    assert list(found.suspects) == [stored.key for stored in late]


def test_an_old_object_outside_of_the_days_still_shows_what_was_read() -> None:
    old = StoredObject(stored(9, 0).key, 100, LONG_AGO - timedelta(days=1))

    found = read_listing([stored(5, 1), old], since=LONG_AGO, created_at=None)

    assert found.suspects == {stored(5, 1).key: UnreadReason.ORDER}
    assert (found.objects, found.newest) == ([stored(5, 1)], old)


def test_what_is_older_than_its_registration_is_never_read() -> None:
    found = read(stored(0, 0), stored(5, 10), created_at=NOON + timedelta(minutes=5))

    assert found.suspects == {stored(0, 0).key: UnreadReason.BEFORE}


def test_an_object_that_is_too_large_is_never_read() -> None:
    found = read(stored(0, 0, MAX_OBJECT_BYTES), stored(5, 1, MAX_OBJECT_BYTES + 1))

    assert found.suspects == {stored(5, 1).key: UnreadReason.SIZE}


def test_nothing_is_read_of_a_folder_that_no_registration_reads() -> None:
    found = read(stored(0, 0), stored(5, 1), registered=False)

    assert set(found.suspects.values()) == {UnreadReason.PREFIX}
    assert len(found.suspects) == 2


def test_somebody_elses_object_that_sorts_last_hides_all_that_come_after_it() -> None:
    foreign = StoredObject(PREFIX + "zzz.txt", 1, NOON + timedelta(minutes=3))

    found = read(stored(0, 0), stored(5, 10), foreign)

    assert found.foreign == [foreign.key]
    assert found.suspects == {stored(5, 10).key: UnreadReason.ORDER}


def test_the_sentinel_and_other_objects_before_all_events_are_ignored() -> None:
    sentinel = StoredObject(layout.sentinel_key("topics", "audit", 0), 0, LONG_AGO)

    found = read(sentinel, stored(0, 0))

    assert (found.foreign, found.suspects, found.objects) == ([], {}, [stored(0, 0)])


@pytest.mark.parametrize(("count", "most"), [(0, 5), (3, 5), (5, 5), (100, 1), (100, 7), (8, 7)])
def test_a_sample_is_spread_in_order_and_has_the_last_one(count: int, most: int) -> None:
    objects = [stored(number, number) for number in range(count)]

    sample = spread(objects, most)

    assert len(sample) == min(count, most)
    assert sample == sorted(set(sample), key=lambda stored: stored.key)
    assert sample[-1:] == objects[-1:]


def test_the_object_that_may_hold_a_committed_event_begins_at_it_or_before() -> None:
    objects = [stored(0, 0), stored(50, 1), stored(101, 2), stored(150, 3)]

    assert nearest(objects, 100) == [stored(50, 1), stored(0, 0)]
