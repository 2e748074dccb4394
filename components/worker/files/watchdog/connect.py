"""Connect's REST interface."""

import http.client
import json
from typing import NamedTuple

from .system import say


class Connect(NamedTuple):
    """Connect's REST interface."""

    port: int
    connector: str

    def states(self) -> list[str] | None:
        """Of the connector and its tasks; None if there is no sound answer."""
        try:
            status = json.loads(self._call("GET", "status"))
            tasks = [task["state"] for task in status["tasks"]]
            return [status["connector"]["state"], *(tasks or ["UNASSIGNED"])]
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            say(f"Connect: {error!r}")
            return None

    def restart_failed(self) -> None:
        try:
            self._call("POST", "restart?includeTasks=true&onlyFailed=true")
        except (OSError, http.client.HTTPException) as error:
            say(f"Connect: {error!r}")

    def _call(self, method: str, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, f"/connectors/{self.connector}/{path}")
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:
            raise http.client.HTTPException(f"{method} {path}: {answer.status}")
        return body
