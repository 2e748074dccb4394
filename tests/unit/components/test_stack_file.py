"""Reading stack files without the engine. tests/engine/test_stack_files.py compares the same samples with the engine."""

from pathlib import Path
from typing import Any

import pytest

from components.settings import SettingsError, stack_file
from tests.unit.components.stack_file_samples import SAMPLES, VALUES, written


@pytest.mark.parametrize(("text", "value"), SAMPLES)
def test_a_scalar_is_read_as_the_engine_reads_it(tmp_path: Path, text: str, value: Any) -> None:
    file = tmp_path / "Pulumi.test.yaml"
    file.write_text(written([text]))

    (read,) = stack_file.config(file)["test:samples"].values()
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_a_value_outside_of_a_section_becomes_text(tmp_path: Path, text: str, value: str) -> None:
    file = tmp_path / "Pulumi.test.yaml"
    file.write_text(f"config:\n  aws:region: {text}\n")

    assert stack_file.config(file) == {"aws:region": value}


def test_keys_become_different_texts(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.test.yaml"
    file.write_text("config: {x:y: {1: a, true: b, 7.9: c, yes: d, 0x10: e}}")

    assert stack_file.config(file) == {"x:y": {"1": "a", "true": "b", "7.9": "c", "yes": "d", "16": "e"}}


def test_a_name_without_a_namespace_belongs_to_the_project(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.test.yaml"
    file.write_text("config: {archive: {bucket: b}}")

    assert stack_file.config(file) == {"ccloud-logexporter:archive": {"bucket": "b"}}
    assert stack_file.config(file, "audit") == {"audit:archive": {"bucket": "b"}}


def test_anchors_and_merges_work(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.test.yaml"
    file.write_text("config:\n  a:b: &b {x: 1, y: 2}\n  a:c: {<<: *b, y: 3}\n")

    assert stack_file.config(file)["a:c"] == {"x": 1, "y": 3}


@pytest.mark.parametrize(
    "text",
    [
        "config: {a:b: {x: 1, x: 2}}",
        "config: {a:b: {x: .inf}}",
        "config: {a:b: {x: 1e999}}",
        "config: {a:b: {x: !!int '5'}}",
        "config: {a:b: [unclosed",
        "config: 5",
        "- a list",
        "runtime: python",
    ],
)
def test_a_file_that_the_engine_refuses_is_refused_without_its_text(tmp_path: Path, text: str) -> None:
    file = tmp_path / "Pulumi.test.yaml"
    file.write_text(text)

    with pytest.raises(SettingsError) as caught:
        stack_file.config(file)
    assert caught.value.problems == ["Pulumi.test.yaml: is not a stack file; accepted: YAML with config:"]


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ("[acme/prod, shared]", ["acme/prod", "shared"]),
        ("[{acme/prod: {merge: false}}]", ["acme/prod"]),
        ("{imports: [acme/prod]}", ["acme/prod"]),
        ("{values: {pulumiConfig: {}}}", ["environment"]),
    ],
)
def test_imported_environments_are_named(tmp_path: Path, environment: str, names: list[str]) -> None:
    file = tmp_path / "Pulumi.test.yaml"
    file.write_text(f"environment: {environment}\n")

    assert stack_file.imports(file) == names
    assert stack_file.config(file) == {}


def test_a_file_without_environments_imports_none(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.test.yaml"
    file.write_text("config: {}")

    assert stack_file.imports(file) == []
