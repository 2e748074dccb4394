"""Files that appear whole."""

import stat
from pathlib import Path

import pytest

from local.base.files import write_atomically


def test_a_file_is_written_with_its_folder_and_its_permissions(tmp_path: Path) -> None:
    file = tmp_path / "new" / "users.json"
    write_atomically(file, "{}", mode=0o600)
    assert file.read_text() == "{}"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_open_file_keeps_its_former_content(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("before")
    with file.open() as reader:
        write_atomically(file, b"after")
        assert reader.read() == "before"
    assert file.read_text() == "after"


def test_a_write_that_fails_changes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("before")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(file, "\udc80")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert file.read_text() == "before"
