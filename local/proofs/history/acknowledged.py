"""The client's record of the events that Kafka acknowledged: `state/demo/produced.jsonl`, one JSON object per line."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Acknowledged:
    """An event that the broker acknowledged; `time` as in the event."""

    id: str
    partition: int
    offset: int
    time: str


def file(state: Path) -> Path:
    """The record of this stack."""
    return state / "demo" / "produced.jsonl"


def read(state: Path) -> Iterator[Acknowledged]:
    """The record so far; nothing before the first event. A half-written last line is left out."""
    record = file(state)
    if not record.exists():
        return
    with record.open() as lines:
        for line in lines:
            if line.endswith("\n"):
                yield Acknowledged(**json.loads(line))
