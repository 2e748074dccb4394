"""Events that Logz.io cannot index by its fields, whatever stock transformation they went through.

The archive has each like any other. The ordinary feed (`events`) holds none of them.
"""

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from local.proofs.generator.events import AuditEvent, events
from local.proofs.generator.organisation import Json


def unindexable(seed: int, start: datetime) -> Iterator[AuditEvent]:
    """One event of each kind, the same for the same arguments."""
    rng = random.Random(seed)  # noqa: S311 -- reproducible sample data, nothing secret
    for event, (kind, spoil) in zip(events(len(_SPOILERS), seed, start), _SPOILERS.items(), strict=True):
        value = copy.deepcopy(event.value)
        spoil(value)
        _shuffle(value, rng)
        yield AuditEvent(event.id, kind, str(value.get("time")), value)


def _shuffle(value: Json, rng: random.Random) -> None:
    """The wrong field comes first in some events, last in others."""
    names = list(value)
    rng.shuffle(names)
    for name in names:
        value[name] = value.pop(name)


def _in_data(**fields: Any) -> Callable[[Json], None]:
    return lambda value: value["data"].update(fields)


def _lists(levels: int) -> Any:
    """Lists are what flattening leaves nested."""
    nested: Any = "the bottom"
    for _ in range(levels):
        nested = [nested]
    return nested


_SPOILERS: Mapping[str, Callable[[Json], None]] = {
    # As Confluent's documentation prints it; no calendar of Logz.io goes that far.
    "year +999999999": lambda value: value.update(time="+999999999-12-31T23:59:59.999999999Z"),
    "no time": lambda value: value.pop("time"),
    "time null": lambda value: value.update(time=None),
    "time that is no date": lambda value: value.update(time="yesterday"),
    "over 10 levels of lists": _in_data(request={"data": _lists(11)}),
    "over 32,700 characters in a value": _in_data(request={"data": {"schema": "x" * 32_701}}),
    "over 32,700 characters in a name": _in_data(request={"data": {"x" * 32_701: "value"}}),
    "over 500,000 characters": _in_data(request={"data": {f"part{n}": "x" * 30_000 for n in range(17)}}),
    "over 1,000 fields": _in_data(request={"data": {f"field{n}": n for n in range(1_001)}}),
    # Kafka's property names, for example, have dots.
    "dot in a name": _in_data(request={"data": {"config": {"connector.class": "DatagenSource"}}}),
    "name that ends in _": _in_data(request={"data": {"schema_": "value"}}),
}

UNINDEXABLE = tuple(_SPOILERS)
"""The kinds of events there are here."""
