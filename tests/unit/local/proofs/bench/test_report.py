"""The report of a run: a file with everything, tables for docs/performance.md, a page."""

import json
from dataclasses import replace
from pathlib import Path

from typer.testing import CliRunner

from local.__main__ import app
from local.proofs.bench import html_page
from local.proofs.bench.report import Report
from local.proofs.bench.variants import VARIANTS
from report_page.model import State
from report_page.page import render
from tests.unit.local.proofs.bench.reports import MACHINE, REPORT, samples
from tests.unit.scripts.verify.test_evaluate import NOON


def rows(text: str, title: str) -> list[list[str]]:
    """The rows of the table below this heading."""
    section = text.partition(f"### {title}\n")[2].partition("###")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_each_variant_has_a_row_with_its_figures_and_ratios() -> None:
    found = {row[0]: row[1:] for row in rows(REPORT.markdown(), "What the sink carries")}

    assert list(found) == [variant.title for variant in VARIANTS]
    # Medians of two rounds, the second one three times slower.
    assert found["this project's defaults"] == [
        "3,333 (1)",
        "4,000 (1)",
        "430 (1)",
        "300 (1)",
        "20.0 (1)",
    ]
    assert found["the article's settings, S3 at 30 ms"][0] == "7 (0.0025)"
    assert found["bare consumer (the limit)"] == ["60,000 (18)", "5,333 (1.3)", "430 (1)", "-", "-"]


def test_delays_and_times_are_medians_of_the_rounds() -> None:
    text = REPORT.markdown()

    assert rows(text, "How long events wait") == [
        ["rotation 5 s, to the bucket", "2.5", "5.0", "5.9"],
        ["rotation 5 s, to Logz.io", "3.5", "10.6", "7.1"],
    ]
    times = {row[0]: row[1:] for row in rows(text, "What takes how long")}
    assert times["`pulumi up` without a change"] == ["4.1", "3.9", "4.3"]
    assert times["`make demo`, everything built before"] == ["54.5", "54.0", "55.0"]


def test_goals_are_printed_as_met_or_missed() -> None:
    found = {row[0]: row[1:] for row in rows(REPORT.markdown(), "Goals")}

    assert found["`pulumi preview` without a change"] == ["<= 4 s", "3.6 s", "met"]
    assert found["`pulumi up` without a change"] == ["<= 4 s", "4.1 s", "missed"]
    assert len(found) == len(REPORT.goals) == 12


def test_a_part_that_was_not_chosen_has_no_table_and_no_goal() -> None:
    text = replace(REPORT, sink=(), stack=()).markdown()

    assert [line for line in text.splitlines() if line.startswith("###")] == [
        "### What takes how long",
        "### Goals",
    ]
    assert [row[0] for row in rows(text, "Goals")] == ["`make demo`, everything built before"]
    assert "Rounds: 2 of `demo`." in text


def test_the_text_says_when_and_on_what_it_was_measured() -> None:
    heading = REPORT.markdown().splitlines()[0]

    assert "on 2026-11-26, 12,000 events; 2 cores, 8,000 MB of memory" in heading
    assert "2 of `sink`, 2 of `stack`, 2 of `demo`" in heading


def test_the_file_has_every_sample_of_every_round(tmp_path: Path) -> None:
    REPORT.write(tmp_path)

    written = json.loads((tmp_path / "report.json").read_text())
    assert [len(found) for found in written["sink"]] == [len(VARIANTS)] * 2
    assert written["stack"][1]["delays"][0]["indexed"]["p95"] == 15.2
    assert written["demo"] == [54.0, 55.0]
    assert written["machine"]["cores"] == 2
    assert (tmp_path / "report.md").read_text() == REPORT.markdown() + "\n"


def test_the_tables_go_into_the_page_of_the_documents(tmp_path: Path) -> None:
    REPORT.write(tmp_path)
    page = tmp_path / "performance.md"
    page.write_text("before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n")

    done = CliRunner().invoke(app, ["bench-page", str(tmp_path / "report.md"), "--page", str(page)])

    assert done.exit_code == 0, done.output
    assert page.read_text() == (
        f"before\n<!-- bench:begin -->\n{REPORT.markdown()}\n<!-- bench:end -->\nafter\n"
    )


def test_the_page_names_each_missed_goal_and_has_every_table() -> None:
    page = html_page.page(REPORT, NOON)
    text = render(page)

    assert page.state is State.MISSED
    missed = [message.text for message in page.messages if message.state is State.MISSED]
    assert "pulumi up without a change: 4.1 s, the goal is <= 4 s." in missed
    assert len(missed) == sum(not goal.is_met for goal in REPORT.goals) == 3
    assert f"{12 - 3} of 12 goals are met." in text
    assert "`" not in text
    assert [chart.title for chart in page.charts] == [
        "Events/s",
        "Events per CPU-second",
        "What takes how long",
        "From Kafka to Logz.io",
    ]


def test_a_page_without_a_missed_goal_is_in_order() -> None:
    quick = Report(MACHINE, 12_000, demo=[50.0])

    page = html_page.page(quick, NOON)

    assert page.state is State.FINE
    assert "goal missed" not in render(page)


def test_a_chart_leaves_out_the_limit() -> None:
    (rate, *_) = html_page.page(replace(REPORT, sink=[samples()]), NOON).charts

    assert len(rate.table.rows) == len(VARIANTS) - 1
