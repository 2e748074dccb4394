"""What one run of the watchdog leaves to the next one."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .system import write


@dataclass
class Memory:
    """What one run leaves to the next one; it is gone after a boot, as the clock is another one then."""

    pid: int = 0
    restarts: int = 0
    unanswered: int = 0
    attempts: int = 0
    next_attempt: float = 0.0
    # The JVM that was asked to end.
    asked: int = 0
    well_since: float | None = None
    measured_at: float | None = None
    moved_at: float | None = None
    # By "<topic>-<partition>": what was committed, since when events wait, the end when nothing was committed yet.
    committed: dict[str, int] = field(default_factory=dict)
    waiting_since: dict[str, float] = field(default_factory=dict)
    first_end: dict[str, int] = field(default_factory=dict)
    # Partitions that stand still in spite of a new JVM, and offsets that were skipped but are not committed yet.
    given_up: list[str] = field(default_factory=list)
    skipped: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> "Memory":
        try:
            return cls(**json.loads(file.read_text()))
        except (OSError, ValueError, TypeError):
            return cls()

    def write(self, file: Path) -> None:
        write(file, json.dumps(asdict(self)))
