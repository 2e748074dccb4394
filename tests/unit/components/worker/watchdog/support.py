"""What the watchdog finds on a VM, played."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.worker.files.watchdog.kafka import Position

RUNNING = ["RUNNING", "RUNNING"]
FAILED = ["RUNNING", "FAILED"]

TOPIC = "confluent-audit-log-events"

JVM = 4711

SINK, ORIGINALS = "sink", "sink-originals"
ROTATION = 60

SETTINGS: dict[str, Any] = {
    "connectors": [
        {
            "name": SINK,
            "prefix": "",
            "group": "dev-bucket",
            "client_id_prefix": "dev-bucket-sink-",
            "rotation_seconds": ROTATION,
        },
        {
            "name": ORIGINALS,
            "prefix": "Originals",
            "group": "dev-bucket-originals",
            "client_id_prefix": "dev-bucket-sink-originals-",
            "rotation_seconds": 10 * ROTATION,
        },
    ],
    "fleet": None,
    "rest_port": 8083,
    "bootstrap_servers": "127.0.0.1:9092",
    "partitions": {TOPIC: 3},
    "metrics": True,
    "namespace": "CcloudLogexporter/dev",
    "region": "us-west-2",
    "endpoint": None,
    "reader": {"role": "reader-1234567", "region": "us-west-2", "endpoint": None},
}


def position(partition: int, committed: int | None, end: int, log_start: int = 0) -> Position:
    return Position(TOPIC, partition, committed, log_start, end)


def table(*rows: str, group: str = "dev-bucket") -> str:
    """As Kafka's tool prints it (3.9); a row without its group."""
    columns = "TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG CONSUMER-ID HOST CLIENT-ID"
    return f"\nGROUP {columns}\n" + "".join(f"{group}   {row}\n" for row in rows)


# With a member and without.
MEMBER = "dev-bucket-sink-i-1-c0ffee /127.0.0.1 dev-bucket-sink-i-1"
TABLE = table(
    f"{TOPIC} 0  41 45 4 {MEMBER}",
    f"{TOPIC} 10 -  0  - {MEMBER}",
    f"{TOPIC} 2  7  -  - - - -",
)
OFFSETS = f"{TOPIC}:0:3\n{TOPIC}:2:0\n{TOPIC}:10:0\n"


@dataclass
class Rest:
    """A Connect with given answers."""

    status: int = 200
    bodies: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def says(self, connector: str, *tasks: str, name: str = SINK) -> None:
        states = [{"id": number, "state": task} for number, task in enumerate(tasks)]
        self.bodies[name] = json.dumps({"name": name, "connector": {"state": connector}, "tasks": states})


@dataclass
class ParameterStore:
    """Parameters by name, with their versions."""

    versions: dict[str, int] = field(default_factory=lambda: {"/k": 1, "/w": 1})
    asked: list[dict[str, Any]] = field(default_factory=list)
    written: list[tuple[str, str]] = field(default_factory=list)
    error: Exception | None = None
    written_at: dict[str, datetime] = field(default_factory=dict)

    def put_parameter(self, **request: Any) -> None:
        if self.error:
            raise self.error
        assert request["Overwrite"]
        self.written.append((request["Name"], request["Value"]))

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        if self.error:
            raise self.error
        name = request["Name"]
        written = self.written_at.get(name, datetime.now(UTC))
        return {
            "Parameter": {
                "Version": self.versions[name],
                "Value": "encrypted",
                "LastModifiedDate": written,
            }
        }


@dataclass
class Iam:
    """The reader's role."""

    created: datetime = datetime(2026, 3, 1, tzinfo=UTC)
    used: datetime | None = None
    error: Exception | None = None
    asked: list[str] = field(default_factory=list)

    def get_role(self, *, RoleName: str) -> dict[str, Any]:  # noqa: N803  # boto3's
        """The name of its argument is boto3's."""
        self.asked.append(RoleName)
        if self.error:
            raise self.error
        last_used = {} if self.used is None else {"LastUsedDate": self.used, "Region": "us-west-2"}
        return {"Role": {"CreateDate": self.created, "RoleLastUsed": last_used}}


@dataclass
class ConnectCluster:
    """The REST interface of a Connect cluster: connectors with their properties, by name.

    `health`: status of /health. `refuses`: status of each change; None takes it.
    """

    connectors: dict[str, dict[str, str]] = field(default_factory=dict)
    health: int = 200
    refuses: int | None = None
    changes: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if path == "/health":
            return self.health, {}
        if path == "/connectors":
            return 200, sorted(self.connectors)
        name = path.split("/")[2]
        if method == "GET":
            return (200, self.connectors[name]) if name in self.connectors else (404, {})
        if self.refuses is not None:
            return self.refuses, {}
        self.changes.append(f"{method} {name}")
        if method == "DELETE":
            del self.connectors[name]
            return 204, None
        self.connectors[name] = json.loads(body)
        return 200, {}


def play(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


SKIPPED = (
    "ERROR [sink|task-0] Error encountered in task sink-0. Executing stage 'VALUE_CONVERTER' with class "
    "'org.apache.kafka.connect.json.JsonConverter', where consumed record is "
    f"{{topic='{TOPIC}', partition=3, offset=17, timestamp=1, timestampType=CreateTime}}. (LogReporter)"
)


@dataclass
class CloudWatch:
    """Keeps what it is given."""

    namespace: str = ""
    metrics: list[dict[str, Any]] = field(default_factory=list)
    error: Exception | None = None

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803  # boto3's
        """The name of its arguments is boto3's."""
        if self.error:
            raise self.error
        self.namespace = Namespace
        self.metrics += MetricData
