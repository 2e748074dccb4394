import random

import pytest

from components import layout
from scripts.archive import Archive
from tests.scripts.played_bucket import BUCKET, TOPIC, TOPICS_DIR, PlayedBucket


def archive(bucket: PlayedBucket) -> Archive:
    return Archive(bucket, BUCKET, TOPICS_DIR)


@pytest.mark.parametrize("offsets", [[0], [7], [0, 1], [0, 5000, 10_000], [3, 4, 5, 999_999_999_999]])
def test_the_newest_object_is_the_one_with_the_largest_offset(offsets: list[int]) -> None:
    bucket = PlayedBucket()
    for offset in offsets:
        bucket.put(1, offset)

    assert archive(bucket).last_offset(TOPIC, 1) == max(offsets)


def test_objects_of_another_partition_whose_number_begins_alike_do_not_count() -> None:
    bucket = PlayedBucket()
    bucket.put(1, 5)
    bucket.put(10, 900)

    assert archive(bucket).last_offset(TOPIC, 1) == 5


def test_a_partition_with_nothing_but_its_sentinel_has_no_newest_object() -> None:
    bucket = PlayedBucket({layout.sentinel_key(TOPICS_DIR, TOPIC, 0): b""})

    assert archive(bucket).last_offset(TOPIC, 0) is None
    assert archive(bucket).first_key_from(TOPIC, 0, 0) is None


def test_few_listings_find_it_among_many() -> None:
    bucket, chance = PlayedBucket(), random.Random(4711)  # noqa: S311  # the same each time
    offset = 0
    for _ in range(2000):
        bucket.put(0, offset)
        offset += chance.randint(1, 6000)

    found = archive(bucket).last_offset(TOPIC, 0)

    assert found == max(
        known.start_offset for key in bucket.objects if (known := layout.parse_data_key(key)) is not None
    )
    assert bucket.listings < 60


@pytest.mark.parametrize("extension", [".json.gz", ".json"])
def test_events_are_read_and_what_is_none_is_left_out(extension: str) -> None:
    bucket = PlayedBucket()
    bucket.put(0, 0, {"id": "a"}, "no json", "[1]", {"id": "b"}, extension=extension)
    (key,) = bucket.objects

    assert [event["id"] for event in archive(bucket).events(key)] == ["a", "b"]
