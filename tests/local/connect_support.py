"""A real Connect worker with the stand-in connector, and with the partitioner compiled as on the VM."""

import json
from pathlib import Path
from typing import Any

from local.base import http
from local.systems.connector import archive, plugin, worker
from local.systems.kafka import client
from tests.local.kafka_support import wait_for

VERSION = "12.1.11"
KEY_ID, SECRET = "testing", "testing-secret"
CLASS = "io.confluent.connect.s3.S3SinkConnector"
ORDERED = "ccloud.logexporter.OrderedPartitioner"


def unpack(plugins: Path) -> Path:
    """The stand-in in a worker's plugin path, with the partitioner beside its jars; returns the folder of the jars."""
    return plugin.unpack(archive.ensure(VERSION), plugins)


class Worker(worker.Worker):
    """A worker whose connectors the tests configure."""

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
        bootstrap = bootstrap or json.loads(client.address_file(state).read_text())["bootstrap"]
        security = {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "PLAIN",
            "sasl.jaas.config": client.java_login(state, "WORKER"),
            **client.java_trust(state),
        }
        properties = {
            "bootstrap.servers": bootstrap,
            "plugin.path": str(plugins),
            "plugin.discovery": "service_load",
            "offset.storage.file.filename": str(folder / "offsets"),
            # Also how often the time of an idle partition is checked.
            "offset.flush.interval.ms": "1000",
            "key.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "false",
            **security,
            **{f"consumer.{name}": value for name, value in security.items()},
            "consumer.session.timeout.ms": str(1000 * session_seconds),
            "consumer.heartbeat.interval.ms": "1000",
        }
        super().__init__(folder, properties)

    def delete(self, name: str) -> None:
        http.delete(f"{self.url}/connectors/{name}")

    def task(self, name: str) -> dict[str, Any]:
        """The connector's one task: its state, and its trace if it failed."""
        tasks = self.tasks(name)
        return tasks[0] if tasks else {}

    def failure(self, name: str) -> str:
        """The trace of the failed task."""
        failed = wait_for("FAILED", lambda: self.task(name) if self._state(name) == "FAILED" else None)
        return str(failed["trace"])

    def _state(self, name: str) -> str:
        return str(self.task(name).get("state"))
