"""The accounts, with planted losses and duplicates."""

import gzip
import json

from local.proofs.chaos.ledger import Account, Books, Ledger, lines_of

KEY = (
    "topics/confluent-audit-log-events/partition=3/confluent-audit-log-events+3+00000000000000000000.json.gz"
)


ORIGINAL = KEY.replace("topics", "originals", 1)


def body(*ids: str) -> bytes:
    return gzip.compress("".join(json.dumps({"id": id_, "data": {}}) + "\n" for id_ in ids).encode())


def ledger(archived: list[str], delivered: list[str]) -> Ledger:
    made = Ledger()
    add(made, archived, delivered)
    return made


def add(made: Ledger, archived: list[str], delivered: list[str]) -> None:
    made.add_object(KEY, body(*archived))
    made.add_original(ORIGINAL, body(*archived))
    for one in delivered:
        made.add_delivered(json.dumps({"id": one}))


def test_an_event_that_stands_in_both_places_is_not_lost() -> None:
    assert Books(ledger(["a", "b"], ["b", "a"])).close(["a", "b"]) == Account(0, 0, 0)


def test_an_event_that_one_place_does_not_have_is_lost() -> None:
    made = ledger(["a", "b"], ["a", "c"])
    assert made.absent(["a", "b", "c", "d"]) == {"b", "c", "d"}
    assert made.unarchived(["a", "b", "c", "d"]) == {"c", "d"}
    assert made.undelivered(["a", "b", "c", "d"]) == {"b", "d"}
    assert Books(made).close(["a", "b", "c", "d"]) == Account(2, 2, 0)


def test_what_logzio_alone_lacks_is_counted_apart() -> None:
    made = ledger(["a", "b"], ["a"])
    books = Books(made)
    assert books.close(["a", "b"]) == Account(0, 1, 0)
    assert books.lost == {"b"}
    assert books.close(["a", "b"]) == Account(0, 0, 0)


def test_an_event_that_logzio_could_not_index_is_lost_there() -> None:
    made = ledger(["a", "b"], ["a"])
    made.add_delivered(json.dumps({"id": "b", "type": "logzio-index-failure", "tags": ["why"]}))
    assert made.undelivered(["a", "b"]) == {"b"}
    assert Books(made).close(["a", "b"]) == Account(lost_in_bucket=0, lost_in_logzio=1, duplicates=0)


def test_an_event_without_an_original_is_lost_in_the_bucket() -> None:
    made = Ledger()
    made.add_object(KEY, body("a", "b"))
    made.add_original(ORIGINAL, body("a", "a"))
    for one in ("a", "b"):
        made.add_delivered(json.dumps({"id": one}))

    assert made.absent(["a", "b"]) == {"b"}
    # Copies of an original are no duplicates: Logz.io reads none.
    assert Books(made).close(["a", "b"]) == Account(lost_in_bucket=1, lost_in_logzio=0, duplicates=0)


def test_a_loss_is_counted_in_one_row_only() -> None:
    books = Books(ledger(["a"], ["a"]))
    assert books.close(["a", "b"]) == Account(1, 1, 0)
    assert books.close(["a", "b", "c"]) == Account(1, 1, 0)
    assert books.close(["a", "b", "c"]) == Account(0, 0, 0)


def test_what_is_fed_after_a_row_was_closed_can_be_lost_in_the_next() -> None:
    made = ledger(["a"], ["a"])
    books = Books(made)
    assert books.close(["a"]) == Account(0, 0, 0)
    assert books.close(["a", "b"]) == Account(1, 1, 0)


def test_copies_count_in_the_place_that_has_more_of_them() -> None:
    made = ledger([], [])
    books = Books(made)
    add(made, ["a", "a", "a", "b"], ["a", "a", "b"])
    assert books.close(["a", "b"]) == Account(0, 0, 2)


def test_copies_count_in_the_row_that_brought_them() -> None:
    made = ledger(["a", "a"], ["a", "a"])
    books = Books(made)
    add(made, ["b"], ["b"])
    assert books.close(["a", "b"]) == Account(0, 0, 0)
    add(made, ["a", "b"], ["a", "b"])
    assert books.close(["a", "b"]) == Account(0, 0, 2)


def test_an_object_that_cannot_be_unpacked_holds_no_event() -> None:
    assert lines_of(KEY, b"not gzip") == []
    assert lines_of(KEY, body("a")[:-9]) == []


def test_a_line_that_is_no_event_is_no_copy_of_one() -> None:
    made = Ledger()
    made.add_object(KEY, gzip.compress(b'nonsense\n[1]\n{"id": 5}\n{"id": "a"}\n'))
    made.add_original(ORIGINAL, body("a"))
    made.add_delivered('{"id": "a"}')
    assert made.absent(["a", "nonsense", "5"]) == {"nonsense", "5"}
