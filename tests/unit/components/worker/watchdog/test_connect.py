from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from components.worker.files.watchdog.connect import Connect
from tests.unit.components.worker.watchdog.support import ORIGINALS, RUNNING, SINK, Rest


def test_the_states_are_those_of_each_connector_and_all_its_tasks(rest: tuple[Rest, Connect]) -> None:
    played, connect = rest
    played.says("RUNNING", "RUNNING", "FAILED")

    assert connect.states() == {SINK: ["RUNNING", "RUNNING", "FAILED"], ORIGINALS: RUNNING}
    assert played.asked == [f"GET /connectors/{name}/status" for name in (SINK, ORIGINALS)]


def test_a_connector_without_a_task_does_not_run(rest: tuple[Rest, Connect]) -> None:
    played, connect = rest
    played.says("RUNNING")

    assert connect.states() == {SINK: ["RUNNING", "UNASSIGNED"], ORIGINALS: RUNNING}


@pytest.mark.parametrize(
    ("status", "body"), [(404, "{}"), (500, "{}"), (200, "<html>"), (200, '{"tasks": []}')]
)
@pytest.mark.parametrize("name", [SINK, ORIGINALS])
def test_no_sound_answer_of_one_connector_is_none(
    rest: tuple[Rest, Connect], status: int, body: str, name: str
) -> None:
    played, connect = rest
    played.says(*RUNNING)
    played.status, played.bodies[name] = status, body

    assert connect.states() is None


def test_nobody_there_is_none() -> None:
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.server_close()

    assert Connect(server.server_port, [SINK]).states() is None


def test_only_what_failed_of_the_connector_is_restarted(rest: tuple[Rest, Connect]) -> None:
    played, connect = rest
    connect.restart_failed(ORIGINALS)

    assert played.asked == [f"POST /connectors/{ORIGINALS}/restart?includeTasks=true&onlyFailed=true"]


def test_a_restart_that_is_refused_is_told_and_no_reason_to_stop(
    rest: tuple[Rest, Connect], capsys: pytest.CaptureFixture[str]
) -> None:
    played, connect = rest
    played.status = 500
    connect.restart_failed(SINK)

    assert "500" in capsys.readouterr().out
