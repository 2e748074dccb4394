"""The clock is held against AWS's own, and against the keys in the bucket."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from components.worker.files.watchdog import aws
from components.worker.files.watchdog import clock as module
from components.worker.files.watchdog.clock import clock


@dataclass
class Aws:
    """A service that answers with another time and this status."""

    url: str = ""
    seconds_later: float = 0.0
    status: int = 200


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    played = Aws()
    monkeypatch.setattr(module, "_offsets", [])
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response_only(played.status)
            self.send_header("Date", formatdate(time.time() + played.seconds_later, usegmt=True))
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    played.url = f"http://127.0.0.1:{server.server_port}"
    yield played
    server.shutdown()
    server.server_close()
    thread.join()


def ask(service: Aws) -> None:
    aws.client("ssm", {"region": "us-west-2", "endpoint": service.url}).get_parameter(Name="/k")


@pytest.mark.parametrize(
    ("seconds_later", "least", "most"), [(0, 0, 5), (3600, 3590, 3605), (-3600, 3590, 3605)]
)
def test_the_offset_is_what_aws_tells_another_time(
    service: Aws, seconds_later: float, least: float, most: float
) -> None:
    service.seconds_later = seconds_later
    ask(service)

    assert least <= clock()["ClockOffsetSeconds"] <= most


def test_a_refusal_because_of_the_clock_tells_the_offset_too(service: Aws) -> None:
    service.seconds_later, service.status = -7200, 403
    with pytest.raises(ClientError):
        ask(service)

    assert clock()["ClockOffsetSeconds"] > 7000


def test_without_an_answer_there_is_no_offset(service: Aws) -> None:
    del service
    assert "ClockOffsetSeconds" not in clock()


@pytest.mark.parametrize("date", [None, "yesterday"])
def test_an_answer_without_a_time_gives_no_offset(service: Aws, date: str | None) -> None:
    del service

    class Answer:
        headers = {} if date is None else {"Date": date}  # as boto3 has them

    module.compare(Answer())

    assert "ClockOffsetSeconds" not in clock()


def test_a_key_that_is_ahead_is_told_until_its_time_has_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEYS", tmp_path / "keys.json")
    assert clock()["ClockAheadSeconds"] == 0
    for until, least, most in ((time.time() + 600, 500, 600), (time.time() - 1, 0, 0), (0.0, 0, 0)):
        module.KEYS.write_text(json.dumps({"ahead_until": until}))
        assert least <= clock()["ClockAheadSeconds"] <= most
    module.KEYS.write_text("{")
    assert clock()["ClockAheadSeconds"] == 0
