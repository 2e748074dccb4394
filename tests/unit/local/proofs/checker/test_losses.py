"""What the checker counts by ids alone, with planted losses and duplicates."""

import gzip
import json

import pytest

from local.proofs.checker.checker import Checker, Losses
from local.proofs.history.history import History
from local.proofs.history.places import DeliveredLine, Record, StoredObject

TOPIC = "confluent-audit-log-events"
NONE = Losses(0, 0, 0)


def key(folder: str, offset: int) -> str:
    return f"{folder}/{TOPIC}/partition=3/{TOPIC}+3+{offset:020d}.json.gz"


class Chain:
    """A history that Kafka's records, objects and rows are added to; `time` goes on with each step."""

    def __init__(self, archived: str = "", delivered: str = "") -> None:
        """Each letter is an event's id."""
        self.history = History()
        self.checker = Checker(self.history)
        self.time = 1000.0
        self._offset = 0
        self.add(archived, delivered)

    def add(self, archived: str, delivered: str) -> None:
        """One record, copy and original for each letter, then a row for each letter."""
        if archived:
            start = self._offset
            self.produce(archived)
            self.archive("topics", start, archived)
            self.archive("originals", start, archived)
        for event_id in delivered:
            self.deliver({"id": event_id})

    def produce(self, ids: str) -> None:
        for event_id in ids:
            self.history.add_record(Record(3, self._offset, value(event_id), 1000.0))
            self._offset += 1

    def archive(self, folder: str, start: int, ids: str) -> None:
        self.time += 1
        body = gzip.compress(b"".join(value(event_id) + b"\n" for event_id in ids))
        self.history.put_object(StoredObject(key(folder, start), str(self.time), self.time), body)

    def deliver(self, event: dict[str, object]) -> None:
        self.time += 1
        self.history.add_delivered(DeliveredLine("key", 1, json.dumps(event), self.time))


def value(event_id: str) -> bytes:
    return json.dumps({"id": event_id, "data": {}}).encode()


def test_an_event_that_is_in_both_places_is_not_lost() -> None:
    assert Chain("ab", "ba").checker.new_losses("ab") == NONE


def test_an_event_that_one_place_does_not_have_is_lost() -> None:
    checker = Chain("ab", "ac").checker
    assert checker.absent("abcd") == {"b", "c", "d"}
    assert checker.unarchived("abcd") == {"c", "d"}
    assert checker.undelivered("abcd") == {"b", "d"}
    assert checker.new_losses("abcd") == Losses(2, 2, 0)


def test_what_logzio_alone_lacks_is_counted_apart() -> None:
    checker = Chain("ab", "a").checker
    assert checker.new_losses("ab") == Losses(0, 1, 0)
    assert checker.lost == {"b"}
    assert checker.new_losses("ab") == NONE


def test_an_event_that_logzio_could_not_index_is_lost_there() -> None:
    chain = Chain("ab", "a")
    chain.deliver({"id": "b", "type": "logzio-index-failure", "tags": ["why"]})
    assert chain.checker.undelivered("ab") == {"b"}
    assert chain.checker.unshown("ab") == set()
    assert chain.checker.new_losses("ab") == Losses(lost_in_bucket=0, lost_in_logzio=1, duplicates=0)


def test_an_event_without_an_original_is_lost_in_the_bucket() -> None:
    chain = Chain(delivered="ab")
    chain.produce("ab")
    chain.archive("topics", 0, "ab")
    chain.archive("originals", 0, "a")
    assert chain.checker.absent("ab") == {"b"}
    assert chain.checker.new_losses("ab") == Losses(lost_in_bucket=1, lost_in_logzio=0, duplicates=0)


def test_copies_of_an_original_are_no_duplicates() -> None:
    chain = Chain("ab", "ab")
    # As after a rewind: Logz.io reads none of them.
    chain.archive("originals", 1, "b")
    assert chain.checker.new_losses("ab") == NONE


def test_an_event_that_was_not_read_from_kafka_has_no_original() -> None:
    assert Chain("a", "ab").checker.unkept("ab") == {"b"}


def test_a_loss_is_counted_in_one_row_only() -> None:
    checker = Chain("a", "a").checker
    assert checker.new_losses("ab") == Losses(1, 1, 0)
    assert checker.new_losses("abc") == Losses(1, 1, 0)
    assert checker.new_losses("abc") == NONE


def test_an_event_produced_after_a_row_can_be_lost_in_the_next() -> None:
    checker = Chain("a", "a").checker
    assert checker.new_losses("a") == NONE
    assert checker.new_losses("ab") == Losses(1, 1, 0)


def test_copies_count_in_the_place_that_has_more_of_them() -> None:
    chain = Chain("ab", "aab")
    chain.archive("topics", 9, "aa")
    assert chain.checker.new_losses("ab") == Losses(0, 0, 2)


def test_copies_count_in_the_row_that_brought_them() -> None:
    chain = Chain("ab", "aab")
    assert chain.checker.new_losses("ab") == Losses(0, 0, 1)
    assert chain.checker.new_losses("ab") == NONE
    chain.archive("topics", 9, "ab")
    chain.deliver({"id": "b"})
    # The second copy of `a` in the bucket came late: Logz.io's was counted.
    assert chain.checker.new_losses("ab") == Losses(0, 0, 1)


@pytest.mark.parametrize("body", [b"not gzip", gzip.compress(value("a"), mtime=0)[:-9]])
def test_an_object_that_cannot_be_unpacked_holds_no_event(body: bytes) -> None:
    chain = Chain()
    chain.history.put_object(StoredObject(key("topics", 0), "etag", 1.0), body)
    assert chain.checker.unarchived("a") == {"a"}


def test_a_line_that_is_not_an_event_is_no_copy_of_one() -> None:
    chain = Chain()
    body = gzip.compress(b'nonsense\n[1]\n{"id": 5}\n{"id": "a"}\n')
    chain.history.put_object(StoredObject(key("topics", 0), "etag", 1.0), body)
    assert chain.checker.unarchived(["a", "nonsense", "5"]) == {"nonsense", "5"}


def test_events_are_complete_once_the_last_one_is_kept_and_indexed() -> None:
    chain = Chain("a", "a")
    indexed_at = chain.time
    chain.add("b", "b")
    both_at = chain.time
    assert chain.checker.complete_at("a") == indexed_at
    assert chain.checker.complete_at("ab") == both_at
    assert chain.checker.complete_at("") == 0


def test_a_late_original_and_not_a_second_copy_says_when_an_event_is_complete() -> None:
    chain = Chain(delivered="a")
    chain.produce("a")
    chain.archive("topics", 0, "a")
    chain.archive("originals", 0, "a")
    kept_at = chain.time
    chain.deliver({"id": "a"})
    assert chain.checker.complete_at("a") == kept_at
