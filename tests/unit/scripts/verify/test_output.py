"""What a person and a machine are shown."""

import io
import json
from dataclasses import replace
from typing import Any

from rich.console import Console

from scripts.verify import output
from scripts.verify.evaluate import Patience, evaluate
from scripts.verify.model import ChainReport, Position, Report
from tests.unit.scripts.verify.test_evaluate import CHAIN, FINE, ago, report, waiting


def shown(seen: Report) -> str:
    out = io.StringIO()
    output.show(seen, evaluate(seen, Patience()), Console(file=out, width=160, highlight=False))
    return out.getvalue()


def test_each_partition_has_a_line_and_the_verdict_comes_last() -> None:
    text = shown(report())

    (line,) = [line for line in text.splitlines() if line.startswith("│         3")]
    assert [cell.strip() for cell in line.strip("│").split("│")] == [
        "3",
        "100",
        "100",
        "-",
        "4",
        "0 s old, 0 s after its event",
        "yes",
        "-",
    ]
    assert text.rstrip().endswith("stack prod: in order")


def test_a_finding_names_the_section_that_tells_the_repair() -> None:
    text = shown(report(waiting(ago(hours=3))))

    assert "30, 3 h" in text
    assert "broken  Kafka: partition 3" in text
    assert "docs/operations.md#stuck" in text
    assert text.rstrip().endswith("stack prod: broken")


def test_unknown_figures_are_question_marks() -> None:
    text = shown(report(replace(FINE, position=None), not_seen={"Kafka, group group-1": "no route to host"}))

    assert "no route to host" in text
    assert text.count("?") >= 3
    assert "as far as it could be checked" in text


def test_many_partitions_still_fit_on_a_screen() -> None:
    quiet = replace(FINE, unread=(), behind=0)
    partitions = tuple(replace(quiet, partition=number) for number in range(100))
    busy = replace(waiting(ago(hours=1)), partition=57)

    chain = ChainReport(CHAIN, (*partitions[:57], busy, *partitions[58:]))
    text = shown(report(chains=(chain,)))

    assert len(text.splitlines()) < 30
    assert "99 partitions without problems are left out" in text
    assert "│        57" in text


def test_originals_have_one_line_unless_there_is_a_problem() -> None:
    originals = replace(
        CHAIN, name="originals", group="group-1-originals", folder="originals", delivered=False
    )
    seen = report()
    quiet = ChainReport(originals, (FINE, FINE))
    late = ChainReport(originals, (FINE, waiting(ago(hours=3))))

    text = shown(replace(seen, chains=(*seen.chains, quiet)))
    told = shown(replace(seen, chains=(*seen.chains, late)))

    assert "originals: 2 partitions archived (group group-1-originals)" in text
    assert "prod: in order" in text
    assert "events: group group-1, topics/" in told
    assert "originals: group group-1-originals, originals/" in told
    assert "are not archived, the oldest for 3 h (group group-1-originals)" in told


def test_json_has_the_report_the_findings_and_the_exit_code() -> None:
    seen = report(waiting(ago(hours=3)))

    content: dict[str, Any] = json.loads(output.as_json(seen, evaluate(seen, Patience())))

    assert content["exit_code"] == 1
    assert content["findings"][0]["level"] == "broken"
    (partition,) = content["chains"][0]["partitions"]
    assert partition["position"]["end"] == 130
    assert partition["newest"]["found"] is True
    assert content["at"] == "2026-03-10T12:00:00+00:00"
    assert Position(**{**partition["position"], "last": None, "waiting": None}).lag == 30
