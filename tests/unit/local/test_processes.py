"""What a process has used, from the kernel's files."""

import os

import pytest

from local.base import processes
from local.base.processes import Usage, parse_usage

STATUS = "Name:\tjava\nVmPeak:\t 3000000 kB\nVmHWM:\t  290000 kB\nVmRSS:\t  280000 kB\n"


@pytest.mark.parametrize("name", ["java", "a (name) with spaces"])
def test_cpu_seconds_are_those_of_user_and_system(name: str) -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    before = "S 1 42 42 0 -1 4194304 1000 0 0 0"

    found = parse_usage(f"42 ({name}) {before} {3 * ticks} {2 * ticks} 900 900 20 0 30 0 5000 1 1", STATUS)

    assert found == Usage(5.0, 290_000 * 1024)


def test_a_process_without_memory_has_no_peak() -> None:
    assert parse_usage("42 (x) Z 1 42 42 0 -1 0 0 0 0 0 0 0 0 0", "Name:\tx\n").peak_bytes == 0


def test_this_process_has_used_something() -> None:
    found = processes.usage(os.getpid())

    assert found.cpu_seconds > 0
    assert found.peak_bytes > 1_000_000
