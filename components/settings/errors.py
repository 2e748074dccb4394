"""The error for settings that cannot be used, and the lines that it shows."""

import difflib
from collections.abc import Iterable

import pulumi

NAMESPACE = "ccloud-logexporter"


class SettingsError(pulumi.RunError, ValueError):
    """The settings cannot be used; `problems` has one line for each thing to fix.

    It is a RunError, because Pulumi shows the text of one without the program's stack trace.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        lines = "".join(f"\n  - {line}" for line in self.problems)
        super().__init__(f"{len(self.problems)} setting(s) to fix:{lines}")


def problem(setting: str, wrong: str, accepted_instead: str) -> str:
    """A line that names a setting (`worker.heapMb`), what is wrong with it and what to write instead."""
    return f"{NAMESPACE}:{setting}: {wrong}; accepted: {accepted_instead}"


def unknown(setting: str, name: str, names: Iterable[str]) -> str:
    """A line on a name that is not a setting, with the closest of the settings' names."""
    names = list(names)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f", did you mean {close[0]}?" if close else ""
    return problem(setting, f"is not a setting{hint}", ", ".join(names))
