"""Batches of lines in the size that the listener accepts (pure)."""

from dataclasses import dataclass, field

from components.logzio.facts import MAX_BODY_BYTES

BATCH_BYTES = MAX_BODY_BYTES // 2
"""Half of what Logz.io accepts; its own senders use between a tenth and eight tenths of that limit."""


@dataclass
class Batch:
    """Lines that are sent together. An empty batch has room for the largest line that the listener accepts."""

    lines: list[bytes] = field(default_factory=list)
    size: int = 0

    def has_room(self, line: bytes) -> bool:
        """Whether the line fits."""
        return self.size + len(line) + 1 <= BATCH_BYTES

    def add(self, line: bytes) -> None:
        """Adds a line."""
        self.lines.append(line)
        self.size += len(line) + 1
