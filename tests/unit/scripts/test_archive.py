import random

import pytest

from components.archive import layout
from scripts.archive import Archive
from tests.unit.scripts.played_bucket import BUCKET, TOPIC, TOPICS_DIR, PlayedBucket

NOW = 1_795_672_862_123
MINUTE = 60_000
YEAR = 366 * 86_400_000


def archive(bucket: PlayedBucket) -> Archive:
    return Archive(bucket, BUCKET, TOPICS_DIR, clock=lambda: NOW / 1000)


@pytest.mark.parametrize("offsets", [[0], [7], [0, 1], [0, 5000, 10_000], [3, 4, 5, 999_999_999_999]])
def test_without_stamps_the_newest_object_is_the_one_with_the_largest_offset(offsets: list[int]) -> None:
    bucket = PlayedBucket()
    keys = [bucket.put(1, offset) for offset in offsets]

    assert archive(bucket).newest_key(TOPIC, 1) == keys[-1]


@pytest.mark.parametrize(
    "ages", [[0], [YEAR], [5 * MINUTE, 0], [YEAR, 2], [3, 2, 1], [2 * MINUTE, -MINUTE], [-YEAR], [0, 0]]
)
def test_with_stamps_the_newest_object_is_the_one_that_was_opened_last(ages: list[int]) -> None:
    bucket = PlayedBucket()
    keys = [bucket.put(1, 100 + number, opened=NOW - age) for number, age in enumerate(ages)]

    assert archive(bucket).newest_key(TOPIC, 1) == keys[-1]


def test_an_object_with_a_stamp_is_newer_than_all_without_one() -> None:
    bucket = PlayedBucket()
    bucket.put(1, 9_000)
    newest = bucket.put(1, 20, opened=NOW - YEAR)

    assert archive(bucket).newest_key(TOPIC, 1) == newest


def test_objects_of_another_partition_whose_number_begins_alike_do_not_count() -> None:
    bucket = PlayedBucket()
    mine = bucket.put(1, 5)
    bucket.put(10, 900)
    bucket.put(10, 900, opened=NOW)

    assert archive(bucket).newest_key(TOPIC, 1) == mine


def test_a_partition_with_nothing_but_its_sentinel_has_no_newest_object() -> None:
    bucket = PlayedBucket({layout.sentinel_key(TOPICS_DIR, TOPIC, 0): b""})

    assert archive(bucket).newest_key(TOPIC, 0) is None
    assert archive(bucket).first_key_after(TOPIC, 0, None) is None


def test_what_comes_after_an_object_is_what_sorts_after_it() -> None:
    bucket = PlayedBucket({layout.sentinel_key(TOPICS_DIR, TOPIC, 0): b""})
    old, first, second = bucket.put(0, 50), bucket.put(0, 51, opened=NOW), bucket.put(0, 3, opened=NOW + 1)

    after = [archive(bucket).first_key_after(TOPIC, 0, key) for key in (None, old, first, second)]

    assert after == [old, first, second, None]


@pytest.mark.parametrize("stamped", [False, True])
@pytest.mark.parametrize("quiet", [0, YEAR], ids=["busy until now", "quiet for a year"])
def test_few_listings_find_it_among_many(stamped: bool, quiet: int) -> None:
    bucket, chance = PlayedBucket(), random.Random(4711)  # noqa: S311  # the same each time
    offset, opened, newest = 0, NOW - quiet - 5000 * MINUTE, ""
    for _ in range(5000):
        newest = bucket.put(0, offset, opened=opened if stamped else None)
        offset += chance.randint(1, 6000)
        opened += chance.randint(1, MINUTE)

    assert archive(bucket).newest_key(TOPIC, 0) == newest
    assert bucket.listings < 60


def test_files_that_were_opened_in_the_same_millisecond_do_not_keep_it_searching() -> None:
    bucket = PlayedBucket()
    keys = [bucket.put(0, number, opened=NOW) for number in range(2500)]

    assert archive(bucket).newest_key(TOPIC, 0) == keys[-1]
    assert bucket.listings < 60


@pytest.mark.parametrize("extension", [".json.gz", ".json"])
def test_events_are_read_and_what_is_none_is_left_out(extension: str) -> None:
    bucket = PlayedBucket()
    bucket.put(0, 0, {"id": "a"}, "no json", "[1]", {"id": "b"}, extension=extension)
    (key,) = bucket.objects

    assert [event["id"] for event in archive(bucket).events(key)] == ["a", "b"]
