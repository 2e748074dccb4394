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
    return Follower(state).new()


class Follower:
    """Hands out each event of the record once, however often it is asked."""

    def __init__(self, state: Path) -> None:
        self._file = file(state)
        self._read = 0

    def new(self) -> Iterator[Acknowledged]:
        """What was recorded since the last call. A half-written last line comes with a later call."""
        if not self._file.exists():
            return
        with self._file.open("rb") as lines:
            lines.seek(self._read)
            for line in lines:
                if not line.endswith(b"\n"):
                    return
                self._read += len(line)
                yield Acknowledged(**json.loads(line))
