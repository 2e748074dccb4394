"""Originals against Kafka's records: each byte counts, and where a record ends is known from Kafka alone."""

import gzip

import pytest

from local.proofs.history.originals import Originals
from local.proofs.history.places import StoredObject

TOPIC = "confluent-audit-log-events"
VALUES = [b'{"id": 1}', b"two\nlines\n", b"", b"\xff\x00\n\n", b"last"]


def key(offset: int, partition: int = 3) -> str:
    return f"originals/{TOPIC}/partition={partition}/{TOPIC}+{partition}+{offset:020d}.json.gz"


def listed(name: str, etag: str, modified: float = 1000.0) -> StoredObject:
    return StoredObject(name, etag, modified)


def packed(values: list[bytes]) -> bytes:
    # The same bytes in each of pytest's processes.
    return gzip.compress(b"".join(value + b"\n" for value in values), mtime=0)


def kafka(values: list[bytes | None] | None = None) -> Originals:
    """Records of partition 3 from offset 10 on."""
    made = Originals()
    for offset, value in enumerate(VALUES if values is None else values, 10):
        made.add_record(3, offset, value)
    return made


def test_records_with_line_breaks_of_their_own_are_distinguished() -> None:
    made = kafka()
    made.put_object(listed(key(10), "a"), packed(VALUES))

    assert (made.missing(), made.defects(), made.behind()) == ([], [], 0)


def test_a_record_that_no_object_holds_is_missing() -> None:
    made = kafka()
    made.put_object(listed(key(10), "a"), packed(VALUES[:2]))
    made.put_object(listed(key(13), "b"), packed(VALUES[3:]))

    assert made.missing() == [(3, 12)]
    assert made.behind() == 1
    assert made.defects() == []


def test_a_null_has_no_original_and_a_gap_of_offsets_no_record() -> None:
    made = kafka([b"a", None, b"b"])
    # As a transaction's marker leaves it.
    made.add_record(3, 20, b"c")
    made.put_object(listed(key(10), "a"), packed([b"a", b"b", b"c"]))

    assert (made.missing(), made.defects()) == ([], [])


def test_objects_that_overlap_after_a_crash_are_no_defect() -> None:
    made = kafka()
    made.put_object(listed(key(10), "a"), packed(VALUES[:3]))
    made.put_object(listed(key(11), "b"), packed(VALUES[1:]))

    assert (made.missing(), made.defects()) == ([], [])


def test_an_object_may_be_read_before_its_records_are() -> None:
    made = Originals()
    made.put_object(listed(key(10), "a"), packed(VALUES))
    assert made.missing() == []
    made.add_record(3, 10, VALUES[0])
    assert made.behind() == 0
    for offset, value in enumerate(VALUES[1:], 11):
        made.add_record(3, offset, value)

    assert (made.missing(), made.defects()) == ([], [])


@pytest.mark.parametrize(
    ("name", "body", "what"),
    [
        (key(10), packed([b"another"]), "differs from Kafka's record at offset 10"),
        (key(10), packed([b'{"id": 1}', b"two"]), "differs from Kafka's record at offset 11"),
        (key(10), gzip.compress(b'{"id": 1}', mtime=0), "differs from Kafka's record at offset 10"),
        (key(9), packed(VALUES), "is named after offset 9, where Kafka has no bytes"),
        (key(10), packed([*VALUES, b"more"]), "holds 5 bytes that are no record of Kafka's"),
        (key(10, partition=2), packed(VALUES[:1]), "holds 10 bytes that are no record of Kafka's"),
        (key(10), packed(VALUES)[:-9], "cannot be unpacked: "),
    ],
)
def test_an_object_that_holds_something_else_is_a_defect(name: str, body: bytes, what: str) -> None:
    made = kafka()
    made.put_object(listed(name, "a"), body)

    ((found, problem),) = made.defects()
    assert found == name
    assert problem.startswith(what)


def test_an_object_that_was_written_anew_is_a_defect() -> None:
    made = kafka()
    made.put_object(listed(key(10), "a"), packed(VALUES[:2]))
    assert made.has_object(key(10), "a")
    assert not made.has_object(key(10), "b")
    made.put_object(listed(key(10), "b"), packed(VALUES))

    assert made.defects() == [(key(10), "was written anew")]


def test_an_object_without_compression_is_read() -> None:
    made = kafka()
    made.put_object(listed(key(10).removesuffix(".gz"), "a"), gzip.decompress(packed(VALUES)))

    assert (made.missing(), made.defects()) == ([], [])


def test_an_original_is_kept_since_the_first_object_with_it() -> None:
    made = kafka()
    made.put_object(listed(key(10), "a", 1000.0), packed(VALUES[:3]))
    made.put_object(listed(key(11), "b", 1005.0), packed(VALUES[1:4]))

    assert made.behind() == 1
    assert [made.kept_at(3, offset) for offset in range(10, 15)] == [1000.0, 1000.0, 1000.0, 1005.0, None]
