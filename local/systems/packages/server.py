"""Serves the repository and the connector's archive over HTTP, and fails on demand."""

import http.server
import json
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import Any

FAULTS = "/_local/faults"


@dataclass
class Fault:
    """The next `count` requests whose path holds `path_contains` are answered with `status`."""

    path_contains: str
    count: int
    status: int


class Server(http.server.ThreadingHTTPServer):
    """The files under `directory` on 127.0.0.1:`port` (0: a free one).

    `POST /_local/faults` with `{"path_contains": "...", "count": 3, "status": 503}` adds a fault.
    """

    daemon_threads = True

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self._faults: list[Fault] = []
        self._lock = Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def add_fault(self, fault: Fault) -> None:
        """From the next request on."""
        with self._lock:
            self._faults.append(fault)

    def take_fault(self, path: str) -> int | None:
        """The status that this request is to fail with; it counts as one failure."""
        with self._lock:
            for fault in self._faults:
                if fault.count > 0 and fault.path_contains in path:
                    fault.count -= 1
                    return fault.status
        return None


class _Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def __init__(self, request: Any, client_address: Any, server: Server) -> None:
        super().__init__(request, client_address, server, directory=str(server.directory))

    def do_GET(self) -> None:
        status = self.server.take_fault(self.path)
        if status is None:
            super().do_GET()
        else:
            self.send_error(status)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path != FAULTS:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            fault = Fault(**json.loads(body))
        except (TypeError, ValueError) as error:
            self.send_error(HTTPStatus.BAD_REQUEST, str(error))
            return
        self.server.add_fault(fault)
        self.send_response(HTTPStatus.NO_CONTENT)
        self.end_headers()

    def list_directory(self, path: Any) -> None:  # noqa: ARG002 - the base class's name
        self.send_error(HTTPStatus.NOT_FOUND)
