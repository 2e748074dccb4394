"""A loop and a parameter name the thing: docs/development/style.md."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]


def unnamed(source: str) -> Iterator[int]:
    """The lines that call the thing of a loop, or a parameter, `one`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.arg) and node.arg == "one":
            yield node.lineno
        if isinstance(node, ast.For | ast.comprehension):
            target = node.target
            if isinstance(target, ast.Name) and target.id == "one":
                yield target.lineno


def test_no_loop_and_no_parameter_calls_its_thing_one() -> None:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, check=True, capture_output=True, text=True)
    files = listed.stdout.split()

    found = [f"{file}:{line}" for file in files for line in unnamed((ROOT / file).read_text())]

    assert files
    assert found == []


def test_such_a_name_would_be_found() -> None:
    assert list(unnamed("[one.id for one in keys]")) == [1]
    assert list(unnamed("def of(one): ...")) == [1]
    assert list(unnamed("sorted(keys, key=lambda one: one.id)")) == [1]
    assert list(unnamed("one, two = keys")) == []
