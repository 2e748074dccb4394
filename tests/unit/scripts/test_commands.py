"""make verify and make replay as commands: what ends them before they begin, and where a page is written."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from scripts.access import Access
from scripts.replay import __main__ as replay
from scripts.verify import __main__ as verify
from scripts.verify.model import Report
from tests.unit.scripts.verify.test_evaluate import report


def run(main: object, *arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(main)  # type: ignore[type-var]  # any function
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.output


class Played:
    """A collector that has seen a chain in order."""

    def report(self) -> Report:
        return report()


@pytest.fixture(autouse=True)
def _no_pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def test_an_unreadable_stack_does_not_count_as_broken() -> None:
    code, told = run(verify.main, "--stack", "prod")

    assert code == 2
    assert "error: there is no `pulumi` on PATH" in told


def test_the_page_is_written_beside_the_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Access, "of", lambda _: None)
    monkeypatch.setattr(verify, "Collector", lambda *_: Played())
    file = tmp_path / "new" / "report.html"

    code, told = run(verify.main, "--stack", "prod", "--json", "--html", str(file))

    assert code == 0
    assert "stack prod" in file.read_text()
    printed, _, path = told.rpartition("the report as a page: ")
    assert json.loads(printed)["stack"] == "prod"
    assert path.strip() == str(file)


def test_a_page_that_cannot_be_written_names_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Access, "of", lambda _: None)
    monkeypatch.setattr(verify, "Collector", lambda *_: Played())
    (tmp_path / "file").touch()

    code, told = run(verify.main, "--stack", "prod", "--html", str(tmp_path / "file" / "report.html"))

    assert code == 2
    assert "error: --html" in told
    assert str(tmp_path / "file") in told
    assert "stack prod: in order" in told


def test_a_replay_needs_a_selection() -> None:
    code, told = run(replay.main, "--stack", "prod")

    assert code == 2
    assert "exactly one of" in told


def test_an_invalid_time_is_refused_with_the_accepted_format() -> None:
    code, told = run(replay.main, "--stack", "prod", "--from", "yesterday")

    assert code == 2
    assert "accepted is ISO 8601" in told


def test_a_stack_that_cannot_be_read_sends_nothing() -> None:
    code, told = run(replay.main, "--stack", "prod", "--unread", "--yes")

    assert code == 2
    assert "pulumi" in told
