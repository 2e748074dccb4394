"""make preflight as a command: its output and its exit codes."""

import json
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner

import scripts.preflight.target
from scripts.preflight import __main__ as preflight
from scripts.preflight.collect import Asker
from scripts.preflight.model import BucketAnswer, Owned
from tests.unit.components.test_settings import BY_IDS


def run(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(preflight.main)
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.output


@pytest.fixture(autouse=True)
def stack_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pulumi.prod.yaml, on a machine without `pulumi` and without a network."""
    (tmp_path / "Pulumi.yaml").write_text("name: ccloud-logexporter\n")
    monkeypatch.setattr(scripts.stack, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(Asker, "questions", lambda _: {"bucket": lambda: BucketAnswer(Owned.NOBODY)})
    file = tmp_path / "Pulumi.prod.yaml"
    config = {f"ccloud-logexporter:{name}": value for name, value in BY_IDS.items()}
    file.write_text(yaml.safe_dump({"config": {"aws:region": "us-west-2", **config}}))
    return file


def test_each_finding_is_one_line_with_what_to_do() -> None:
    code, shown = run("--stack", "prod")

    assert code == 2
    lines = shown.splitlines()
    assert any(line.split() == ["ok", "bucket", "logexporter-ccloud", "is", "free"] for line in lines)
    assert any(
        "could not be checked  settings" in line and "-> `pulumi stack init prod`" in line for line in lines
    )
    assert lines[-1] == "stack prod: ready as far as it could be checked"


def test_a_broken_file_ends_with_1_and_names_every_problem(
    stack_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Asker, "questions", lambda _: {})
    stack_file.write_text(stack_file.read_text().replace("logexporter-ccloud", "Not_A_Bucket"))

    code, shown = run("--stack", "prod")

    assert code == 1
    assert "archive.bucket" in shown
    assert "not ready" in shown


def test_json_has_the_findings_and_the_exit_code() -> None:
    code, shown = run("--stack", "prod", "--json")

    found = json.loads(shown)
    assert found["exit_code"] == code == 2
    (bucket,) = [finding for finding in found["findings"] if finding["check"] == "bucket"]
    assert (bucket["state"], bucket["text"], bucket["todo"]) == ("ok", "logexporter-ccloud is free", "")


def test_a_stack_without_a_file_is_an_error() -> None:
    code, shown = run("--stack", "nobody")

    assert code == 2
    assert "there is no Pulumi.nobody.yaml" in shown


def test_no_option_takes_a_secret() -> None:
    _, shown = run("--help")

    assert not [word for word in ("token", "secret", "password", "api-key") if word in shown.lower()]
