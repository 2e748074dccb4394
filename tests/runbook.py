"""The runbook's entries, as they are on the page."""

import re

from components.worker.alarms import RUNBOOK
from local.base.paths import ROOT


def entries() -> dict[str, str]:
    """Heading of each entry below `## Alarms` -> its text, on one line."""
    page = (ROOT / RUNBOOK).read_text()
    section = re.split(r"^## ", page.partition("\n## Alarms\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    _, *parts = re.split(r"^### (.+)$", section, flags=re.MULTILINE)
    return {heading: " ".join(text.split()) for heading, text in zip(parts[::2], parts[1::2], strict=True)}


def first_look(entry: str) -> str:
    """The part of an entry that has its command."""
    return entry.partition(" - First look: ")[2].partition(" - Fix: ")[0]


def command(entry: str) -> str:
    """The command of an entry's first look."""
    return first_look(entry).split("`")[1]


def found(alarm: str, written: str) -> list[str]:
    """The lines of a journal that the first look of an alarm shows, which searches for a pattern (`journalctl -g`)."""
    pattern = command(entries()[alarm]).partition(" -g '")[2].partition("'")[0]
    # As journalctl does it (journalctl(1), --case-sensitive).
    flags = re.IGNORECASE if pattern.islower() else 0
    return [line for line in written.splitlines() if pattern and re.search(pattern, line, flags)]
