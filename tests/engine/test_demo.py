"""The whole demo, as `make demo` runs it."""

import json
from pathlib import Path

import pytest

from local.proofs.demo import report, run
from local.stack import lifecycle
from local.stack.engine import fork_server

EVENTS = 1500


def test_the_demo_ends_with_every_event_delivered_and_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a person runs it.
    monkeypatch.delenv(fork_server.VARIABLE)
    try:
        code = run.run(EVENTS, state=tmp_path)
    finally:
        lifecycle.end(tmp_path)

    figures = json.loads(report.report_file(tmp_path).read_text())
    assert code == 0, figures
    assert figures["events_produced"] == figures["events_archived"] == figures["events_delivered"] == EVENTS
    assert figures["events_missing"] == figures["verify_exit_code"] == figures["left_behind"] == 0
    assert figures["objects"] > 0
    assert figures["workers"] == 1
    assert figures["s3_requests"] >= 3 * figures["objects"]
    assert set(figures["seconds"]) == {"tools", "up", "first_object", "first_delivered", "total"}
    assert None not in figures["seconds"].values()
    assert sum(figures["flow"]["indexed"]) == EVENTS
    assert "in order</span>: all 1,500 events" in report.page_file(tmp_path).read_text()
    assert "in order</span>: nothing is broken" in report.verify_page_file(tmp_path).read_text()
