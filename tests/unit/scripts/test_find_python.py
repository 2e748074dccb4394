"""Which Python `make` takes for .venv."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "scripts" / "find-python.sh"


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    """What is on PATH: nothing but the tools that the script uses."""
    for name in ("cat", "sed"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    return tmp_path


def find(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    shell = str(shutil.which("sh"))
    return subprocess.run(
        [shell, str(SCRIPT), *arguments],
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def install(folder: Path, pythons: Mapping[str, str]) -> None:
    """Commands that answer as the Python of that version; "3.12 bare" has no ensurepip, "" does not run."""
    for name, kind in pythons.items():
        version, _, bare = kind.partition(" ")
        module = "exit 1" if bare or not version else "exit 0"
        answer = f"echo {version}" if version else "exit 127"
        (folder / name).write_text(
            f"#!{shutil.which('sh')}\ncase $2 in *version_info*) {answer} ;; *) {module} ;; esac\n"
        )
        (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    ("pythons", "chosen"),
    [
        ({"python3.11": "3.11", "python3": "3.11"}, "python3.11"),
        ({"python3.13": "3.13", "python3.12": "3.12", "python3": "3.11"}, "python3.13"),
        ({"python3": "3.12"}, "python3"),
        # Names of a version manager that lead nowhere.
        ({"python3.13": "", "python3.12": "", "python3.11": "3.11"}, "python3.11"),
        # Ubuntu with a newer Python of its own beside the one with python3-venv.
        ({"python3.13": "3.13 bare", "python3.12": "3.12"}, "python3.12"),
    ],
)
def test_the_newest_python_that_fits_is_taken(
    bin_folder: Path, pythons: Mapping[str, str], chosen: str
) -> None:
    install(bin_folder, pythons)

    assert find(bin_folder).stdout == f"{bin_folder / chosen}\n"


def test_a_named_python_is_the_only_one_considered(bin_folder: Path) -> None:
    install(bin_folder, {"python3.13": "3.13", "mine": "3.11", "old": "3.9"})

    assert find(bin_folder, "mine").stdout == f"{bin_folder / 'mine'}\n"
    refused = find(bin_folder, "old")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "found: old (version 3.9)." in refused.stderr


@pytest.mark.parametrize(
    ("pythons", "found"),
    [
        ({}, "none of python3.13, python3.12, python3.11, python3"),
        ({"python3": "3.10"}, "python3 (version 3.10)"),
        ({"python3": "3.14", "python3.13": ""}, "python3 (version 3.14)"),
        (
            {"python3.12": "3.12 bare", "python3": "3.12 bare"},
            "python3.12 (version 3.12, without the module ensurepip: its package python3.12-venv is missing), "
            "python3 (version 3.12, without the module ensurepip: its package python3.12-venv is missing)",
        ),
    ],
)
def test_without_a_python_that_fits_it_says_what_was_found_and_what_to_do(
    bin_folder: Path, pythons: Mapping[str, str], found: str
) -> None:
    install(bin_folder, pythons)

    refused = find(bin_folder)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"needed; found: {found}.\n" in refused.stderr
    assert "apt-get install --yes python3-venv" in refused.stderr


def test_the_python_that_runs_this_test_is_accepted(bin_folder: Path) -> None:
    assert find(bin_folder, sys.executable).stdout == f"{sys.executable}\n"


def test_the_versions_are_those_of_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    accepted = re.search(r"^ *((?:3\.\d+ \| )+3\.\d+)\)$", SCRIPT.read_text(), re.MULTILINE)

    assert accepted is not None
    minors = [int(version.removeprefix("3.")) for version in accepted.group(1).split(" | ")]
    assert minors == list(range(minors[0], minors[-1] + 1))
    assert project["requires-python"] == f">=3.{minors[0]},<3.{minors[-1] + 1}"
