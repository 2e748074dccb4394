"""Releases the changes since the last version as a new version: `python -m scripts.release 0.2.0`.

CHANGELOG.md and pyproject.toml change together; a person makes the commit and the tag.
"""

import re
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
UNRELEASED = "## [Unreleased]\n"
BEFORE_UP = "### Before `pulumi up`\n"
_NOTHING = f"{BEFORE_UP}\nNothing.\n"


def changelog(text: str, version: str, day: date) -> str:
    """CHANGELOG.md with everything unreleased under `version`, and an empty [Unreleased] above it.

    Raises:
        ValueError: nothing is unreleased, or it does not begin with what to do before `pulumi up`.
    """
    head, found, rest = text.partition(UNRELEASED)
    unreleased, next_version, older = rest.partition("\n## [")
    if not found or not unreleased.strip() or unreleased.strip() == _NOTHING.strip():
        raise ValueError("CHANGELOG.md has nothing under [Unreleased]")
    if not unreleased.lstrip().startswith(BEFORE_UP):
        raise ValueError(f"CHANGELOG.md: [Unreleased] must begin with {BEFORE_UP.strip()!r}")
    released = f"## [{version}] - {day}\n{unreleased}"
    return f"{head}{UNRELEASED}\n{_NOTHING}\n{released}{next_version}{older}"


def pyproject(text: str, version: str) -> str:
    """pyproject.toml with `version`.

    Raises:
        ValueError: `version` is not three numbers, or not above the present version.
    """
    present = str(tomllib.loads(text)["project"]["version"])
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", version):
        raise ValueError(f"{version!r} is not a version; accepted: three numbers, such as 0.2.0")
    if _numbers(version) <= _numbers(present):
        raise ValueError(f"{version} is not above the present version {present}")
    return text.replace(f'\nversion = "{present}"\n', f'\nversion = "{version}"\n', 1)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def main(version: Annotated[str, typer.Argument(help="The new version, such as 0.2.0.")]) -> None:
    """Writes the new version into CHANGELOG.md and pyproject.toml."""
    files = ROOT / "pyproject.toml", ROOT / "CHANGELOG.md"
    project, changes = (file.read_text() for file in files)
    try:
        written = pyproject(project, version), changelog(changes, version, datetime.now(UTC).date())
    except ValueError as problem:
        typer.echo(f"error: {problem}", err=True)
        raise typer.Exit(1) from None
    for file, content in zip(files, written, strict=True):
        file.write_text(content)
    typer.echo(
        f"{version} is in CHANGELOG.md and pyproject.toml: look at the diff, commit it, and tag it v{version}"
    )


if __name__ == "__main__":
    typer.run(main)
