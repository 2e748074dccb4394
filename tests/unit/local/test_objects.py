"""Contents of archived objects."""

import gzip

import pytest

from local.base import objects

PACKED = gzip.compress(b'{"a": 1}\n\r\x0b\n', mtime=0)


def test_an_object_is_unpacked_by_its_keys_ending() -> None:
    assert objects.lines("x.json.gz", PACKED) == [b'{"a": 1}', b"\r\x0b"]
    assert objects.lines("x.json", b"a\n\nb") == [b"a", b"", b"b"]
    assert objects.lines("x.json", b"") == []


@pytest.mark.parametrize(
    "damaged",
    [b"no gzip", PACKED[:-9], PACKED[:12] + b"\xff" + PACKED[13:]],
    # The bytes hold the time at which they were packed.
    ids=["no gzip", "cut short", "another byte"],
)
def test_damaged_gzip_has_one_error(damaged: bytes) -> None:
    with pytest.raises(objects.UnreadableError):
        objects.content("x.json.gz", damaged)


@pytest.mark.parametrize("line", ["", "[1]", "1", "{", b"\xff", "[" * 100_000])
def test_what_is_not_a_json_object_is_none(line: str | bytes) -> None:
    assert objects.json_object(line) is None


def test_a_json_object_is_parsed() -> None:
    assert objects.json_object(b'{"a": 1}') == {"a": 1}
