"""The broker's classes as a JVM has loaded them (Java's class data sharing): a start takes a third less CPU with it."""

import subprocess
import tempfile
from pathlib import Path

from local.base import java, processes
from local.systems.kafka import broker, jars

_NAME = "broker.jsa"


def ensure() -> Path:
    """The archive's file, in the cache. A JVM for which it was not made does without it.

    Raises:
        ToolError: Java, the JDK or Maven is missing or failed.
        BrokerError: the broker from which it is made did not come up.
    """
    folders = [jars.ensure_login(), jars.ensure()]
    made_for = [_java_version(), *map(str, folders), *broker.COMMON_OPTIONS]
    return java.ensure("kafka-classes", made_for, _record, text="The broker's classes") / _NAME


def _record(directory: Path) -> None:
    """A broker with the topic and the rights of a stack writes its classes when it ends."""
    with tempfile.TemporaryDirectory() as temporary:
        state = Path(temporary)
        process = broker.start(
            state,
            processes.free_port(),
            options=[f"-XX:ArchiveClassesAtExit={directory / _NAME}"],
            output=subprocess.DEVNULL,
        )
        try:
            broker.wait(state, process)
            broker.make_audit_log(state)
        finally:
            process.terminate()
            process.wait()


def _java_version() -> str:
    shown = subprocess.run(["java", "-version"], check=True, stderr=subprocess.PIPE, text=True)
    return shown.stderr
