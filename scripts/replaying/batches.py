"""Lines in pieces that the listener takes (pure)."""

from dataclasses import dataclass, field

from components.logzio.facts import MAX_BODY_BYTES

BATCH_BYTES = MAX_BODY_BYTES // 2
"""Logz.io takes twice as much; its own senders stay between a tenth of that and eight tenths."""


@dataclass
class Batch:
    """Lines that are sent together. A line of the largest size that the listener takes fits into an empty one."""

    lines: list[bytes] = field(default_factory=list)
    size: int = 0

    def has_room(self, line: bytes) -> bool:
        """Whether the line fits."""
        return self.size + len(line) + 1 <= BATCH_BYTES

    def add(self, line: bytes) -> None:
        """Adds a line."""
        self.lines.append(line)
        self.size += len(line) + 1
