"""The real engine and the scripts read every stack file alike."""

import json
from pathlib import Path
from typing import Any

from components.settings import stack_file
from local.stack import engine
from local.stack.deployment import clean_environment
from tests.unit.components.stack_file_samples import SAMPLES, VALUES, written

PROJECT = "name: test\nruntime: python\n"


def engines(folder: Path, text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `pulumi config` and the scripts read from a stack file: name -> text, or JSON of an object."""
    tools = engine.ensure()
    project = folder / "project"
    project.mkdir()
    (project / "Pulumi.yaml").write_text(PROJECT)
    environment = {**clean_environment(), **tools.environment(folder)}
    made = engine.command(tools, environment, "stack", "init", "dev", cwd=project)
    assert made.returncode == 0, made.stderr
    file = project / "Pulumi.dev.yaml"
    salt = file.read_text()
    file.write_text(salt + text)
    said = engine.command(tools, environment, "config", "--json", "--stack", "dev", cwd=project)
    assert said.returncode == 0, said.stderr
    read = {
        name: json.loads(one["value"]) if "objectValue" in one else one["value"]
        for name, one in json.loads(said.stdout).items()
    }
    return read, dict(stack_file.config(file, "test"))


def test_the_engine_and_the_scripts_read_every_scalar_alike(tmp_path: Path) -> None:
    by_engine, by_scripts = engines(tmp_path, written([text for text, _ in SAMPLES]))
    names = [f"s{number}" for number in range(len(SAMPLES))]

    told = [by_engine["test:samples"][name] for name in names]
    assert [(one, type(one)) for one in told] == [(value, type(value)) for _, value in SAMPLES]
    assert by_scripts == by_engine


def test_the_engine_and_the_scripts_read_names_and_single_values_alike(tmp_path: Path) -> None:
    lines = [f"  test:v{number}: {text}" for number, (text, _) in enumerate(VALUES)]
    keys = "  test:keys: {1: a, true: b, 7.9: c, yes: d, 0x10: e, 2026-11-26: f}"
    merged = "  test:base: &base {x: 1, y: 2}\n  test:merged: {<<: *base, y: 3}"
    text = "\n".join(["config:", "  bare: 5", keys, merged, *lines, ""])

    by_engine, by_scripts = engines(tmp_path, text)

    assert [by_engine[f"test:v{number}"] for number in range(len(VALUES))] == [value for _, value in VALUES]
    assert by_scripts == by_engine
