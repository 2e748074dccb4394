"""Serves the repository and the connector's archive over HTTP, and fails on demand."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.utils import send_from_directory
from werkzeug.wrappers import Request, Response

from local.systems import faults


def bind(directory: Path, port: int) -> BaseWSGIServer:
    """A server of the files under `directory`, on 127.0.0.1:`port` (0: a free one); its `serve_forever` answers.

    `/_faults`: see `local.systems.faults`; a fault answers with its `status`.
    """
    return make_server("127.0.0.1", port, _Application(directory), threaded=True)


class _Application:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._faults = faults.Faults({"request": None, "status": None})

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            return self._answer(Request(environ))(environ, start_response)
        except HTTPException as error:
            return error(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if request.path == faults.PATH:
            return self._faults.respond(request)
        hit = self._faults.hit(line=f"{request.method} {request.path}")
        if hit is not None:
            return Response(status=hit.fault.status)
        return send_from_directory(self._directory, request.path.lstrip("/"), request.environ)
