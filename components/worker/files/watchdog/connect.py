"""Connect's REST interface on this VM."""

import http.client
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .system import say

# Written by fetch_secrets.py.
INSTANCE = Path("/run/s3-auditlog-sink/instance.properties")


class RefusedError(http.client.HTTPException):
    """Connect's answer is an error; `status` is its HTTP status."""

    def __init__(self, request: str, status: int) -> None:
        super().__init__(f"{request}: {status}")
        self.status = status


ERRORS = (OSError, http.client.HTTPException, ValueError, KeyError, TypeError)
"""What a question ends with if the answer is missing or malformed."""


class Connect(NamedTuple):
    """Connect's REST interface. `connectors`: their names.

    `worker`: in mode distributed, the name of this VM's worker in the Connect cluster. The interface shows the states of
    all VMs there, and this VM looks after its own.
    """

    port: int
    connectors: Sequence[str]
    worker: str = ""

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Connect":
        """The interface of this VM."""
        names = [connector["name"] for connector in settings["connectors"]]
        fleet = settings["fleet"]
        return cls(settings["rest_port"], names, "" if fleet is None else _worker(fleet["port"]))

    def is_ready(self) -> bool:
        """Whether the worker has joined its cluster. Platforms before 7.9 cannot say, and count as ready."""
        try:
            self._call("GET", "/health")
        except RefusedError as error:
            return error.status == http.HTTPStatus.NOT_FOUND
        except (OSError, http.client.HTTPException):
            return False
        return True

    def present(self) -> list[str]:
        """The names of all connectors that there are.

        Raises:
            One of ERRORS: Connect did not answer.
        """
        return list(json.loads(self._call("GET", "/connectors")))

    def delete(self, connector: str) -> None:
        """Raises one of ERRORS: Connect refused or did not answer."""
        self._call("DELETE", f"/connectors/{connector}")

    def properties(self, connector: str) -> dict[str, str] | None:
        """The properties that the connector has; None if there is no such connector.

        Raises:
            One of ERRORS: Connect did not answer.
        """
        try:
            return dict(json.loads(self._call("GET", f"/connectors/{connector}/config")))
        except RefusedError as error:
            if error.status != http.HTTPStatus.NOT_FOUND:
                raise
            return None

    def put(self, connector: str, properties: Mapping[str, str]) -> None:
        """Makes the connector, or changes its properties, which restarts its tasks.

        Raises:
            One of ERRORS: Connect refused, e.g. as its members are changing, or did not answer.
        """
        self._call("PUT", f"/connectors/{connector}/config", json.dumps(dict(properties)))

    def states(self) -> dict[str, list[str]] | None:
        """Connector -> its own state and the states of its tasks; None if an answer is missing or malformed."""
        try:
            return {name: self._states(name) for name in self.connectors}
        except ERRORS as error:
            say(f"Connect: {error!r}")
            return None

    def restart_failed(self, connector: str) -> None:
        try:
            self._call("POST", f"/connectors/{connector}/restart?includeTasks=true&onlyFailed=true")
        except (OSError, http.client.HTTPException) as error:
            say(f"Connect: {error!r}")

    def _states(self, connector: str) -> list[str]:
        try:
            status = json.loads(self._call("GET", f"/connectors/{connector}/status"))
        except RefusedError as error:
            if not self.worker or error.status != http.HTTPStatus.NOT_FOUND:
                raise
            # The cluster has no such connector yet.
            return ["UNASSIGNED"]
        everywhere = [status["connector"], *(status["tasks"] or [{"state": "UNASSIGNED"}])]
        here = [part for part in everywhere if self.worker and part.get("worker_id") == self.worker]
        return [part["state"] for part in here or everywhere]

    def _call(self, method: str, path: str, body: str | None = None) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            headers = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:
            raise RefusedError(f"{method} {path}", answer.status)
        return content


def _worker(port: int) -> str:
    """`<address>:<port>`; without an address (the service is down) a name that no worker has."""
    try:
        lines = INSTANCE.read_text().splitlines()
    except OSError:
        lines = []
    found = dict(line.partition("=")[::2] for line in lines)
    return f"{found.get('address', '')}:{port}"
