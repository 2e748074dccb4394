"""Servers of the local stack: started with a record, stopped by process id.

A record holds the process id and the kernel's start time of the process, so that another process which got the same
id later is never signalled.
"""

import json
import os
import random
import re
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.base.files import write_atomically
from local.base.waiting import WaitError, wait_until

STOP_SECONDS = 60.0
_READY_SECONDS = 600.0


class StartError(RuntimeError):
    """A server of the local stack did not come up; the message holds the end of its log."""


@dataclass(frozen=True)
class Usage:
    """What a process has used since its start: seconds of CPU, and the most bytes that it had in memory."""

    cpu_seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Server:
    """A started server: its name, process id and the content of its ready file."""

    name: str
    pid: int
    ready: Mapping[str, Any]


def free_port() -> int:
    """A free port of 127.0.0.1 for a server that starts later, below the range that Linux assigns by itself."""
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311 -- nothing secret
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def start(
    state: Path,
    name: str,
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
) -> Server:
    """Starts `argv + ["--ready-file", FILE]` in a process group of its own and waits until FILE is there.

    The log goes to `state/logs/<name>.log`, the record to `state/processes/<name>.json`.

    Raises:
        StartError: it ended or was not ready within ten minutes.
    """
    ready_file = _ready_file(state, name)
    ready_file.parent.mkdir(parents=True, exist_ok=True)
    ready_file.unlink(missing_ok=True)
    log = state / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        process = subprocess.Popen(
            [*argv, "--ready-file", str(ready_file)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
        )
    _record(state, name).write_text(json.dumps({"pid": process.pid, "started": _start_time(process.pid)}))

    def is_ready() -> bool:
        if process.poll() is not None and not ready_file.exists():
            raise StartError(f"{name} ended with {process.returncode}:\n{_tail(log)}")
        return ready_file.exists()

    try:
        wait_until(is_ready, f"{name} is ready", seconds=_READY_SECONDS, poll=0.05)
    except WaitError as error:
        stop(state, name)
        raise StartError(f"{error}:\n{_tail(log)}") from None
    return read(state, name)


def read(state: Path, name: str) -> Server:
    """A server that was started, from its record."""
    known = json.loads(_record(state, name).read_text())
    return Server(name, int(known["pid"]), json.loads(_ready_file(state, name).read_text()))


def write_ready(file: Path, content: Mapping[str, Any]) -> None:
    """Says that a server is ready, with `content`; the server calls it once it serves."""
    write_atomically(file, json.dumps(dict(content)))


def names(state: Path) -> list[str]:
    """The servers that have a record, the last started first."""
    records = (state / "processes").glob("*.json")
    servers = [record for record in records if not record.name.endswith(".ready.json")]
    return [record.stem for record in sorted(servers, key=lambda r: r.stat().st_mtime, reverse=True)]


def is_running(state: Path, name: str) -> bool:
    """Whether the process of the record is still running."""
    return _live_pid(state, name) is not None


def stop(state: Path, name: str) -> None:
    """Ends a server: SIGTERM to it, after a minute SIGKILL to its process group; forgets its record."""
    pid = _live_pid(state, name)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        try:
            wait_until(lambda: not is_running(state, name), f"{name} ends", seconds=STOP_SECONDS, poll=0.05)
        except WaitError:
            os.killpg(pid, signal.SIGKILL)
    _record(state, name).unlink(missing_ok=True)


def stop_all(state: Path) -> list[str]:
    """Stops every server with a record in this state folder, the last started first; returns the names."""
    stopped = names(state)
    for name in stopped:
        stop(state, name)
    return stopped


def usage(pid: int) -> Usage:
    """What a process, with all its threads, has used so far.

    Raises:
        FileNotFoundError: there is no such process.
    """
    folder = Path(f"/proc/{pid}")
    return parse_usage((folder / "stat").read_text(), (folder / "status").read_text())


def parse_usage(stat: str, status: str) -> Usage:
    """`stat`, `status`: contents of these files of /proc/<pid> (proc(5): utime and stime are fields 14 and 15)."""
    user, system = _stat_fields(stat)[11:13]
    peak = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    ticks = os.sysconf("SC_CLK_TCK")
    # A process without memory of its own (a zombie) has no such line.
    return Usage((int(user) + int(system)) / ticks, 1024 * int(peak.group(1)) if peak else 0)


def children(pid: int) -> list[int]:
    """The processes that any thread of this one started and that are still there.

    By each process's field 4 of /proc/<pid>/stat: a list of a thread's own (/proc/<pid>/task/<tid>/children) goes with
    its thread while it is read.
    """
    stats = ((int(folder.name), _stat(folder)) for folder in Path("/proc").glob("[0-9]*"))
    return [process for process, fields in stats if fields and int(fields[1]) == pid]


def _record(state: Path, name: str) -> Path:
    return state / "processes" / f"{name}.json"


def _ready_file(state: Path, name: str) -> Path:
    return state / "processes" / f"{name}.ready.json"


def _live_pid(state: Path, name: str) -> int | None:
    record = _record(state, name)
    if not record.exists():
        return None
    known = json.loads(record.read_text())
    pid = int(known["pid"])
    _reap(pid)
    return pid if _start_time(pid) == known["started"] else None


def _reap(pid: int) -> None:
    """An ended child stays a zombie, with its start time, until its parent waits for it."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _start_time(pid: int) -> int | None:
    """Field 22 of /proc/<pid>/stat (clock ticks since boot); None when there is no such process."""
    fields = _stat(Path(f"/proc/{pid}"))
    return None if not fields or fields[0] == "Z" else int(fields[19])


def _stat(folder: Path) -> list[str]:
    """Empty when the process has ended."""
    try:
        return _stat_fields((folder / "stat").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return []


def _stat_fields(stat: str) -> list[str]:
    """The fields of /proc/<pid>/stat from the third one on: the name before them may hold spaces (proc(5))."""
    return stat.rpartition(")")[2].split()


def _tail(log: Path, characters: int = 3000) -> str:
    return log.read_text(errors="replace")[-characters:]
