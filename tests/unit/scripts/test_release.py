import tomllib
from datetime import date
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from scripts import release

app = Typer()
app.command()(release.main)

TODAY = date(2026, 12, 1)
BEFORE = """\
# Changelog

## [Unreleased]

### Before `pulumi up`

1. Set a setting.

### Added

- A thing.

## [0.1.0] - 2026-11-25

### Added

- The first thing.
"""
PROJECT = '[project]\nname = "x"\nversion = "0.1.0"\n\n[tool.y]\nversion = "0.1.0"\n'


def test_what_was_unreleased_gets_the_version_and_the_day() -> None:
    after = release.changelog(BEFORE, "0.2.0", TODAY)

    assert after == BEFORE.replace(
        "## [Unreleased]\n",
        "## [Unreleased]\n\n### Before `pulumi up`\n\nNothing.\n\n## [0.2.0] - 2026-12-01\n",
    )


def test_the_second_release_finds_nothing_to_release() -> None:
    with pytest.raises(ValueError, match="nothing under"):
        release.changelog(release.changelog(BEFORE, "0.2.0", TODAY), "0.3.0", TODAY)


def test_a_release_must_say_what_to_do_before_up() -> None:
    with pytest.raises(ValueError, match="must begin with '### Before `pulumi up`'"):
        release.changelog(
            BEFORE.replace("### Before `pulumi up`\n\n1. Set a setting.\n\n", ""), "0.2.0", TODAY
        )


def test_only_the_projects_version_changes() -> None:
    assert release.pyproject(PROJECT, "0.2.0") == PROJECT.replace("0.1.0", "0.2.0", 1)


@pytest.mark.parametrize("version", ["0.1.0", "0.0.9", "0.2", "v0.2.0", "0.2.0rc1", "0.02.0", ""])
def test_a_version_that_is_not_above_the_last_one_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        release.pyproject(PROJECT, version)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(release, "ROOT", tmp_path)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "CHANGELOG.md").write_text(BEFORE)
    return tmp_path


def test_both_files_are_written(project: Path) -> None:
    done = CliRunner().invoke(app, ["0.2.0"])

    assert done.exit_code == 0, done.output
    assert tomllib.loads((project / "pyproject.toml").read_text())["project"]["version"] == "0.2.0"
    assert "\n## [0.2.0] - " in (project / "CHANGELOG.md").read_text()


def test_neither_file_is_written_if_one_cannot_be(project: Path) -> None:
    (project / "CHANGELOG.md").write_text("# Changelog\n")

    done = CliRunner().invoke(app, ["0.2.0"])

    assert done.exit_code == 1
    assert "nothing under [Unreleased]" in done.output
    assert (project / "pyproject.toml").read_text() == PROJECT


def test_the_changelog_of_the_project_can_be_released() -> None:
    root = Path(__file__).parents[3]
    after = release.changelog((root / "CHANGELOG.md").read_text(), "99.0.0", TODAY)

    assert after.count("## [Unreleased]") == 1
    assert "\n## [99.0.0] - 2026-12-01\n\n### Before `pulumi up`\n" in after
