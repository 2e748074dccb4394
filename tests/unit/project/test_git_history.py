import subprocess
from pathlib import Path

import pytest

from tests.engine.git_history import HistoryError, extract


def git(repository: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(repository), *identity, *arguments]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits; the second one changes what the first one has."""
    made = tmp_path / "repository"
    (made / "components").mkdir(parents=True)
    git(made, "init", "--quiet")
    for content in ("old", "new"):
        (made / "components" / "code.py").write_text(content)
        (made / "other.py").write_text(content)
        git(made, "add", ".")
        git(made, "commit", "--quiet", "--message", content)
    return made


def test_only_the_named_files_are_extracted_unchanged(repository: Path, tmp_path: Path) -> None:
    extract(git(repository, "rev-parse", "HEAD~1"), ["components"], tmp_path / "old", repository)

    files = [file.relative_to(tmp_path / "old") for file in (tmp_path / "old").rglob("*.py")]
    assert files == [Path("components/code.py")]
    assert (tmp_path / "old" / "components" / "code.py").read_text() == "old"


def test_a_shallow_clone_is_told_how_to_get_the_commit(repository: Path, tmp_path: Path) -> None:
    first = git(repository, "rev-parse", "HEAD~1")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", str(shallow))

    with pytest.raises(HistoryError, match="git fetch --unshallow"):
        extract(first, ["components"], tmp_path / "old", shallow)


def test_a_file_that_the_commit_does_not_have_is_named(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"missing\.py"):
        extract(git(repository, "rev-parse", "HEAD"), ["missing.py"], tmp_path / "old", repository)
