"""What the watchdog finds on a VM, played."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.worker.files.watchdog.group import Position, progress
from components.worker.files.watchdog.memory import Memory

RUNNING = ["RUNNING", "RUNNING"]


TOPIC = "confluent-audit-log-events"


JVM = 4711


SETTINGS: dict[str, Any] = {
    "connector": "sink",
    "rest_port": 8083,
    "bootstrap_servers": "127.0.0.1:9092",
    "partitions": {TOPIC: 3},
    "metrics": True,
    "namespace": "CcloudLogexporter/dev",
    "region": "us-west-2",
    "endpoint": None,
}


def positions(*committed_and_end: tuple[int | None, int]) -> list[Position]:
    return [Position(TOPIC, number, *one) for number, one in enumerate(committed_and_end)]


def told(memory: Memory, now: float, *committed_and_end: tuple[int | None, int]) -> dict[str, float]:
    return progress(memory, SETTINGS["partitions"], positions(*committed_and_end), now)


# As Kafka's tool prints it (3.9), with a member and without.
TABLE = f"""
GROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG   CONSUMER-ID  HOST   CLIENT-ID
connect-sink    {TOPIC} 0          41              45              4     sink-0-1f    /127.0.0.1  s3-auditlog-sink
connect-sink    {TOPIC} 10         -               0               -     sink-0-1f    /127.0.0.1  s3-auditlog-sink
connect-sink    {TOPIC} 2          7               -               -     -            -           -
"""


@dataclass
class Rest:
    """A Connect that answers what it is told to."""

    status: int = 200
    body: str = ""
    asked: list[str] = field(default_factory=list)

    def says(self, connector: str, *tasks: str) -> None:
        states = [{"id": number, "state": task} for number, task in enumerate(tasks)]
        self.body = json.dumps({"name": "sink", "connector": {"state": connector}, "tasks": states})


@dataclass
class ParameterStore:
    """Parameters by name, with their versions."""

    versions: dict[str, int] = field(default_factory=lambda: {"/k": 1, "/w": 1})
    asked: list[dict[str, Any]] = field(default_factory=list)
    error: Exception | None = None

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        if self.error:
            raise self.error
        return {"Parameter": {"Version": self.versions[request["Name"]], "Value": "encrypted"}}


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
