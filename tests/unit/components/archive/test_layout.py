"""Keys sort as Logz.io must read them, and are taken apart as they were built."""

import pytest

from components.archive import layout
from components.archive.layout import DataKey

TOPIC = "confluent-audit-log-events"
PREFIX = f"topics/{TOPIC}/partition=3/"
BARE = f"{TOPIC}+3+{17:020d}.json.gz"
MOMENT = 1_795_672_862_123
"""2026-11-26 06:01:02.123 UTC"""


def stamped(opened: int, offset: int = 17) -> str:
    return f"{layout.stamped_start('topics', TOPIC, 3, opened)}/{TOPIC}+3+{offset:020d}.json.gz"


def test_a_stamp_is_a_time_that_a_person_can_read() -> None:
    assert layout.stamp(MOMENT) == "20261126T060102.123Z"


def test_a_key_with_a_stamp_is_taken_apart() -> None:
    assert layout.parse_data_key(f"{PREFIX}{TOPIC}-20261126T060102.123Z/{BARE}") == DataKey(
        TOPIC, 3, 17, ".json.gz", MOMENT
    )
    assert stamped(MOMENT) == f"{PREFIX}{TOPIC}-20261126T060102.123Z/{BARE}"


def test_a_key_without_a_stamp_is_taken_apart() -> None:
    assert layout.parse_data_key(PREFIX + BARE) == DataKey(TOPIC, 3, 17, ".json.gz", None)
    assert layout.key_start("topics", TOPIC, 3, 17) + ".json.gz" == PREFIX + BARE


@pytest.mark.parametrize(
    "key",
    [
        f"{PREFIX}{layout.SENTINEL_NAME}",
        f"{PREFIX}{TOPIC}-20261126T060102.123Z/",
        f"{PREFIX}20261126T060102.123Z/{BARE}",
        f"{PREFIX}other-20261126T060102.123Z/{BARE}",
        f"{PREFIX}{TOPIC}-20261126T060102Z/{BARE}",
        f"{PREFIX}{TOPIC}-99999999T999999.999Z/{BARE}",
        f"{PREFIX}{TOPIC}-20261126T060102.123Z/{TOPIC}+4+{17:020d}.json.gz",
    ],
)
def test_what_the_sink_would_not_write_is_no_data_object(key: str) -> None:
    assert layout.parse_data_key(key) is None


@pytest.mark.parametrize("opened", [0, 999, MOMENT, MOMENT + 1, 253_402_300_799_999])
def test_a_stamp_survives_being_written_and_read(opened: int) -> None:
    key = layout.parse_data_key(stamped(opened))
    assert key is not None
    assert key.opened == opened


def test_the_template_gives_the_start_of_any_partition() -> None:
    template = layout.stamped_template("a/b")
    assert template.format(topic=TOPIC, partition=11) == layout.stamped_start("a/b", TOPIC, 11)


def test_stamps_sort_as_their_times() -> None:
    minute, year = 60_000, 366 * 86_400_000
    times = [0, 1, 999, 1000, MOMENT - 1, MOMENT, MOMENT + minute, MOMENT + year, 253_402_300_799_999]
    assert sorted(map(layout.stamp, times)) == [layout.stamp(one) for one in times]


def test_a_later_file_sorts_later_whatever_offset_it_begins_with() -> None:
    assert stamped(MOMENT, offset=900) < stamped(MOMENT + 1, offset=3)


def test_the_sentinel_sorts_first_then_keys_without_a_stamp_then_those_with_one() -> None:
    largest = layout.key_start("topics", TOPIC, 3, 10**20 - 1) + ".json.gz"
    keys = [
        layout.sentinel_key("topics", TOPIC, 3),
        PREFIX + BARE,
        largest,
        layout.stamped_start("topics", TOPIC, 3),
        stamped(0),
        layout.stamped_start("topics", TOPIC, 3, MOMENT),
        stamped(MOMENT),
    ]
    assert sorted(keys) == keys
    # A bare time would sort before what was read already.
    assert f"{PREFIX}20261126T060102.123Z/{BARE}" < PREFIX + BARE
