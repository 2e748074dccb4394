"""The service, as systemd sees it."""

import os
import signal
from typing import NamedTuple

from .system import run

UNIT = "s3-auditlog-sink.service"


class Service(NamedTuple):
    """What systemd knows: the JVM's process id (0 if there is none), and how often systemd restarted it."""

    pid: int
    restarts: int


def show_service() -> Service:
    shown = run("systemctl", "show", "--property=MainPID,NRestarts", UNIT)
    values = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    return Service(int(values.get("MainPID", 0)), int(values.get("NRestarts", 0)))


def end_jvm(pid: int, how: signal.Signals) -> None:
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        return
