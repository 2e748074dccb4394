"""The tiers are folders: unit (seconds), local (real parts of the local stack), engine (whole stacks)."""

import gc
import os

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]  # it ships no types
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # the same

# Hundreds of thousands of objects of pulumi_aws live to the end: looking at them again and again takes a quarter of
# the unit tier's time.
gc.disable()

# Before Logz.io's emulator is imported, here or in a server of a stack: twelve listings a second would take a tenth of a
# core for each stack.
os.environ.setdefault("FETCH_SECONDS", "3")

_TIERS = ("engine", "local", "unit")

_ONE_STACK = "tests/engine/stack/"
"""A folder whose modules share a stack, so that they run one after the other."""

_LONGEST = (
    "tests/engine/test_chaos.py",
    "tests/engine/test_chaos_distributed.py",
    _ONE_STACK,
    "tests/engine/test_platform_upgrade.py",
    "tests/local/worker/test_watchdog_kafka.py",
    "tests/engine/test_shipping_faults.py",
    "tests/engine/test_shipping_lifecycle.py",
    # It waits most of the time: at the end it would wait alone.
    "tests/local/connector/test_connector.py",
)


class _ByStack(LoadScopeScheduling):  # type: ignore[misc]  # a class without types
    def _split_scope(self, nodeid: str) -> str:
        return _ONE_STACK if nodeid.startswith(_ONE_STACK) else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """With `--dist loadscope`, the tests of a module or of a shared stack run in one process."""
    return _ByStack(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Starts the long tests first, so that the short ones fill the gaps beside them at the end."""

    def place(item: pytest.Item) -> tuple[int, int]:
        longest = (number for number, start in enumerate(_LONGEST) if item.nodeid.startswith(start))
        return next(longest, len(_LONGEST)), _TIERS.index(item.nodeid.split("/")[1])

    items.sort(key=place)


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
