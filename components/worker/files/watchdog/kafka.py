"""Runs Kafka's own tools with the worker's login, so that the secret is in one place only."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .system import run

CLIENT_PROPERTIES = "/etc/s3-auditlog-sink/audit-log-client.properties"

# Of a worker in mode distributed, with the login to the cluster with Connect's state.
WORKER_PROPERTIES = "/etc/kafka/connect-distributed.properties"

# A read begins so many records earlier: an earlier record in the answer proves that the read works.
LOOK_BACK = 10


class Position(NamedTuple):
    """Progress of the archive in a partition.

    `committed` is None before the first commit; `log_start` is the offset of the oldest record that has not expired.
    `client_id`: of the consumer that reads it; empty if none does.
    """

    topic: str
    partition: int
    committed: int | None
    log_start: int
    end: int
    client_id: str = ""

    @property
    def name(self) -> str:
        return f"{self.topic}-{self.partition}"


class Member(NamedTuple):
    """A consumer of the group; `consumer_id` is unique."""

    consumer_id: str
    client_id: str
    host: str


def group_table(settings: Mapping[str, Any], group: str) -> str:
    return _tool("kafka-consumer-groups", settings, "--timeout", "15000", "--describe", "--group", group)


def log_starts(settings: Mapping[str, Any], topics: Iterable[str]) -> dict[tuple[str, int], int]:
    """Topic and partition -> the offset of the oldest record (`--time -2`); empty if Kafka did not answer."""
    # The tool takes a regular expression.
    pattern = "|".join(re.escape(topic) for topic in topics)
    answer = _tool("kafka-get-offsets", settings, "--topic", pattern, "--time", "-2")
    found = re.findall(r"^([^:\s]+):(\d+):(\d+)$", answer, re.MULTILINE)
    return {(topic, int(partition)): int(offset) for topic, partition, offset in found}


def topic_table(bootstrap_servers: str, topics: Iterable[str]) -> str:
    """The topics with Connect's state, as `kafka-topics --describe` shows them; empty without an answer."""
    pattern = "|".join(re.escape(topic) for topic in topics)
    return _run("kafka-topics", bootstrap_servers, WORKER_PROPERTIES, "--describe", "--topic", pattern)


def holds_event(settings: Mapping[str, Any], place: Position, start: int, skipped: Iterable[int]) -> bool:
    """Whether there is a record from `start` on that was not skipped. Transaction markers are not records.

    It reads the assigned partition once, without a group, and prints the offset of each record but not its contents. It
    also returns True if it could read nothing at all, because that proves nothing.
    """
    known = set(skipped)
    # The record before the committed offset was an event.
    committed = start if place.committed is None else place.committed
    first = max(place.log_start, committed - LOOK_BACK)
    # With more than there can be, the tool would wait for them to its timeout.
    most = min(LOOK_BACK + len(known) + 1, place.end - first)
    answer = _tool(
        *("kafka-console-consumer", settings, "--topic", place.topic, "--partition", str(place.partition)),
        *("--offset", str(first), "--max-messages", str(most), "--timeout-ms", "20000"),
        *("--property", "print.value=false", "--property", "print.offset=true"),
    )
    offsets = [int(offset) for offset in re.findall(r"^Offset:(\d+)", answer, re.MULTILINE)]
    return not offsets or any(offset >= start and offset not in known for offset in offsets)


def parse_positions(table: str, starts: Mapping[tuple[str, int], int]) -> Iterator[Position]:
    """Parses the rows of a group's table that have offsets."""
    for row in _rows(table):
        end, partition = row.get("LOG-END-OFFSET", ""), row.get("PARTITION", "")
        if not (end.isdigit() and partition.isdigit()):
            continue
        place = row["TOPIC"], int(partition)
        if place in starts:
            committed = row["CURRENT-OFFSET"]
            yield Position(
                *place,
                committed=int(committed) if committed.isdigit() else None,
                log_start=starts[place],
                end=int(end),
                client_id=row.get("CLIENT-ID", "-").removeprefix("-"),
            )


def parse_members(table: str) -> set[Member]:
    """The members of a group, which has a row for each partition of a member."""
    return {
        Member(row["CONSUMER-ID"], row.get("CLIENT-ID", "-"), row.get("HOST", "-"))
        for row in _rows(table)
        if row.get("CONSUMER-ID", "-") != "-"
    }


def _rows(table: str) -> Iterator[dict[str, str]]:
    """Column -> value for each row; `-` is an unknown value."""
    columns: list[str] = []
    for line in table.splitlines():
        cells = line.split()
        if cells[:2] == ["GROUP", "TOPIC"]:
            columns = cells
        elif columns and len(cells) >= len(columns):
            yield dict(zip(columns, cells, strict=False))


def _tool(name: str, settings: Mapping[str, Any], *arguments: str) -> str:
    """What the tool prints about the audit-log cluster."""
    return _run(name, settings["bootstrap_servers"], CLIENT_PROPERTIES, *arguments)


def _run(name: str, bootstrap_servers: str, properties: str, *arguments: str) -> str:
    """What the tool prints. Each call starts a JVM."""
    environment = {
        **os.environ,
        "KAFKA_HEAP_OPTS": "-Xmx96m",
        # A JVM of seconds needs no second compiler: it takes a third less CPU, which a burstable VM has little of.
        "KAFKA_JVM_PERFORMANCE_OPTS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
        # Keeps the tool from writing to the service's own log, and into its answer: Log4j 2, of platform 8, would show
        # errors on standard output.
        "KAFKA_LOG4J_OPTS": "-Dlog4j.defaultInitOverride=true -Dlog4j2.level=OFF",
    }
    login = "--consumer.config" if name == "kafka-console-consumer" else "--command-config"
    return run(
        *(name, "--bootstrap-server", bootstrap_servers, login, properties, *arguments),
        environment=environment,
    )
