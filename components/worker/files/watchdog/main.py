"""One run of the watchdog, once a minute. `connectors` only makes the connectors, `installed` reports a good boot."""

import json
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .clock import clock
from .connect import Connect
from .credentials import credentials_age, renewed_credentials, used_versions
from .decisions import PAUSES, decide
from .fleet import answers, give_connectors, look
from .group import measure, remember_expired
from .journal import read_journal, remember
from .memory import Memory
from .metrics import publish
from .reader import since_read
from .service import end_jvm, show_service
from .status import report_running
from .system import free_percent, say, write

SETTINGS = Path("/etc/s3-auditlog-sink/watchdog.json")

INSTALLED = Path("/etc/s3-auditlog-sink/installed")
"""Exists once an installation succeeded, including the first start, and was reported."""

# Events that a run names; it counts all of them.
MOST_NAMED = 100


def main(arguments: list[str]) -> None:
    settings = json.loads(SETTINGS.read_text())
    if arguments == ["installed"]:
        reported = report_running()
        publish(settings, {"BootFailed": 0})
        sys.exit(0 if reported else 1)
    given = give_connectors(settings)
    if arguments == ["connectors"]:
        sys.exit(0 if given else 1)
    memory_file = Path(os.environ["RUNTIME_DIRECTORY"], "memory.json")
    lasting_file = Path(os.environ["STATE_DIRECTORY"], "offsets.json")
    memory = Memory.read(memory_file, lasting_file)
    versions = used_versions()
    values = heal(settings, memory, versions)
    running = [values[f"{connector['prefix']}TaskRunning"] for connector in settings["connectors"]]
    if all(running) and not INSTALLED.exists():
        # The installation waits a few minutes for the first start, and reports a slower one as a failed boot.
        values["BootFailed"] = 0
        memory.reported = memory.reported or report_running()
    memory.write(memory_file)
    cursor_file = Path(os.environ["STATE_DIRECTORY"], "journal-cursor")
    journal = read_journal(cursor_file)
    remember(memory, journal.skipped)
    # Only the first connector: the other connectors also report nulls, which hold no event.
    archiver = settings["connectors"][0]["name"]
    skipped = [event for event in journal.skipped if event.connector == archiver]
    values |= {**clock(), **credentials_age()}
    measured = measure(settings, memory)
    memory.write(memory_file)
    values |= {
        **measured.values,
        **since_read(settings, memory),
        **look(settings, memory),
        "FreeDiskPercent": min(map(free_percent, ("/", "/var/log"))),
        "SkippedEvents": len(skipped),
        "OutOfMemory": journal.out_of_memory,
    }
    publish(settings, values, skipped[:MOST_NAMED], versions, measured.expired)
    # Last: if publishing fails, or the cursor cannot be written (a full disk), the next run reports again.
    remember_expired(memory, measured.expired)
    memory.write(memory_file)
    memory.write_lasting(lasting_file)
    write(cursor_file, journal.cursor)


def heal(settings: Mapping[str, Any], memory: Memory, versions: Mapping[str, int]) -> dict[str, float]:
    """Asks Connect and does what `decide` says. Returns Restarts, and TaskRunning for each connector."""
    service = show_service()
    names = [connector["name"] for connector in settings["connectors"]]
    connect = Connect.of(settings)
    states = connect.states()
    # systemd counts from 0 again after a boot and after a manual restart.
    restarts = service.restarts - memory.restarts if service.restarts >= memory.restarts else service.restarts
    memory.restarts = service.restarts
    renewed = renewed_credentials(versions)
    number = int(os.environ["VM_NUMBER"])
    decision = decide(
        memory,
        service.pid,
        states,
        time.monotonic(),
        renewed=bool(renewed),
        number=number,
        fleet_answers=states is not None or answers(settings),
    )
    if decision is None:
        pass
    elif decision.what == "connectors":
        for name in decision.connectors:
            attempts = memory.connector(name).attempts
            say(f"restarting what failed: {shown(states, [name])}, attempt {attempts} of {len(PAUSES)}")
            restarts += 1
            connect.restart_failed(name)
    elif decision.what == "service":
        # systemd counts this restart.
        say(f"restarting the service: {shown(states, names)}")
        # SIGKILL: a hanging JVM ignores SIGTERM, and a failed task has nothing to finish.
        end_jvm(service.pid, signal.SIGKILL)
    else:
        say(f"restarting the service: new credentials for {', '.join(renewed)}")
        end_jvm(service.pid, signal.SIGTERM)
    running = {
        f"{connector['prefix']}TaskRunning": int(
            states is not None and set(states[connector["name"]]) == {"RUNNING"}
        )
        for connector in settings["connectors"]
    }
    return {**running, "Restarts": restarts}


def shown(states: Mapping[str, Sequence[str]] | None, names: Iterable[str]) -> str:
    """`sink RUNNING/FAILED, sink-originals RUNNING/RUNNING`."""
    if states is None:
        return "no answer"
    return ", ".join(f"{name} {'/'.join(states[name])}" for name in names)


if __name__ == "__main__":
    main(sys.argv[1:])
