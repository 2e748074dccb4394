import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from components.worker.files.watchdog import credentials, metrics, reader, status
from components.worker.files.watchdog.connect import Connect
from tests.unit.components.worker.watchdog.support import (
    ORIGINALS,
    RUNNING,
    SINK,
    CloudWatch,
    ConnectCluster,
    Iam,
    ParameterStore,
    Rest,
)


@pytest.fixture(autouse=True)
def _vm_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VM_NUMBER", "1")
    monkeypatch.setenv("STATUS_PARAMETER", "/ccloud-logexporter/dev/vm-1-status")


@pytest.fixture
def rest() -> Iterator[tuple[Rest, Connect]]:
    played = Rest()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            played.asked.append(f"{self.command} {self.path}")
            body = played.bodies.get(self.path.split("/")[2], "")
            self.send_response(played.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET  # noqa: N815  # the standard library's name

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    played.says(*RUNNING, name=ORIGINALS)
    yield played, Connect(server.server_port, [SINK, ORIGINALS])
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def connect_cluster() -> Iterator[tuple[ConnectCluster, int]]:
    """An empty one, and its port."""
    played = ConnectCluster()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, answer = played.answer(self.command, self.path, body)
            content = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_PUT = do_DELETE = do_GET  # noqa: N815  # the standard library's names

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield played, server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ParameterStore:
    played = ParameterStore()
    monkeypatch.setattr(credentials, "client", lambda service, _: {"ssm": played}[service])
    monkeypatch.setattr(status, "client", lambda service, _: {"ssm": played}[service])
    monkeypatch.setattr(credentials, "CREDENTIALS", tmp_path / "secrets.json")
    monkeypatch.setattr(status, "CREDENTIALS", tmp_path / "secrets.json")
    monkeypatch.setattr(credentials, "VERSIONS", tmp_path / "versions.json")
    (tmp_path / "secrets.json").write_text('{"parameters": {"kafka": "/k", "writer": "/w"}}')
    return played


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for programs that are played, first on the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


@pytest.fixture
def iam(monkeypatch: pytest.MonkeyPatch) -> Iam:
    played = Iam()
    monkeypatch.setattr(reader, "client", lambda service, _: {"iam": played}[service])
    return played


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> CloudWatch:
    kept = CloudWatch()
    monkeypatch.setattr(metrics, "client", lambda service, _: {"cloudwatch": kept}[service])
    return kept
