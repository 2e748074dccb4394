"""Reads the journal of Kafka Connect and its JVM: skipped events, and exits for lack of memory."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from .memory import Memory
from .service import UNIT

SKIPPED = re.compile(
    r"Error encountered in task (\S+)-\d+\. .*where consumed record is "
    r"\{topic='([^']+)', partition=(\d+), offset=(\d+)"
)
"""Kafka's LogReporter with errors.log.include.messages: the event's position, without its contents."""

OUT_OF_MEMORY = re.compile(r"^Terminating due to java\.lang\.OutOfMemoryError")
"""What a JVM with -XX:+ExitOnOutOfMemoryError prints before it exits."""

CURSOR = "-- cursor: "


class Event(NamedTuple):
    """Position of an event in Kafka, and the connector that skipped it."""

    topic: str
    partition: int
    offset: int
    connector: str


class Journal(NamedTuple):
    """Entries since the last cursor, and the new cursor. `out_of_memory`: how many exits."""

    skipped: list[Event]
    out_of_memory: int
    cursor: str


def read_journal(cursor_file: Path) -> Journal:
    cursor = cursor_file.read_text() if cursor_file.exists() else ""
    command = ["journalctl", f"--unit={UNIT}", "--output=cat", "--quiet", "--no-pager", "--show-cursor"]
    command += [f"--after-cursor={cursor}"] if cursor else []
    skipped, out_of_memory = [], 0
    # Line by line: at level DEBUG the journal may be large.
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace") as process:
        for line in process.stdout or ():
            cursor = line.removeprefix(CURSOR).strip() if line.startswith(CURSOR) else cursor
            if found := SKIPPED.search(line):
                skipped.append(Event(found[2], int(found[3]), int(found[4]), found[1]))
            out_of_memory += bool(OUT_OF_MEMORY.match(line))
    return Journal(skipped, out_of_memory, cursor)


def remember(memory: Memory, skipped: Iterable[Event]) -> None:
    """Remembers each offset once: after a restart the connector skips it again."""
    for event in skipped:
        known = memory.connector(event.connector).skipped.setdefault(f"{event.topic}-{event.partition}", [])
        if event.offset not in known:
            known.append(event.offset)
