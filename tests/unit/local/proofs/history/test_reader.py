"""A reader brings a history up to date, as far as the places answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.proofs.history.history import History
from local.proofs.history.places import DeliveredStore, PlaceError, Record, StoredObject
from local.proofs.history.reader import Reader


class Empty:
    """A bucket without an object."""

    def listing(self) -> Iterator[StoredObject]:
        return iter(())

    def read(self, key: str) -> bytes:
        raise KeyError(key)


class ComesBack:
    """A topic whose broker answers the second time."""

    def __init__(self) -> None:
        self._is_back = False

    def new_records(self) -> Iterator[Record]:
        if not self._is_back:
            self._is_back = True
            raise PlaceError("topic audit could not be read to its end")
        yield Record(0, 0, b'{"id": "a"}', 1.0)


def test_what_a_broker_did_not_answer_is_read_the_next_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History()
    reader = Reader(history, Empty(), DeliveredStore(tmp_path / "none.sqlite", "archive"), ComesBack())

    reader.try_to_read()
    assert history.origins == {}
    assert "Kafka cannot be read yet: topic audit could not be read to its end" in capsys.readouterr().out

    reader.try_to_read()
    assert history.origins.keys() == {"a"}
