from pathlib import Path

import pytest

from components.worker.files.watchdog.memory import ConnectorMemory, Memory

LEFT = Memory(
    pid=1,
    measured_at=7.0,
    connectors={
        "sink": ConnectorMemory(
            attempts=2,
            next_attempt=3.5,
            moved_at=4.0,
            due_at={"t-0": 5.0},
            skipped={"t-0": [3]},
            empty_to={"t-0": 9},
            expired_to={"t-1": 4},
        )
    },
)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"unknown": 1}', '{"pid": 1', '{"connectors": {"sink": {"unknown": 1}}}', "null"]
)
def test_a_memory_that_cannot_be_read_is_a_new_one(tmp_path: Path, text: str) -> None:
    for name in ("memory.json", "offsets.json"):
        (tmp_path / name).write_text(text)

    assert Memory.read(tmp_path / "memory.json", tmp_path / "offsets.json") == Memory()


def test_a_memory_that_is_not_there_is_a_new_one(tmp_path: Path) -> None:
    assert Memory.read(tmp_path / "none.json", tmp_path / "none.json") == Memory()


def test_memory_comes_back_as_it_was_left(tmp_path: Path) -> None:
    LEFT.write(tmp_path / "memory.json")

    assert Memory.read(tmp_path / "memory.json", tmp_path / "none.json") == LEFT


def test_after_a_boot_offsets_are_known_and_no_time_is(tmp_path: Path) -> None:
    LEFT.write_lasting(tmp_path / "offsets.json")

    assert Memory.read(tmp_path / "none.json", tmp_path / "offsets.json") == Memory(
        connectors={"sink": ConnectorMemory(skipped={"t-0": [3]}, empty_to={"t-0": 9}, expired_to={"t-1": 4})}
    )
