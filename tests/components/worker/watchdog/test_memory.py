from pathlib import Path

from components.worker.files.watchdog.memory import Memory


def test_a_memory_that_cannot_be_read_is_a_new_one(tmp_path: Path) -> None:
    for text in ("", "[]", '{"unknown": 1}', '{"pid": 1'):
        (tmp_path / "memory.json").write_text(text)
        assert Memory.read(tmp_path / "memory.json") == Memory()
    assert Memory.read(tmp_path / "none.json") == Memory()


def test_memory_comes_back_as_it_was_left(tmp_path: Path) -> None:
    memory = Memory(pid=1, attempts=2, next_attempt=3.5, moved_at=4.0, waiting_since={"t-0": 5.0})
    memory.write(tmp_path / "memory.json")

    assert Memory.read(tmp_path / "memory.json") == memory
