"""How far the consumer group is, partition by partition."""

import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .memory import Memory
from .system import run

WORKER_PROPERTIES = "/etc/kafka/connect-standalone.properties"

# A look at the consumer group takes a JVM of its own.
MEASURE_SECONDS = 300


class Position(NamedTuple):
    """How far one partition was archived; `committed` is None before the first time."""

    topic: str
    partition: int
    committed: int | None
    end: int


def measure(settings: Mapping[str, Any], memory: Memory) -> dict[str, float]:
    """Looks at the consumer group now and then. Returns nothing if it is too early, or Kafka did not answer."""
    now = time.monotonic()
    if not memory.pid or (memory.measured_at is not None and now - memory.measured_at < MEASURE_SECONDS):
        return {}
    memory.measured_at = now
    positions = list(parse_group(describe_group(settings)))
    return progress(memory, settings["partitions"], positions, now) if positions else {}


def progress(
    memory: Memory, registered: Mapping[str, int], positions: Iterable[Position], now: float
) -> dict[str, float]:
    """ConsumerLag, SecondsSinceObject, SecondsStuck, UnregisteredPartitions.

    Each partition for itself: one that stands still is not to hide behind the others.
    """
    lag = unregistered = 0
    waiting: dict[str, float] = {}
    if memory.moved_at is None:
        memory.moved_at = now
    for one in positions:
        name = f"{one.topic}-{one.partition}"
        before = memory.committed.get(name)
        if one.committed is not None:
            memory.committed[name] = one.committed
        # Before the first commit, what was there may have expired long ago: what came since waits for certain.
        start = one.committed if one.committed is not None else memory.first_end.setdefault(name, one.end)
        if one.committed is not None and one.committed != before:
            memory.moved_at = now
            memory.waiting_since.pop(name, None)
            memory.given_up = [other for other in memory.given_up if other != name]
        # A skipped event is committed with the next one that is archived, which may take days to come.
        memory.skipped[name] = [offset for offset in memory.skipped.get(name, []) if offset >= start]
        behind = max(0, one.end - start - len(memory.skipped[name]))
        if behind:
            waiting[name] = memory.waiting_since.get(name, now)
        lag += behind
        unregistered += one.partition >= registered.get(one.topic, sys.maxsize)
    memory.waiting_since = waiting
    return {
        "ConsumerLag": lag,
        "SecondsSinceObject": round(now - memory.moved_at),
        "SecondsStuck": round(max((now - since for since in waiting.values()), default=0)),
        "UnregisteredPartitions": unregistered,
    }


def describe_group(settings: Mapping[str, Any]) -> str:
    """The table of Kafka's own tool, with the worker's own login: the secret stays in its one place."""
    environment = {
        **os.environ,
        "KAFKA_HEAP_OPTS": "-Xmx96m",
        # Not into the service's own log; only the table is wanted.
        "KAFKA_LOG4J_OPTS": "-Dlog4j.defaultInitOverride=true",
    }
    group = f"connect-{settings['connector']}"
    return run(
        *("kafka-consumer-groups", "--bootstrap-server", settings["bootstrap_servers"]),
        *("--command-config", WORKER_PROPERTIES, "--timeout", "15000", "--describe", "--group", group),
        environment=environment,
    )


def parse_group(table: str) -> Iterator[Position]:
    """The rows, found by the names of their columns; `-` is an offset that is not known."""
    columns: list[str] = []
    for line in table.splitlines():
        cells = line.split()
        if cells[:2] == ["GROUP", "TOPIC"]:
            columns = cells
            continue
        row = dict(zip(columns, cells, strict=False))
        if row.get("PARTITION", "").isdigit() and row.get("LOG-END-OFFSET", "").isdigit():
            committed = row["CURRENT-OFFSET"]
            yield Position(
                topic=row["TOPIC"],
                partition=int(row["PARTITION"]),
                committed=int(committed) if committed.isdigit() else None,
                end=int(row["LOG-END-OFFSET"]),
            )
