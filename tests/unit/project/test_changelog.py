"""CHANGELOG.md says which version is the newest, and what to do before an upgrade."""

import re
import tomllib
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
_HEADING = re.compile(r"^## \[(?P<version>[^\]]+)\](?: - (?P<date>\d{4}-\d\d-\d\d))?\n", re.MULTILINE)
VERSIONS = list(_HEADING.finditer(CHANGELOG))
FIRST = "0.1.0"


def test_the_newest_released_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert [found["version"] for found in VERSIONS][:2] == ["Unreleased", project["version"]]
    assert VERSIONS[0]["date"] is None


def test_the_versions_have_dates_and_the_newest_comes_first() -> None:
    dates = [date.fromisoformat(found["date"]) for found in VERSIONS[1:]]

    assert dates == sorted(dates, reverse=True)
    assert VERSIONS[-1]["version"] == FIRST


def test_each_version_begins_with_what_to_do_before_up() -> None:
    for found in VERSIONS[:-1]:
        text = CHANGELOG[found.end() :].lstrip()

        assert text.startswith("### Before `pulumi up`\n\n"), found["version"]
