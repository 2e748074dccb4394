"""The progress of the consumer groups, partition by partition."""

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .connect import Connect
from .fleet import rotation_seconds
from .kafka import Member, Position, group_table, holds_event, log_starts, parse_members, parse_positions
from .memory import ConnectorMemory, Memory
from .system import instance_id, say

# Seconds between two looks at the consumer groups: each look starts several JVMs.
MEASURE_SECONDS = 300

# Partitions in which one look at a group searches for an event.
MOST_ASKED = 2


class Expired(NamedTuple):
    """Offsets that expired in Kafka before they were archived; some of them may not be events."""

    connector: str
    place: Position
    first: int
    events: int


class Measured(NamedTuple):
    """The result of a look: metrics, and what expired since the last look. Empty if Kafka did not answer."""

    values: Mapping[str, float]
    expired: Sequence[Expired]


NOTHING = Measured({}, [])


def measure(settings: Mapping[str, Any], memory: Memory) -> Measured:
    """Looks at the consumer groups; returns NOTHING if the last look was too recent or Kafka did not answer."""
    now = time.monotonic()
    if not memory.pid or (memory.measured_at is not None and now - memory.measured_at < MEASURE_SECONDS):
        return NOTHING
    memory.measured_at = now
    starts = log_starts(settings, settings["partitions"])
    if not starts:
        return NOTHING
    values: dict[str, float] = {}
    expired: list[Expired] = []
    foreign: set[Member] = set()
    for connector in settings["connectors"]:
        table = group_table(settings, connector["group"])
        positions = list(parse_positions(table, starts))
        if not positions:
            continue
        known = memory.connector(connector["name"])
        client_id = connector["client_id_prefix"] + instance_id()
        known.elsewhere = [place.name for place in positions if place.client_id not in ("", client_id)]
        seconds = rotation_seconds(Connect.of(settings), connector)
        for place in positions:
            follow(known, place, now, seconds)
        look_into(settings, known, positions, now)
        members = parse_members(table)
        own = own_tasks if settings["fleet"] else own_members
        metrics = {**lag_metrics(known, positions, now), "GroupMembers": own(connector, members)}
        values |= {f"{connector['prefix']}{name}": value for name, value in metrics.items()}
        expired += find_expired(connector["name"], known, positions)
        foreign |= foreign_members(connector, members)
        if not connector["prefix"]:
            values |= {
                **records_in(known, positions, now),
                "LargestPartitionLag": max(lag(known, place) for place in positions),
                "UnregisteredPartitions": unregistered(settings["partitions"], positions),
            }
    if values:
        values |= {"ExpiredEvents": sum(gap.events for gap in expired), "ForeignMembers": len(foreign)}
    return Measured(values, expired)


def follow(connector: ConnectorMemory, place: Position, now: float, rotation_seconds: float) -> None:
    """Remembers the progress of a partition. A stuck partition must not hide behind partitions that move."""
    name = place.name
    if connector.moved_at is None:
        connector.moved_at = now
    if place.committed is not None and place.committed != connector.committed.get(name):
        connector.moved_at = now
        connector.committed[name] = place.committed
        connector.due_at.pop(name, None)
        connector.proved = [other for other in connector.proved if other != name]
        connector.given_up = [other for other in connector.given_up if other != name]
    passed = place.committed or 0
    connector.skipped[name] = [offset for offset in connector.skipped.get(name, []) if offset >= passed]
    if lag(connector, place):
        connector.due_at.setdefault(name, now + rotation_seconds)
    else:
        connector.due_at.pop(name, None)


def start_of(connector: ConnectorMemory, place: Position) -> int:
    """The first offset that can hold an event to archive; before the first commit, the oldest offset in Kafka."""
    return max(place.committed or 0, place.log_start, connector.empty_to.get(place.name, 0))


def lag(connector: ConnectorMemory, place: Position) -> int:
    """How many events wait. A skipped event does not: it is committed with the next archived event."""
    start = start_of(connector, place)
    skipped = sum(start <= offset < place.end for offset in connector.skipped.get(place.name, []))
    return max(0, place.end - start - skipped)


def look_into(
    settings: Mapping[str, Any], connector: ConnectorMemory, positions: Iterable[Position], now: float
) -> None:
    """Asks Kafka whether there are events at the overdue offsets, the longest overdue partitions first."""
    overdue = [
        place
        for place in positions
        if place.name not in connector.proved
        and connector.due_at.get(place.name, now) < now
        and lag(connector, place)
    ]
    for place in sorted(overdue, key=lambda place: connector.due_at[place.name])[:MOST_ASKED]:
        start = start_of(connector, place)
        if holds_event(settings, place, start, connector.skipped.get(place.name, [])):
            connector.proved.append(place.name)
        else:
            say(f"no event in {place.name} from offset {start} to {place.end - 1}: nothing waits there")
            connector.empty_to[place.name] = place.end
            connector.due_at.pop(place.name)


def lag_metrics(connector: ConnectorMemory, positions: Iterable[Position], now: float) -> dict[str, float]:
    """ConsumerLag, SecondsSinceObject; SecondsStuck: how long events have been overdue."""
    overdue = [now - connector.due_at[name] for name in connector.proved if name in connector.due_at]
    return {
        "ConsumerLag": sum(lag(connector, place) for place in positions),
        "SecondsSinceObject": 0 if connector.moved_at is None else round(now - connector.moved_at),
        "SecondsStuck": round(max(overdue, default=0)),
    }


def records_in(connector: ConnectorMemory, positions: Iterable[Position], now: float) -> dict[str, float]:
    """RecordsPerSecond since the last look, by the newest offsets; nothing at the first look.

    It counts all that Kafka got, markers of transactions included.
    """
    ends = {place.name: place.end for place in positions}
    former, seconds = connector.ends, 0 if connector.ends_at is None else now - connector.ends_at
    # A partition that Kafka's tool left out of a look is counted at the next one.
    connector.ends, connector.ends_at = {**former, **ends}, now
    if not seconds:
        return {}
    new = sum(max(0, end - former.get(name, end)) for name, end in ends.items())
    return {"RecordsPerSecond": round(new / seconds, 3)}


def find_expired(name: str, connector: ConnectorMemory, positions: Iterable[Position]) -> list[Expired]:
    """The gaps between the committed offset and the oldest offset in Kafka: these expired. Each gap is found once."""
    found = []
    for place in positions:
        if place.committed is None:
            continue
        known = max(connector.expired_to.get(place.name, 0), connector.empty_to.get(place.name, 0))
        first = max(place.committed, known)
        skipped = sum(first <= offset < place.log_start for offset in connector.skipped[place.name])
        if (count := place.log_start - first - skipped) > 0:
            found.append(Expired(name, place, first, count))
    return found


def remember_expired(memory: Memory, expired: Iterable[Expired]) -> None:
    """Called after they were published."""
    for gap in expired:
        memory.connector(gap.connector).expired_to[gap.place.name] = gap.place.log_start


def own_members(connector: Mapping[str, Any], members: Iterable[Member]) -> int:
    """How many VMs of this stack are in the group. The consumers of a VM have one client id."""
    prefix = connector["client_id_prefix"]
    return len({member.client_id for member in members if member.client_id.startswith(prefix)})


def own_tasks(connector: Mapping[str, Any], members: Iterable[Member]) -> int:
    """How many tasks of this stack are in the group: a Connect cluster may run several on one VM and none on another."""
    prefix = connector["client_id_prefix"]
    return sum(member.client_id.startswith(prefix) for member in members)


def foreign_members(connector: Mapping[str, Any], members: Iterable[Member]) -> set[Member]:
    """Members of the group that do not belong to this stack: they take some events to another bucket."""
    prefix = connector["client_id_prefix"]
    found = {member for member in members if not member.client_id.startswith(prefix)}
    for member in sorted(found):
        say(f"foreign member of group {connector['group']}: client id {member.client_id}, host {member.host}")
    return found


def unregistered(registered: Mapping[str, int], positions: Iterable[Position]) -> int:
    """Number of partitions that have no registration in Logz.io."""
    return sum(place.partition >= registered.get(place.topic, sys.maxsize) for place in positions)
