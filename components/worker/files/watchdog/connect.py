"""Connect's REST interface."""

import http.client
import json
from collections.abc import Sequence
from typing import NamedTuple

from .system import say


class Connect(NamedTuple):
    """Connect's REST interface. `connectors`: their names."""

    port: int
    connectors: Sequence[str]

    def states(self) -> dict[str, list[str]] | None:
        """Connector -> its own state and the states of its tasks; None if an answer is missing or malformed."""
        try:
            return {name: self._states(name) for name in self.connectors}
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            say(f"Connect: {error!r}")
            return None

    def restart_failed(self, connector: str) -> None:
        try:
            self._call("POST", f"{connector}/restart?includeTasks=true&onlyFailed=true")
        except (OSError, http.client.HTTPException) as error:
            say(f"Connect: {error!r}")

    def _states(self, connector: str) -> list[str]:
        status = json.loads(self._call("GET", f"{connector}/status"))
        tasks = [task["state"] for task in status["tasks"]]
        return [status["connector"]["state"], *(tasks or ["UNASSIGNED"])]

    def _call(self, method: str, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, f"/connectors/{path}")
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:
            raise http.client.HTTPException(f"{method} {path}: {answer.status}")
        return body
