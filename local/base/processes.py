"""Servers of the local stack: started with a record, stopped by process id.

A record holds the process id and the start time that the kernel keeps for it, so that a process id which
was given to somebody else in the meantime is never signalled.
"""

import json
import os
import random
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
class Server:
    """A started server: its name, process id and what it wrote into its ready file (`{}` if it has none)."""

    name: str
    pid: int
    ready: Mapping[str, Any]


def free_port() -> int:
    """A port of 127.0.0.1 for a server that starts later; from below those that Linux gives to others meanwhile."""
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
    """What a server calls once it serves."""
    write_atomically(file, json.dumps(dict(content)))


def names(state: Path) -> list[str]:
    """The servers that have a record, the last started first."""
    records = (state / "processes").glob("*.json")
    servers = [record for record in records if not record.name.endswith(".ready.json")]
    return [record.stem for record in sorted(servers, key=lambda r: r.stat().st_mtime, reverse=True)]


def is_running(state: Path, name: str) -> bool:
    """Whether the very process of the record still lives."""
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
    """Ends whatever a run of this state folder left, the last started first; returns the names."""
    stopped = names(state)
    for name in stopped:
        stop(state, name)
    return stopped


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
    """A child of ours that ended stays a zombie, with its start time, until somebody waits for it."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _start_time(pid: int) -> int | None:
    """Field 22 of /proc/<pid>/stat (clock ticks since boot); None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


def _tail(log: Path, characters: int = 3000) -> str:
    return log.read_text(errors="replace")[-characters:]
