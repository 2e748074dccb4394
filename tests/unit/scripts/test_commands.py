"""make verify and make replay as commands: what ends them before they begin."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from scripts.replay import __main__ as replay
from scripts.verify import __main__ as verify


def run(main: object, *arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(main)  # type: ignore[type-var]  # any function
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.output


@pytest.fixture(autouse=True)
def _no_pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def test_a_stack_that_cannot_be_read_is_not_taken_for_broken() -> None:
    code, told = run(verify.main, "--stack", "prod")

    assert code == 2
    assert "error: there is no `pulumi` on PATH" in told


def test_what_is_to_be_sent_must_be_said_before_anything_is_asked() -> None:
    code, told = run(replay.main, "--stack", "prod")

    assert code == 2
    assert "exactly one of" in told


def test_a_time_that_cannot_be_read_is_told_with_what_can() -> None:
    code, told = run(replay.main, "--stack", "prod", "--from", "yesterday")

    assert code == 2
    assert "accepted is ISO 8601" in told


def test_a_stack_that_cannot_be_read_sends_nothing() -> None:
    code, told = run(replay.main, "--stack", "prod", "--unread", "--yes")

    assert code == 2
    assert "pulumi" in told
