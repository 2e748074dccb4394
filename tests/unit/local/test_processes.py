"""What a process has used, from the kernel's files."""

import os
import subprocess
import threading

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


def test_the_children_of_a_process_are_found_whichever_of_its_threads_started_them() -> None:
    started: list[subprocess.Popen[bytes]] = []
    thread = threading.Thread(target=lambda: started.append(subprocess.Popen(["sleep", "60"])))
    thread.start()
    thread.join()
    (child,) = started

    assert child.pid in processes.children(os.getpid())

    child.kill()
    child.wait()
    assert child.pid not in processes.children(os.getpid())


def test_threads_that_end_meanwhile_do_not_keep_the_children_from_being_found() -> None:
    """Such a thread's folder in /proc/<pid>/task goes while it is read."""
    ended = threading.Event()
    child = subprocess.Popen(["sleep", "60"])

    def busy() -> None:
        while not ended.is_set():
            threading.Thread(target=os.getpid).start()

    thread = threading.Thread(target=busy)
    thread.start()
    found = [child.pid in processes.children(os.getpid()) for _ in range(20)]
    ended.set()
    thread.join()
    child.kill()
    child.wait()

    assert all(found)
