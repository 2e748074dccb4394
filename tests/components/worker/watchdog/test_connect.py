from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from components.worker.files.watchdog.connect import Connect
from tests.components.worker.watchdog.support import Rest


def test_the_states_are_those_of_the_connector_and_every_task(rest: tuple[Rest, Connect]) -> None:
    played, connect = rest
    played.says("RUNNING", "RUNNING", "FAILED")

    assert connect.states() == ["RUNNING", "RUNNING", "FAILED"]
    assert played.asked == ["GET /connectors/sink/status"]


def test_a_connector_without_a_task_does_not_run(rest: tuple[Rest, Connect]) -> None:
    played, connect = rest
    played.says("RUNNING")

    assert connect.states() == ["RUNNING", "UNASSIGNED"]


@pytest.mark.parametrize(
    ("status", "body"), [(404, "{}"), (500, "{}"), (200, "<html>"), (200, '{"tasks": []}')]
)
def test_no_sound_answer_is_none(rest: tuple[Rest, Connect], status: int, body: str) -> None:
    played, connect = rest
    played.status, played.body = status, body

    assert connect.states() is None


def test_nobody_there_is_none() -> None:
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.server_close()

    assert Connect(server.server_port, "sink").states() is None


def test_only_what_failed_is_restarted(rest: tuple[Rest, Connect]) -> None:
    played, connect = rest
    connect.restart_failed()

    assert played.asked == ["POST /connectors/sink/restart?includeTasks=true&onlyFailed=true"]


def test_a_restart_that_is_refused_is_told_and_no_reason_to_stop(
    rest: tuple[Rest, Connect], capsys: pytest.CaptureFixture[str]
) -> None:
    played, connect = rest
    played.status = 500
    connect.restart_failed()

    assert "500" in capsys.readouterr().out
