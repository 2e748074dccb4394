"""A consumer that does nothing with what it reads: the limit of what a worker can carry."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import javaproperties

from local.base import java
from local.systems.kafka import jars

_SOURCES = Path(__file__).parent / "java"
_MAIN = "logexporter.bench.BareConsumer"


class ConsumerError(RuntimeError):
    """The consumer's JVM ended; the message has the end of its log."""


class BareConsumer:
    """Kafka's Java client, the one that Connect has, with the JVM's options of a worker. It runs inside a `with`."""

    def __init__(
        self,
        folder: Path,
        properties: Mapping[str, str],
        topics: Sequence[str],
        counts: Sequence[int],
        options: Sequence[str],
    ) -> None:
        """`counts`: records that it reads, one number after the other; see `wait`."""
        self._folder, self._properties = folder, properties
        self._arguments = [",".join(topics), *map(str, counts)]
        self._options = options
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "BareConsumer":
        self._folder.mkdir(parents=True)
        file = self._folder / "consumer.properties"
        file.touch(mode=0o600)
        file.write_text(javaproperties.dumps(dict(self._properties), timestamp=False))
        class_path = f"{_jar()}:{jars.ensure()}/*"
        command = ["java", *self._options, "-cp", class_path, _MAIN, str(file), *self._arguments]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None  # noqa: S101  # it was entered
        self._process.terminate()
        self._process.communicate()

    @property
    def pid(self) -> int:
        """The JVM's process id."""
        assert self._process is not None  # noqa: S101  # only a started consumer has one
        return self._process.pid

    def wait(self) -> None:
        """Until it has read the next number of records.

        Raises:
            ConsumerError: the JVM ended.
        """
        assert self._process is not None  # noqa: S101  # only a started consumer reads
        assert self._process.stdout is not None  # noqa: S101  # a pipe
        if not self._process.stdout.readline():
            raise ConsumerError(f"the consumer ended:\n{self._log.read_text(errors='replace')[-3000:]}")

    @property
    def _log(self) -> Path:
        return self._folder / "consumer.log"


def _jar() -> Path:
    """The compiled consumer, built once."""
    kafka = jars.ensure()
    folder = java.ensure(
        "bare-consumer",
        sorted(_SOURCES.rglob("*.java")),
        lambda directory: java.compile_jar(_SOURCES, [kafka], directory / "bare-consumer.jar"),
        text="The bare consumer",
    )
    return folder / "bare-consumer.jar"
