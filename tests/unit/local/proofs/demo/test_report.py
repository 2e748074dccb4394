"""The report says what was found, and its exit code is 0 only for a clean run."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from local.proofs.demo.report import Report, Seconds

CLEAN = Report(
    events_produced=2000,
    events_archived=2000,
    events_delivered=2000,
    events_indexed=2000,
    index_failures=0,
    events_missing=0,
    events_duplicated=3,
    events_faulty=0,
    originals_missing=0,
    objects=40,
    originals_objects=12,
    workers=1,
    s3_requests=121,
    verify_exit_code=0,
    left_behind=0,
    left_behind_names=(),
    seconds=Seconds(up=12.34, total=99.0),
)


def test_the_file_holds_every_figure_by_name(tmp_path: Path) -> None:
    CLEAN.write(tmp_path / "demo" / "report.json")
    assert json.loads((tmp_path / "demo" / "report.json").read_text()) == {
        "events_produced": 2000,
        "events_archived": 2000,
        "events_delivered": 2000,
        "events_indexed": 2000,
        "index_failures": 0,
        "events_missing": 0,
        "events_duplicated": 3,
        "events_faulty": 0,
        "originals_missing": 0,
        "objects": 40,
        "originals_objects": 12,
        "workers": 1,
        "s3_requests": 121,
        "verify_exit_code": 0,
        "left_behind": 0,
        "left_behind_names": [],
        "seconds": {
            "tools": None,
            "up": 12.34,
            "first_object": None,
            "first_delivered": None,
            "total": 99.0,
        },
        "flow": None,
    }
    assert [file.name for file in (tmp_path / "demo").iterdir()] == ["report.json"]


def test_duplicates_are_no_failure() -> None:
    assert CLEAN.exit_code == 0


@pytest.mark.parametrize(
    "change",
    [
        {"events_missing": 1},
        {"index_failures": 1},
        {"events_indexed": 1999},
        {"events_faulty": 1},
        {"originals_missing": 1},
        {"verify_exit_code": 2},
        {"left_behind": 1},
        {"events_produced": 0},
    ],
)
def test_anything_missing_wrong_not_indexed_left_behind_or_not_even_tried_is_a_failure(
    change: dict[str, int],
) -> None:
    assert replace(CLEAN, **change).exit_code == 1  # type: ignore[arg-type]  # replace() takes any field


def test_the_table_shows_figures_seconds_and_what_was_left_behind() -> None:
    out = io.StringIO()
    left = replace(CLEAN, left_behind=1, left_behind_names=("S3 bucket [forgotten]",))
    left.print(Console(file=out, width=80))
    rows = {
        " ".join(line.split("│")[1].split()): line.split("│")[2].strip()
        for line in out.getvalue().splitlines()
        if line.startswith("│")
    }
    assert rows["events produced"] == "2,000"
    assert rows["left behind"] == "1"
    assert rows["seconds: up"] == "12.3"
    assert rows["seconds: tools"] == "-"
    assert "left behind: S3 bucket [forgotten]" in out.getvalue()
