"""The real engine and the scripts read every stack file alike."""

import json
from pathlib import Path
from typing import Any

from components.settings import stack_file
from local.stack import engine
from local.stack.deployment import clean_environment
from local.stack.pulumi import Pulumi
from tests.unit.components.stack_file_samples import SAMPLES, VALUES, written

PROJECT = "name: test\nruntime: python\n"


def engines(folder: Path, text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `pulumi config` and the scripts read from a stack file: name -> text, or JSON of an object."""
    found = engine.ensure()
    project = folder / "project"
    project.mkdir()
    (project / "Pulumi.yaml").write_text(PROJECT)
    pulumi = Pulumi(found, project, {**clean_environment(), **found.environment(folder)})
    pulumi.run("stack", "init", "dev")
    file = project / "Pulumi.dev.yaml"
    salt = file.read_text()
    file.write_text(salt + text)
    shown = pulumi.attempt("config", "--json", "--stack", "dev")
    assert shown.returncode == 0, shown.stderr
    read = {
        name: json.loads(setting["value"]) if "objectValue" in setting else setting["value"]
        for name, setting in json.loads(shown.stdout).items()
    }
    return read, dict(stack_file.config(file, "test"))


def test_the_engine_and_the_scripts_read_every_scalar_alike(tmp_path: Path) -> None:
    by_engine, by_scripts = engines(tmp_path, written([text for text, _ in SAMPLES]))
    names = [f"s{number}" for number in range(len(SAMPLES))]

    read = [by_engine["test:samples"][name] for name in names]
    assert [(value, type(value)) for value in read] == [(value, type(value)) for _, value in SAMPLES]
    assert by_scripts == by_engine


def test_the_engine_and_the_scripts_read_names_and_single_values_alike(tmp_path: Path) -> None:
    lines = [f"  test:v{number}: {text}" for number, (text, _) in enumerate(VALUES)]
    keys = "  test:keys: {1: a, true: b, 7.9: c, yes: d, 0x10: e, 2026-11-26: f}"
    merged = "  test:base: &base {x: 1, y: 2}\n  test:merged: {<<: *base, y: 3}"
    text = "\n".join(["config:", "  bare: 5", keys, merged, *lines, ""])

    by_engine, by_scripts = engines(tmp_path, text)

    assert [by_engine[f"test:v{number}"] for number in range(len(VALUES))] == [value for _, value in VALUES]
    assert by_scripts == by_engine
