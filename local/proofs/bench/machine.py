"""The machine that a measurement ran on."""

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime

from local.proofs.bench.backlog import MB


@dataclass(frozen=True)
class Machine:
    """Where the figures come from. `load`: of the minute before the run, as in `uptime`. `connector`: its zip."""

    date: str
    cores: int
    memory_mb: int
    load: float
    python: str
    java: str
    connector: str

    def __str__(self) -> str:
        return f"{self.cores} cores, {self.memory_mb:,} MB of memory, load {self.load} before the run, Java {self.java}"


def this_machine(connector: str) -> Machine:
    """The machine that this process runs on."""
    printed = subprocess.run(["java", "-version"], capture_output=True, check=True, text=True).stderr
    return Machine(
        date=datetime.now(UTC).date().isoformat(),
        cores=os.cpu_count() or 1,
        memory_mb=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // MB,
        load=round(os.getloadavg()[0], 1),
        python=platform.python_version(),
        java=java_version(printed),
        connector=connector,
    )


def java_version(printed: str) -> str:
    """`17.0.15` from what `java -version` prints; all of it if it names no version."""
    found = re.search(r'version "([^"]+)"', printed)
    return found.group(1) if found else printed.strip()
