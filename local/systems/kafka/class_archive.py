"""The broker's classes as a JVM has loaded them (Java's class data sharing): a start takes a third less CPU with it."""

import tempfile
from pathlib import Path

from local.base import java, processes
from local.systems.kafka import broker, jars

_NAME = "broker.jsa"


def ensure() -> Path:
    """The archive's file, in the cache. A JVM for which it was not made does without it.

    Raises:
        ToolError: Java, the JDK or Maven is missing or failed.
        BrokerError: the broker from which it is made did not come up, or did not write it.
        WaitError: that broker gave no answer for 500 seconds.
    """
    folders = [jars.ensure_login(), jars.ensure()]
    made_for = [java.version(), *map(str, folders), *broker.COMMON_OPTIONS]
    return java.ensure("kafka-classes", made_for, _record, text="The broker's classes") / _NAME


def _record(directory: Path) -> None:
    """A broker with the topic and the rights of a stack writes its classes when it ends."""
    archive = directory / _NAME
    with tempfile.TemporaryDirectory() as temporary:
        state, log = Path(temporary), Path(temporary) / "broker.log"
        with log.open("wb") as output:
            option = f"-XX:ArchiveClassesAtExit={archive}"
            process = broker.start(state, processes.free_port(), options=[option], output=output.fileno())
        try:
            broker.wait(state, process)
            broker.make_audit_log(state)
        finally:
            process.terminate()
            process.wait()
        if not archive.exists():
            raise broker.BrokerError(
                f"the broker wrote no archive of its classes:\n{log.read_text()[-3000:]}"
            )
