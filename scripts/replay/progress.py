"""Records how far a replay came, in an append-only file."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".replay"


@dataclass
class Progress:
    """The number of lines of each object that are done: sent, found in Logz.io, or not to be sent.

    `file` has a JSON object in each line, {"key": ..., "lines": ...}; the last line of a key counts.
    """

    file: Path
    done: dict[str, int] = field(default_factory=dict)

    @classmethod
    def at(cls, folder: Path, stack: str, name: str) -> "Progress":
        """The progress for a stack and a selection; empty if no run was interrupted."""
        file = folder / f"{stack}-{name}.jsonl"
        return cls(file, _read(file))

    @property
    def is_resumed(self) -> bool:
        """Whether an earlier run was interrupted."""
        return bool(self.done)

    def lines(self, key: str) -> int:
        """How many lines of an object are done."""
        return self.done.get(key, 0)

    def mark(self, reached: Mapping[str, int]) -> None:
        """Records the done lines of objects. They are on the disk when this returns."""
        if not reached:
            return
        self.done |= reached
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a") as out:
            # Each entry begins with a line break, so that an entry that was cut off before it stays on its own line.
            out.writelines("\n" + json.dumps({"key": key, "lines": lines}) for key, lines in reached.items())
            out.flush()
            os.fsync(out.fileno())

    def finish(self) -> None:
        """Deletes the file: the next run starts from the beginning, and asks Logz.io what it has."""
        self.file.unlink(missing_ok=True)
        self.done.clear()


def _read(file: Path) -> dict[str, int]:
    if not file.exists():
        return {}
    found: dict[str, int] = {}
    for text in file.read_text().split("\n"):
        try:
            entry = json.loads(text)
        except ValueError:
            # Empty, or written only in part when the run was interrupted.
            continue
        found[str(entry["key"])] = int(entry["lines"])
    return found
