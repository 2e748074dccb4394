"""What one run of the watchdog leaves to the next one."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .system import write

_LASTING = ("skipped", "empty_to", "expired_to")


@dataclass
class ConnectorMemory:
    """Of one connector and its consumer group; partitions by `<topic>-<partition>`."""

    attempts: int = 0
    next_attempt: float = 0.0
    well_since: float | None = None
    # A new JVM did not bring it back.
    had_new_jvm: bool = False
    moved_at: float | None = None
    committed: dict[str, int] = field(default_factory=dict)
    # When what waits is to be archived at the latest.
    due_at: dict[str, float] = field(default_factory=dict)
    # Partitions in which Kafka has shown an event that waits, and those that a new JVM did not help.
    proved: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    # Offsets that were skipped and are not committed yet.
    skipped: dict[str, list[int]] = field(default_factory=dict)
    # Up to these offsets there was no event, though they are not committed; and up to these, what expired was told.
    empty_to: dict[str, int] = field(default_factory=dict)
    expired_to: dict[str, int] = field(default_factory=dict)


@dataclass
class Memory:
    """`connectors`: by name."""

    pid: int = 0
    restarts: int = 0
    unanswered: int = 0
    # The JVM that was asked to end.
    asked: int = 0
    measured_at: float | None = None
    connectors: dict[str, ConnectorMemory] = field(default_factory=dict)

    def connector(self, name: str) -> ConnectorMemory:
        return self.connectors.setdefault(name, ConnectorMemory())

    @classmethod
    def read(cls, file: Path, lasting: Path) -> "Memory":
        """`file` is gone after a boot, as the clock is another one then; `lasting` has what no clock is part of."""
        try:
            return _memory(json.loads(file.read_text()))
        except (OSError, ValueError, TypeError, AttributeError):
            pass
        try:
            return _memory({"connectors": json.loads(lasting.read_text())})
        except (OSError, ValueError, TypeError, AttributeError):
            return cls()

    def write(self, file: Path) -> None:
        write(file, json.dumps(asdict(self)))

    def write_lasting(self, file: Path) -> None:
        known = {
            name: {part: getattr(one, part) for part in _LASTING} for name, one in self.connectors.items()
        }
        write(file, json.dumps(known))


def _memory(known: dict[str, Any]) -> Memory:
    connectors = {name: ConnectorMemory(**one) for name, one in known.pop("connectors", {}).items()}
    return Memory(**known, connectors=connectors)
