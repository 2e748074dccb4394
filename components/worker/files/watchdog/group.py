"""How far the consumer groups are, partition by partition."""

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .kafka import Member, Position, group_table, holds_event, log_starts, parse_members, parse_positions
from .memory import ConnectorMemory, Memory
from .system import say

# A look at the consumer groups takes a few JVMs of its own.
MEASURE_SECONDS = 300

# So many partitions are looked into in one look at a group.
MOST_ASKED = 2


class Expired(NamedTuple):
    """Offsets that expired in Kafka before they were archived; not all need be events."""

    connector: str
    place: Position
    first: int
    events: int


class Measured(NamedTuple):
    """What a look found: metrics, and what expired since the last one. None if Kafka did not answer."""

    values: Mapping[str, float]
    expired: Sequence[Expired]


NOTHING = Measured({}, [])


def measure(settings: Mapping[str, Any], memory: Memory) -> Measured:
    """Looks at the consumer groups now and then: nothing if it is too early, or Kafka did not answer."""
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
        one = memory.connector(connector["name"])
        for place in positions:
            follow(one, place, now, connector["rotation_seconds"])
        look_into(settings, one, positions, now)
        values |= {f"{connector['prefix']}{name}": value for name, value in told(one, positions, now).items()}
        expired += find_expired(connector["name"], one, positions)
        foreign |= foreign_members(connector, table)
        if not connector["prefix"]:
            values["UnregisteredPartitions"] = unregistered(settings["partitions"], positions)
    if values:
        values |= {"ExpiredEvents": sum(gap.events for gap in expired), "ForeignMembers": len(foreign)}
    return Measured(values, expired)


def follow(one: ConnectorMemory, place: Position, now: float, rotation_seconds: float) -> None:
    """Takes in where a partition is. Each for itself: one that stands still is not to hide behind the others."""
    name = place.name
    if one.moved_at is None:
        one.moved_at = now
    if place.committed is not None and place.committed != one.committed.get(name):
        one.moved_at = now
        one.committed[name] = place.committed
        one.due_at.pop(name, None)
        one.proved = [other for other in one.proved if other != name]
        one.given_up = [other for other in one.given_up if other != name]
    passed = place.committed or 0
    one.skipped[name] = [offset for offset in one.skipped.get(name, []) if offset >= passed]
    if lag(one, place):
        one.due_at.setdefault(name, now + rotation_seconds)
    else:
        one.due_at.pop(name, None)


def start_of(one: ConnectorMemory, place: Position) -> int:
    """The first offset that can hold an event to archive. Before the first commit, that is the oldest there is."""
    return max(place.committed or 0, place.log_start, one.empty_to.get(place.name, 0))


def lag(one: ConnectorMemory, place: Position) -> int:
    """How many events wait. A skipped one does not: it is committed with the next one that is archived."""
    start = start_of(one, place)
    skipped = sum(start <= offset < place.end for offset in one.skipped.get(place.name, []))
    return max(0, place.end - start - skipped)


def look_into(
    settings: Mapping[str, Any], one: ConnectorMemory, positions: Iterable[Position], now: float
) -> None:
    """Asks Kafka whether what is overdue holds an event at all, the longest first."""
    overdue = [
        place
        for place in positions
        if place.name not in one.proved and one.due_at.get(place.name, now) < now and lag(one, place)
    ]
    for place in sorted(overdue, key=lambda place: one.due_at[place.name])[:MOST_ASKED]:
        start = start_of(one, place)
        if holds_event(settings, place, start, one.skipped.get(place.name, [])):
            one.proved.append(place.name)
        else:
            say(f"no event in {place.name} from offset {start} to {place.end - 1}: nothing waits there")
            one.empty_to[place.name] = place.end
            one.due_at.pop(place.name)


def told(one: ConnectorMemory, positions: Iterable[Position], now: float) -> dict[str, float]:
    """ConsumerLag, SecondsSinceObject; SecondsStuck: how long events have been overdue."""
    overdue = [now - one.due_at[name] for name in one.proved if name in one.due_at]
    return {
        "ConsumerLag": sum(lag(one, place) for place in positions),
        "SecondsSinceObject": 0 if one.moved_at is None else round(now - one.moved_at),
        "SecondsStuck": round(max(overdue, default=0)),
    }


def find_expired(connector: str, one: ConnectorMemory, positions: Iterable[Position]) -> list[Expired]:
    """What was committed up to an offset and went on later: what lay between had expired. Each is found once."""
    found = []
    for place in positions:
        if place.committed is None:
            continue
        known = max(one.expired_to.get(place.name, 0), one.empty_to.get(place.name, 0))
        first = max(place.committed, known)
        skipped = sum(first <= offset < place.log_start for offset in one.skipped[place.name])
        if (count := place.log_start - first - skipped) > 0:
            found.append(Expired(connector, place, first, count))
    return found


def remember_expired(memory: Memory, expired: Iterable[Expired]) -> None:
    """Once they are told."""
    for one in expired:
        memory.connector(one.connector).expired_to[one.place.name] = one.place.log_start


def foreign_members(connector: Mapping[str, Any], table: str) -> set[Member]:
    """Members of the group that are not of this stack: they take a part of the events to another bucket."""
    prefix = connector["client_id_prefix"]
    found = {member for member in parse_members(table) if not member.client_id.startswith(prefix)}
    for member in sorted(found):
        say(f"foreign member of group {connector['group']}: client id {member.client_id}, host {member.host}")
    return found


def unregistered(registered: Mapping[str, int], positions: Iterable[Position]) -> int:
    """Partitions that Logz.io was not told of."""
    return sum(place.partition >= registered.get(place.topic, sys.maxsize) for place in positions)
