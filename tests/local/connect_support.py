"""A real Connect worker with the stand-in connector, and with the partitioner compiled as on the VM."""

import json
import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import httpx
import javaproperties

from components.worker import cloud_config
from local.base import http, java, processes
from local.systems.connector import archive
from local.systems.kafka import client, jars, users
from tests.local.kafka_support import wait_for

VERSION = "12.1.11"
KEY_ID, SECRET = "testing", "testing-secret"
CLASS = "io.confluent.connect.s3.S3SinkConnector"
ORDERED = "ccloud.logexporter.OrderedPartitioner"


def unpack(plugins: Path) -> Path:
    """The stand-in in a worker's plugin path, with the partitioner beside its jars; returns the folder of the jars."""
    with zipfile.ZipFile(archive.ensure(VERSION)) as packed:
        packed.extractall(plugins)
    (libraries,) = plugins.glob("*/lib")
    sources = Path(cloud_config.__file__).parent / "files"
    java.compile_jar(sources, [libraries, jars.ensure()], libraries / "ordered-partitioner.jar")
    return libraries


def login(state: Path, user: str) -> str:
    secret = users.read(users.file(state))[user]
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    return f'{module} required username="{user}" password="{secret}";'


class Worker:
    """`connect-standalone` with the stand-in in its plugin path, driven by its REST interface."""

    def __init__(
        self,
        state: Path,
        plugins: Path,
        folder: Path,
        *,
        bootstrap: str | None = None,
        session_seconds: int = 30,
    ) -> None:
        """`bootstrap`: the broker's own address if None. `session_seconds`: after them the group expels a silent worker.

        The default is short, so that a killed worker's group is free again soon, and longer than a busy machine
        pauses.
        """
        self.state, self.plugins, self.folder = state, plugins, folder
        self.bootstrap = bootstrap or json.loads(client.address_file(state).read_text())["bootstrap"]
        self.session_seconds = session_seconds
        self.port = processes.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        file = self.folder / "worker.properties"
        file.write_text(javaproperties.dumps(self._properties(), timestamp=False))
        log4j = self.folder / "log4j.properties"
        log4j.write_text(
            "log4j.rootLogger=WARN, out\nlog4j.logger.io.confluent=INFO\n"
            "log4j.appender.out=org.apache.log4j.ConsoleAppender\n"
            "log4j.appender.out.layout=org.apache.log4j.PatternLayout\n"
            "log4j.appender.out.layout.ConversionPattern=[%d] %p %m (%c)%n\n"
        )
        options = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        main = "org.apache.kafka.connect.cli.ConnectStandalone"
        with (self.folder / "worker.log").open("ab") as out:
            self.process = subprocess.Popen(
                [
                    "java",
                    *options,
                    f"-Dlog4j.configuration=file:{log4j}",
                    "-cp",
                    f"{jars.ensure()}/*",
                    main,
                    file,
                ],
                stdout=out,
                stderr=subprocess.STDOUT,
                env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            )
        wait_for("the worker's REST interface", self._answers)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait()

    def put(self, name: str, configuration: dict[str, str]) -> httpx.Response:
        def once() -> httpx.Response | None:
            answer = http.put(f"{self.url}/connectors/{name}/config", json=configuration)
            # While a connector is changing, the herder asks for another try.
            return None if answer.status_code in {409, 503} else answer

        return wait_for("an answer to a configuration", once)

    def delete(self, name: str) -> None:
        http.delete(f"{self.url}/connectors/{name}")

    def task(self, name: str) -> dict[str, Any]:
        """The connector's one task: its state, and its trace if it failed."""
        answer = http.get(f"{self.url}/connectors/{name}/status")
        tasks: list[dict[str, Any]] = answer.json()["tasks"] if answer.status_code == 200 else []
        return tasks[0] if tasks else {}

    def failure(self, name: str) -> str:
        """The trace of the failed task."""
        failed = wait_for("FAILED", lambda: self.task(name) if self._state(name) == "FAILED" else None)
        return str(failed["trace"])

    def _state(self, name: str) -> str:
        return str(self.task(name).get("state"))

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "worker.log").read_text()[-3000:]
        try:
            return http.get(self.url).status_code == 200
        except httpx.HTTPError:
            return False

    def _properties(self) -> dict[str, str]:
        security = {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "PLAIN",
            "sasl.jaas.config": login(self.state, "WORKER"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(client.ca_file(self.state)),
        }
        return {
            "bootstrap.servers": self.bootstrap,
            "listeners": self.url,
            "plugin.path": str(self.plugins),
            "plugin.discovery": "service_load",
            "offset.storage.file.filename": str(self.folder / "offsets"),
            # Also how often the time of an idle partition is checked.
            "offset.flush.interval.ms": "1000",
            "key.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "false",
            **security,
            **{f"consumer.{name}": value for name, value in security.items()},
            "consumer.session.timeout.ms": str(1000 * self.session_seconds),
            "consumer.heartbeat.interval.ms": "1000",
        }
