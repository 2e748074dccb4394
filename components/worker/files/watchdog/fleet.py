"""Mode distributed: gives Connect its connectors, and looks after what the VMs share."""

import json
import re
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .aws import client
from .connect import ERRORS, Connect
from .credentials import CREDENTIALS
from .kafka import topic_table
from .memory import Memory
from .system import say

# Written by fetch_secrets.py.
CERTIFICATE = Path("/run/s3-auditlog-sink/certificate.json")

# Seconds between two looks at the topics: each look starts a JVM.
LOOK_SECONDS = 300

MOST_ROTATION_SECONDS = 3600
"""The most that the settings allow, for a connector whose properties are not known yet."""


def give_connectors(settings: Mapping[str, Any]) -> bool:
    """Gives the Connect cluster its connectors, and takes away all others. Returns whether all is as it should be.

    Every VM does this, and all of them read the same parameters: no VM owns the properties, so a former VM cannot put
    back what it was made with.
    """
    if settings["fleet"] is None:
        return True
    connect = Connect.of(settings)
    if not connect.is_ready():
        return False
    given = [_give(connect, connector) for connector in settings["connectors"]]
    return _take_others(connect) and all(given)


def _give(connect: Connect, connector: Mapping[str, Any]) -> bool:
    """Puts the properties where Connect has others: the same ones again would restart the connector."""
    name, wanted = connector["name"], _wanted(connector["parameter"])
    if wanted is None:
        return False
    try:
        present = connect.properties(name)
        if present != wanted:
            say(f"{name}: {_difference(present, wanted)}")
            connect.put(name, wanted)
    except ERRORS as error:
        # Members come or go, or another VM has put them: the next run looks again.
        say(f"{name}: {error!r}")
        return False
    return True


def _difference(present: Mapping[str, str] | None, wanted: Mapping[str, str]) -> str:
    """Names only: a person may have put a secret."""
    if present is None:
        return "new"
    changed = [name for name in sorted({**present, **wanted}) if present.get(name) != wanted.get(name)]
    return f"changed: {', '.join(changed)}"


def _take_others(connect: Connect) -> bool:
    """Removes connectors that the settings do not have any more; Connect keeps every connector for ever."""
    try:
        for name in sorted(set(connect.present()) - set(connect.connectors)):
            say(f"{name}: not in the settings, removed")
            connect.delete(name)
    except ERRORS as error:
        say(f"Connect: {error!r}")
        return False
    return True


def _wanted(parameter: str) -> dict[str, str] | None:
    import botocore.exceptions  # noqa: PLC0415  # see `client`

    try:
        ssm = client("ssm", json.loads(CREDENTIALS.read_text()))
        return dict(json.loads(ssm.get_parameter(Name=parameter)["Parameter"]["Value"]))
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        say(f"parameter {parameter}: {error}")
        return None


def rotation_seconds(connect: Connect, connector: Mapping[str, Any]) -> float:
    """Most seconds that an event waits for its object."""
    if "rotation_seconds" in connector:
        return float(connector["rotation_seconds"])
    with suppress(*ERRORS):
        return int((connect.properties(connector["name"]) or {})["rotate.schedule.interval.ms"]) / 1000
    return MOST_ROTATION_SECONDS


def answers(settings: Mapping[str, Any]) -> bool:
    """Whether a broker of the cluster with Connect's state takes connections; true for mode standalone."""
    if settings["fleet"] is None:
        return True
    return any(_connects(server) for server in settings["fleet"]["bootstrap_servers"].split(","))


def _connects(server: str) -> bool:
    host, _, port = server.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as error:
        say(f"{server}: {error}")
        return False
    return True


def look(settings: Mapping[str, Any], memory: Memory) -> dict[str, float]:
    """FleetClusterAnswers and FleetTopicsWrong every few minutes, CertificateDaysLeft always; empty for standalone.

    Kafka's tool proves more than a connection does: the key is valid, and the topics are there. A topic is wrong if it
    is not compacted: Kafka would delete the connectors after its retention.
    """
    fleet, now = settings["fleet"], time.monotonic()
    if fleet is None:
        return {}
    values = _certificate_days_left()
    if memory.looked_at_fleet is not None and now - memory.looked_at_fleet < LOOK_SECONDS:
        return values
    memory.looked_at_fleet = now
    table = topic_table(fleet["bootstrap_servers"], fleet["topics"]) if answers(settings) else ""
    policies = dict(
        re.findall(r"^Topic: (\S+)\b.*\bConfigs: .*?cleanup\.policy=([a-z,]+)", table, re.MULTILINE)
    )
    described = set(re.findall(r"^Topic: (\S+)\b.*\bPartitionCount:", table, re.MULTILINE))
    wrong = [topic for topic in fleet["topics"] if topic in described and policies.get(topic) != "compact"]
    for topic in wrong:
        say(f"topic {topic}: cleanup.policy is {policies.get(topic, 'delete')}, not compact")
    return {**values, "FleetClusterAnswers": int(bool(described)), "FleetTopicsWrong": len(wrong)}


def _certificate_days_left() -> dict[str, float]:
    try:
        end = datetime.fromisoformat(json.loads(CERTIFICATE.read_text())["not_after"])
    except (OSError, ValueError):
        return {}
    return {"CertificateDaysLeft": round((end - datetime.now(UTC)).total_seconds() / 86400, 1)}
