"""A real Connect worker on this machine, without a VM."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import javaproperties

from local.base import http, processes
from local.base.java import SHORT_LIVED
from local.base.waiting import wait_until
from local.systems.kafka import jars

OPTIONS = ("-Xmx512m", *SHORT_LIVED)

_MAIN = "org.apache.kafka.connect.cli."
_LOG4J = {
    "log4j.rootLogger": "WARN, out",
    "log4j.logger.io.confluent": "INFO",
    "log4j.appender.out": "org.apache.log4j.ConsoleAppender",
    "log4j.appender.out.layout": "org.apache.log4j.PatternLayout",
    "log4j.appender.out.layout.ConversionPattern": "[%d] %p %m (%c)%n",
}


class WorkerError(RuntimeError):
    """The worker's JVM ended; the message holds the end of its log."""


class Worker:
    """`connect-standalone` or `connect-distributed`, driven by REST. It ends when the calling process ends.

    Attributes:
        folder: has its log, `worker.log`.
        url: of the REST interface.
        process: None until `start`.
    """

    def __init__(
        self,
        folder: Path,
        properties: Mapping[str, str],
        options: Sequence[str] = OPTIONS,
        member: bool = False,
    ) -> None:
        """`properties`: of the worker, without `listeners`. `options`: of the JVM.

        `member`: of a Connect cluster; the other members reach it at `address` (host:port), by TLS.
        """
        self.folder = folder
        self.address = f"127.0.0.1:{processes.free_port()}" if member else None
        self.url = f"http://127.0.0.1:{processes.free_port()}"
        self.process: subprocess.Popen[bytes] | None = None
        self._properties, self._options = properties, options

    def start(self) -> None:
        """Returns once the REST interface answers.

        Raises:
            WorkerError: the JVM ended.
            WaitError: there was no answer for 15 minutes.
        """
        file = self._write("worker.properties", {**self._properties, **self._listeners()})
        log4j = self._write("log4j.properties", _LOG4J)
        log = f"-Dlog4j.configuration=file:{log4j}"
        main = _MAIN + ("ConnectDistributed" if self.address else "ConnectStandalone")
        command = ["java", *self._options, log, "-cp", f"{jars.ensure()}/*", main, str(file)]
        with (self.folder / "worker.log").open("ab") as out:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            )
        wait_until(self._answers, "the worker's REST interface answers", poll=0.1)

    @property
    def pid(self) -> int:
        """The JVM's process id."""
        assert self.process is not None  # noqa: S101  # only a started worker has one
        return self.process.pid

    def kill(self) -> None:
        """Ends the JVM without a shutdown."""
        assert self.process is not None  # noqa: S101  # only a started worker is killed
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ends the JVM in order, if it was started."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()

    def put(self, name: str, configuration: Mapping[str, str]) -> httpx.Response:
        """Makes or changes a connector; returns the answer, which may be a refusal."""

        def once() -> httpx.Response | None:
            answer = http.put(f"{self.url}/connectors/{name}/config", json=dict(configuration))
            # While a connector is changing, the herder asks for another try.
            return None if answer.status_code in {409, 503} else answer

        return wait_until(once, "an answer to a configuration", poll=0.1)

    def tasks(self, name: str) -> list[dict[str, Any]]:
        """The connector's tasks: their states, and the traces of those that failed; none while it is not known."""
        answer = http.get(f"{self.url}/connectors/{name}/status")
        tasks: list[dict[str, Any]] = answer.json()["tasks"] if answer.status_code == 200 else []
        return tasks

    def _listeners(self) -> dict[str, str]:
        if self.address is None:
            return {"listeners": self.url}
        port = self.address.rpartition(":")[2]
        return {"listeners": f"{self.url},https://{self.address}", "rest.advertised.port": port}

    def _answers(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            end = (self.folder / "worker.log").read_text(errors="replace")[-3000:]
            raise WorkerError(f"the worker ended:\n{end}")
        try:
            return http.get(self.url).status_code == 200
        except httpx.HTTPError:
            return False

    def _write(self, name: str, properties: Mapping[str, str]) -> Path:
        file = self.folder / name
        file.write_text(javaproperties.dumps(dict(properties), timestamp=False))
        return file
