"""The cache: a folder is built once and as a whole, and a missing tool is named."""

from pathlib import Path

import pytest

from local.base import java, paths


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "CACHE", tmp_path / "cache")
    return tmp_path / "cache"


def test_the_same_inputs_are_built_once_and_other_inputs_again() -> None:
    built: list[Path] = []

    first, again, other = (
        java.ensure("thing", inputs, built.append, text="a thing") for inputs in (["1"], ["1"], ["2"])
    )

    assert first == again != other
    assert len(built) == 2


def test_a_build_that_fails_leaves_nothing_behind(cache: Path) -> None:
    def fail(directory: Path) -> None:
        (directory / "half").touch()
        raise java.ToolError("no network")

    with pytest.raises(java.ToolError):
        java.ensure("thing", ["1"], fail, text="a thing")

    assert [file.name for file in cache.iterdir()] == ["thing.lock"]


def test_a_build_removes_what_a_killed_one_left(cache: Path) -> None:
    (cache / "thing.partial" / "half").mkdir(parents=True)

    assert list(java.ensure("thing", ["1"], lambda _: None, text="a thing").iterdir()) == []
    assert not (cache / "thing.partial").exists()


def test_a_missing_tool_is_named_with_its_package() -> None:
    with pytest.raises(
        java.ToolError, match="no-such-tool is not installed: install the Debian package maven"
    ):
        java.run(["no-such-tool"], needs="maven")


def test_the_error_of_a_failed_tool_has_its_output() -> None:
    with pytest.raises(java.ToolError, match=r"cat failed with 1:\n.*/nowhere"):
        java.run(["cat", "/nowhere"], needs="coreutils")
