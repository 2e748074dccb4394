"""One run of the watchdog, once a minute; `boot 0|1` tells how a boot ended."""

import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .clock import clock
from .connect import Connect
from .credentials import renewed_credentials, used_versions
from .decisions import PAUSES, decide
from .group import measure
from .journal import read_journal, remember
from .memory import Memory
from .metrics import publish
from .service import end_jvm, show_service
from .system import free_percent, say, write

SETTINGS = Path("/etc/s3-auditlog-sink/watchdog.json")

# Events named apart in one run; all are counted.
MOST_NAMED = 100


def main(arguments: list[str]) -> None:
    settings = json.loads(SETTINGS.read_text())
    if arguments[:1] == ["boot"]:
        publish(settings, {"BootFailed": 0 if arguments[1:] == ["0"] else 1})
        return
    memory_file = Path(os.environ["RUNTIME_DIRECTORY"], "memory.json")
    memory = Memory.read(memory_file)
    versions = used_versions()
    values = heal(settings, memory, versions)
    memory.write(memory_file)
    cursor_file = Path(os.environ["STATE_DIRECTORY"], "journal-cursor")
    skipped, cursor = read_journal(cursor_file)
    remember(memory, skipped)
    values |= clock()
    values |= measure(settings, memory)
    memory.write(memory_file)
    values |= {"FreeDiskPercent": min(map(free_percent, ("/", "/var/log"))), "SkippedEvents": len(skipped)}
    publish(settings, values, skipped[:MOST_NAMED], versions)
    # Last: what could not be published, or the cursor not written (a full disk), is told twice and not never.
    write(cursor_file, cursor)


def heal(settings: Mapping[str, Any], memory: Memory, versions: Mapping[str, int]) -> dict[str, float]:
    """Asks Connect and does what `decide` says. Returns TaskRunning and Restarts."""
    service = show_service()
    connect = Connect(settings["rest_port"], settings["connector"])
    states = connect.states()
    # After a boot, and after a restart by hand, systemd counts from 0 again.
    restarts = service.restarts - memory.restarts if service.restarts >= memory.restarts else service.restarts
    memory.restarts = service.restarts
    renewed = renewed_credentials(versions)
    decision = decide(memory, service.pid, states, time.monotonic(), renewed=bool(renewed))
    if decision == "task":
        say(f"restarting what failed: {states}, attempt {memory.attempts} of {len(PAUSES)}")
        restarts += 1
        connect.restart_failed()
    elif decision == "service":
        # systemd will count it.
        say(f"restarting the service: {states or 'no answer'}")
        # At once: a JVM that hangs does not end when it is asked to, and a failed task has nothing to finish.
        end_jvm(service.pid, signal.SIGKILL)
    elif decision == "credentials":
        say(f"restarting the service: new credentials for {', '.join(renewed)}")
        end_jvm(service.pid, signal.SIGTERM)
    return {"TaskRunning": int(states is not None and set(states) == {"RUNNING"}), "Restarts": restarts}


if __name__ == "__main__":
    main(sys.argv[1:])
