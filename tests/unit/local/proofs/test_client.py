"""Events are spread unevenly, and only what the broker acknowledged is on record."""

from collections import Counter
from itertools import islice
from pathlib import Path

from local.proofs.client import spread
from local.proofs.history import acknowledged


def shares(count: int, *, single_is_taken: bool) -> Counter[int]:
    return Counter(islice(spread(12, seed=3, single_is_taken=single_is_taken), count))


def test_some_partitions_are_busy_and_one_is_nearly_idle() -> None:
    counted = shares(10_000, single_is_taken=False)
    assert set(counted) == set(range(12))
    assert counted[0] > 10 * counted[4]
    assert 0 < counted[9] < 100


def test_one_partition_gets_a_single_event_over_all_calls() -> None:
    assert shares(10_000, single_is_taken=False)[7] == 1
    assert shares(10_000, single_is_taken=True)[7] == 0


def test_partitions_added_to_the_topic_get_events_too() -> None:
    assert set(islice(spread(16, seed=3, single_is_taken=True), 10_000)) == set(range(16)) - {7}


def test_a_half_written_line_of_the_record_is_left_out(tmp_path: Path) -> None:
    file = acknowledged.file(tmp_path)
    file.parent.mkdir(parents=True)
    file.write_text('{"id": "a", "partition": 1, "offset": 2, "time": "t"}\n{"id": "b", "par')
    assert [event.id for event in acknowledged.read(tmp_path)] == ["a"]


def test_no_record_means_nothing_was_fed(tmp_path: Path) -> None:
    assert list(acknowledged.read(tmp_path)) == []


def test_a_follower_hands_out_each_event_once_and_a_half_written_one_when_it_is_whole(tmp_path: Path) -> None:
    file = acknowledged.file(tmp_path)
    follower = acknowledged.Follower(tmp_path)
    assert list(follower.new()) == []

    file.parent.mkdir(parents=True)
    file.write_text('{"id": "a", "partition": 1, "offset": 2, "time": "t"}\n{"id": "b", "par')
    assert [event.id for event in follower.new()] == ["a"]
    assert [event.id for event in follower.new()] == []

    with file.open("a") as lines:
        lines.write('tition": 1, "offset": 3, "time": "t"}\n')
    assert [event.id for event in follower.new()] == ["b"]
