"""Commands, files and output, for the other modules."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def run(*command: str, environment: Mapping[str, str] | None = None) -> str:
    """Output of the command. A failure is printed, and the watchdog goes on."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        say(f"{command[0]}: {error}")
        return ""
    if done.returncode != 0:
        say(f"{command[0]}: exit code {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def write(file: Path, text: str) -> None:
    """Writes atomically: on a full disk the old contents stay."""
    partial = file.with_suffix(".partial")
    partial.write_text(text)
    partial.replace(file)


def free_percent(path: str) -> int:
    disk = os.statvfs(path)
    return 100 * disk.f_bavail // disk.f_blocks


def instance_id() -> str:
    """The id of this VM, as fetch_secrets.py reads it for the client ids of Kafka's clients."""
    try:
        return Path("/var/lib/cloud/data/instance-id").read_text().strip() or "unknown"
    except OSError:
        return "unknown"
