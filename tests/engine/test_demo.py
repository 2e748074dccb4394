"""The whole demo, as `make demo` runs it."""

import json
from pathlib import Path

from local.proofs.demo import report, run
from local.stack import lifecycle

EVENTS = 1500


def test_the_demo_ends_with_every_event_delivered_and_a_report(tmp_path: Path) -> None:
    try:
        code = run.run(EVENTS, tmp_path)
    finally:
        lifecycle.end(tmp_path)

    told = json.loads(report.report_file(tmp_path).read_text())
    assert code == 0, told
    assert told["events_produced"] == told["events_archived"] == told["events_delivered"] == EVENTS
    assert told["events_missing"] == told["verify_exit_code"] == told["left_behind"] == 0
    assert told["objects"] > 0
    assert told["s3_requests"] >= 3 * told["objects"]
    assert set(told["seconds"]) == {"tools", "up", "boot", "first_object", "first_delivered", "total"}
    assert None not in told["seconds"].values()
