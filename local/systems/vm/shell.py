"""Commands inside a running VM."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from local.systems.vm.machine import leader_of

_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run(folder: Path, argv: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Runs a command as root inside the VM of `folder` (`STATE/vm/<instance id>`), with a clean environment.

    Raises:
        RuntimeError: the VM is not running.
    """
    leader = _leader(folder)
    if leader is None:
        raise RuntimeError(f"{folder.name} is not running")
    return subprocess.run(
        ["nsenter", "--target", str(leader), "--all", "--root", "--wd", "--", "env", "-i", _PATH, *argv],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _leader(folder: Path) -> int | None:
    try:
        pid = int(json.loads((folder / "machine.json").read_text())["pid"])
        command = Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The kernel may have given the process id of a VM that is gone to another process.
    return leader_of(pid) if f"--machine={folder.name}" in command.split("\0") else None
