"""Every part of the project declares what it imports, in pyproject.toml, and nothing that it does not."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
STUBS = "mypy-boto3-"


@dataclass(frozen=True)
class Part:
    """Files of the project, the extras they are installed with, and the other parts that they may import."""

    paths: tuple[str, ...]
    extras: tuple[str, ...]
    imports: frozenset[str]


PARTS = {
    "components": Part(("components", "__main__.py"), (), frozenset({"components"})),
    "report_page": Part(("report_page",), ("report-page",), frozenset({"report_page"})),
    "scripts": Part(
        ("scripts",), ("scripts", "report-page"), frozenset({"components", "report_page", "scripts"})
    ),
    "local": Part(("local",), ("local", "report-page"), frozenset({"components", "local", "report_page"})),
    "tools": Part(("tools",), ("dev",), frozenset({"local", "tools"})),
    "tests": Part(
        ("tests",),
        ("scripts", "local", "report-page", "dev"),
        frozenset({"components", "scripts", "local", "report_page", "tools", "tests"}),
    ),
}

ON_THE_VM = ROOT / "components" / "worker" / "files"
"""These files run on the VM, with the packages of its distribution."""


def normalized(name: str) -> str:
    """As PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: list[str]) -> set[str]:
    """Their distributions; `boto3-stubs[s3]` is the stubs of S3 as well, which are a distribution of their own."""
    found: set[str] = set()
    for requirement in requirements:
        match = re.match(r"([A-Za-z0-9._-]+)(?:\[(.*)\])?", requirement)
        assert match is not None, requirement
        found.add(normalized(match.group(1)))
        if match.group(1) == "boto3-stubs":
            found |= {f"{STUBS}{service}" for service in match.group(2).split(",")}
    return found


BASE = names(PROJECT["dependencies"])
EXTRAS = {extra: names(listed) for extra, listed in PROJECT["optional-dependencies"].items()}


@cache
def distributions() -> dict[str, set[str]]:
    """The distributions that have each top-level module."""
    return {
        module: {normalized(name) for name in found}
        for module, found in importlib.metadata.packages_distributions().items()
    }


@cache
def imported(part: Part) -> dict[str, set[str]]:
    """Top-level modules that are not of the standard library, each with the files that import it."""
    modules: dict[str, set[str]] = defaultdict(set)
    for path in part.paths:
        for file in [ROOT / path] if path.endswith(".py") else sorted((ROOT / path).rglob("*.py")):
            if file.is_relative_to(ON_THE_VM):
                continue
            for module in top_level_modules(ast.parse(file.read_text())):
                beside = file.parent / f"{module}.py"
                if module not in sys.stdlib_module_names and not beside.exists():
                    modules[module].add(str(file.relative_to(ROOT)))
    return modules


def top_level_modules(tree: ast.Module) -> Iterator[str]:
    """Of every import at any depth, relative ones left out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            assert node.module is not None
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("name", PARTS)
def test_what_a_part_imports_is_declared_for_it(name: str) -> None:
    part = PARTS[name]
    declared = BASE.union(*(EXTRAS[extra] for extra in part.extras))
    undeclared = {
        module: files
        for module, files in imported(part).items()
        if module not in PARTS
        and not distributions().get(module, set()) & declared
        # Types for the checks of the code; nothing imports them when it runs.
        and not (module.startswith(STUBS.replace("-", "_")) and distributions()[module] <= EXTRAS["dev"])
    }

    assert undeclared == {}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_imports_no_part_whose_packages_it_may_lack(name: str) -> None:
    part = PARTS[name]
    foreign = {
        module: files
        for module, files in imported(part).items()
        if module in PARTS and module not in part.imports
    }

    assert foreign == {}


@pytest.mark.parametrize(
    ("part", "declared"),
    [
        ("components", BASE),
        ("scripts", EXTRAS["scripts"]),
        ("local", EXTRAS["local"]),
        ("report_page", EXTRAS["report-page"]),
    ],
)
def test_what_is_declared_for_a_part_is_imported_by_it(part: str, declared: set[str]) -> None:
    used = set().union(*(distributions().get(module, set()) for module in imported(PARTS[part])))

    assert declared - used == set()


def pins(lock: str) -> dict[str, str]:
    """Distribution and version of each line; every line pins one."""
    lines = (ROOT / lock).read_text().splitlines()
    packages = [line for line in lines if line and not line.startswith((" ", "#"))]
    return dict(line.partition(" ")[0].split("==") for line in packages)


def test_pulumi_install_gets_the_versions_that_the_tests_run_with() -> None:
    everything, program = pins("requirements.lock"), pins("requirements.txt")

    assert {normalized(name) for name in program} >= BASE
    assert program.items() <= everything.items()


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_lock_has_every_declared_package(extra: str) -> None:
    locked = {normalized(name) for name in pins("requirements.lock")}

    assert EXTRAS[extra] <= locked


@pytest.mark.parametrize(
    "unneeded", ["moto", "confluent-kafka", "flask", "boto3", "typer", "altair", "pytest"]
)
def test_pulumi_install_gets_no_package_of_the_local_stack(unneeded: str) -> None:
    assert unneeded not in pins("requirements.txt")
