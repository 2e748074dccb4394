"""The workflows at GitHub, in what actionlint and zizmor do not look at."""

import importlib.metadata
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
_PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+\n")


def _jobs(file: Path) -> dict[str, Any]:
    jobs: dict[str, Any] = yaml.safe_load(file.read_text())["jobs"]
    return jobs


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_action_is_pinned_by_commit_with_its_version_beside_it(file: Path) -> None:
    uses = [
        f"{line.strip().removeprefix('- ')}\n" for line in file.read_text().splitlines() if "uses:" in line
    ]

    assert uses
    assert [line for line in uses if not _PINNED.fullmatch(line)] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_job_ends_in_time(file: Path) -> None:
    assert [name for name, job in _jobs(file).items() if "timeout-minutes" not in job] == []


def test_unit_tests_run_on_every_supported_python() -> None:
    versions = _jobs(ROOT / ".github" / "workflows" / "checks.yml")["unit"]["strategy"]["matrix"]["python"]

    assert versions == ["3.11", "3.12", "3.13"]
    assert 'requires-python = ">=3.11,<3.14"' in (ROOT / "pyproject.toml").read_text()


def test_the_preview_finds_the_version_of_the_engine() -> None:
    """With the expression of preview.yml."""
    steps = _jobs(ROOT / ".github" / "workflows" / "preview.yml")["preview"]["steps"]
    (command,) = [step["run"] for step in steps if step.get("id") == "pins"]
    pattern = re.search(r"s/\^(.*?)\.\*/", command)
    assert pattern is not None
    wanted = re.compile("^" + pattern[1].replace(r"\(", "(").replace(r"\)", ")"), re.MULTILINE)

    found = wanted.findall((ROOT / "requirements.txt").read_text())
    assert found == [importlib.metadata.version("pulumi")]
