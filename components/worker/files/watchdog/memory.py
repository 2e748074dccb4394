"""What a run of the watchdog remembers for the next run."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .system import write

_LASTING = ("skipped", "empty_to", "expired_to")


@dataclass
class ConnectorMemory:
    """State of a connector and its consumer group; partitions by `<topic>-<partition>`."""

    attempts: int = 0
    next_attempt: float = 0.0
    well_since: float | None = None
    # A new JVM was started for it since it last ran.
    had_new_jvm: bool = False
    moved_at: float | None = None
    committed: dict[str, int] = field(default_factory=dict)
    # Newest offsets at the last look, and when that was.
    ends: dict[str, int] = field(default_factory=dict)
    ends_at: float | None = None
    # Partition -> when the waiting events must be archived at the latest.
    due_at: dict[str, float] = field(default_factory=dict)
    # Partitions with an event that waits, as a read has shown; and partitions that a new JVM did not help.
    proved: list[str] = field(default_factory=list)
    # Partitions that another VM reads.
    elsewhere: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    # Skipped offsets that are not committed yet.
    skipped: dict[str, list[int]] = field(default_factory=dict)
    # Offsets before which there was no event although they are not committed; offsets before which expired events
    # were reported.
    empty_to: dict[str, int] = field(default_factory=dict)
    expired_to: dict[str, int] = field(default_factory=dict)


@dataclass
class Memory:
    """`connectors`: by name."""

    pid: int = 0
    restarts: int = 0
    unanswered: int = 0
    # Process id of the JVM that got SIGTERM.
    asked: int = 0
    measured_at: float | None = None
    # When this VM first saw credentials that are newer than those of its service.
    renewed_at: float | None = None
    # When to ask IAM again about the reader's role.
    look_at_reader: float = 0.0
    # When the cluster with Connect's state was looked at.
    looked_at_fleet: float | None = None
    # Whether it has reported that it runs, after a boot that took too long.
    reported: bool = False
    connectors: dict[str, ConnectorMemory] = field(default_factory=dict)

    def connector(self, name: str) -> ConnectorMemory:
        return self.connectors.setdefault(name, ConnectorMemory())

    @classmethod
    def read(cls, file: Path, lasting: Path) -> "Memory":
        """`file` is gone after a boot, because the monotonic clock starts anew; `lasting` holds no times."""
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
            name: {part: getattr(connector, part) for part in _LASTING}
            for name, connector in self.connectors.items()
        }
        write(file, json.dumps(known))


def _memory(known: dict[str, Any]) -> Memory:
    connectors = {name: ConnectorMemory(**fields) for name, fields in known.pop("connectors", {}).items()}
    return Memory(**known, connectors=connectors)
