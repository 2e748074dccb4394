"""Skipped events: Kafka Connect names them in the journal."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from .memory import Memory
from .service import UNIT

SKIPPED = re.compile(r"where consumed record is \{topic='([^']+)', partition=(\d+), offset=(\d+)")
"""Kafka's LogReporter with errors.log.include.messages: where the event is, nothing of what it holds."""

CURSOR = "-- cursor: "


class Event(NamedTuple):
    """Where an event is in Kafka."""

    topic: str
    partition: int
    offset: int


def read_journal(cursor_file: Path) -> tuple[list[Event], str]:
    """The events that were skipped since the cursor, and the new cursor."""
    cursor = cursor_file.read_text() if cursor_file.exists() else ""
    command = ["journalctl", f"--unit={UNIT}", "--output=cat", "--quiet", "--no-pager", "--show-cursor"]
    command += [f"--after-cursor={cursor}"] if cursor else []
    skipped = []
    # Line by line: at level DEBUG there may be much of it.
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace") as process:
        for line in process.stdout or ():
            cursor = line.removeprefix(CURSOR).strip() if line.startswith(CURSOR) else cursor
            if found := SKIPPED.search(line):
                skipped.append(Event(found[1], int(found[2]), int(found[3])))
    return skipped, cursor


def remember(memory: Memory, skipped: Iterable[Event]) -> None:
    """Each offset once: a restart reads it again."""
    known = {name: set(offsets) for name, offsets in memory.skipped.items()}
    for one in skipped:
        known.setdefault(f"{one.topic}-{one.partition}", set()).add(one.offset)
    memory.skipped = {name: sorted(offsets) for name, offsets in known.items()}
