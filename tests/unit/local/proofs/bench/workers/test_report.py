"""The report of a run: a file with everything, a table with the figures and their ratios."""

import io
import json
from pathlib import Path

from rich.console import Console

from local.proofs.bench.backlog import Backlog
from local.proofs.bench.machine import Machine
from local.proofs.bench.workers.figures import CONFIGURATIONS, Sample
from local.proofs.bench.workers.report import Report

MACHINE = Machine("2026-11-26", 2, 8_000, 0.4, "3.13.1", "17.0.15", "stand-in")
SAMPLES = [
    Sample(configuration, 24_000, 2.0 * configuration.tasks, 4.0, (3.0,) * configuration.workers, (280.0,))
    for configuration in (*CONFIGURATIONS, *CONFIGURATIONS)
]
REPORT = Report(MACHINE, Backlog(12, 2_000, 1_000), SAMPLES)


def test_the_file_has_the_machine_the_backlog_the_figures_and_every_sample(tmp_path: Path) -> None:
    REPORT.write(tmp_path / "report.json")

    written = json.loads((tmp_path / "report.json").read_text())
    assert written["machine"]["cores"] == 2
    assert written["backlog"] == {
        "partitions": 12,
        "per_partition": 2_000,
        "flush_size": 1_000,
        "batch_bytes": 16_384,
        "events": 24_000,
    }
    assert list(written["configurations"]) == ["1 x 1", "1 x 2", "2 x 1", "2 x 2"]
    assert written["configurations"]["1 x 2"]["events_per_second"] == 6_000
    assert written["configurations"]["1 x 2"]["ratios"]["events_per_second"] == 0.5
    assert [found["configuration"] for found in written["samples"]] == [
        found.configuration.name for found in SAMPLES
    ]


def test_the_table_has_each_figure_with_its_ratio() -> None:
    out = io.StringIO()

    REPORT.print(Console(file=out, width=160))

    rows = [line for line in out.getvalue().splitlines() if " x " in line and "│" in line]
    assert len(rows) == len(CONFIGURATIONS)
    cells = [cell.strip() for cell in rows[1].strip("│").split("│")]
    assert cells == ["1 x 2", "6,000 (0.50)", "4.0 (1.00)", "6,000 (1.00)", "280 (1.00)", "3.0 (1.00)"]
    assert "2 cores, 8,000 MB" in out.getvalue()


def test_the_page_gets_the_same_table(tmp_path: Path) -> None:
    REPORT.write(tmp_path / "report.json")

    lines = (tmp_path / "report.md").read_text().splitlines()
    assert lines[0].startswith("24,000 events of 12 partitions on 2026-11-26; 2 cores, 8,000 MB of memory")
    assert lines[2].startswith("| workers x tasks | events/s |")
    assert lines[3].count("|") == lines[2].count("|")
    assert lines[5] == "| 1 x 2 | 6,000 (0.50) | 4.0 (1.00) | 6,000 (1.00) | 280 (1.00) | 3.0 (1.00) |"
