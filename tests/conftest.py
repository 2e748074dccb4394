"""Tiers: the unit tier does not even import the modules of the others, whose imports take seconds."""

import gc
import re
from pathlib import Path

import pytest

# Hundreds of thousands of objects of pulumi_aws live to the end: looking at them again and again takes a quarter of
# the unit tier's time.
gc.disable()

UNIT = "not local and not engine"
_OTHER_TIER = re.compile(r"^pytestmark = .*mark\.(local|engine)", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves out, of the unit tier, each module that is marked as a whole."""
    if config.getoption("markexpr") != UNIT or collection_path.suffix != ".py":
        return None
    return True if _OTHER_TIER.search(collection_path.read_text()) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Starts the long tests first, so that the short ones fill the gaps beside them at the end."""
    items.sort(
        key=lambda item: (
            0 if item.get_closest_marker("engine") else 1 if item.get_closest_marker("local") else 2
        )
    )


def pytest_collection_finish() -> None:
    """From here on, only what the tests make is looked at."""
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the figures that tests recorded, also those of a run that passed."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties:
                terminalreporter.write_line(f"{name}: {value}")
