"""Looks after Kafka Connect once a minute: restarts what failed, and tells CloudWatch how the pipeline is.

Standalone mode never restarts a failed task, and systemd sees nothing but a JVM that is up. This runs as the
service's own user: to restart the service it ends the JVM, and systemd starts it again, with fresh secrets. It does
so too when the parameter store has another version of them.
Times are of the monotonic clock, which no wrong clock changes. `watchdog.py boot 0|1` tells how a boot ended.
"""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

SETTINGS = Path("/etc/s3-auditlog-sink/watchdog.json")
WORKER_PROPERTIES = "/etc/kafka/connect-standalone.properties"
# Which parameters hold the service's credentials, and which versions of them it was started with.
CREDENTIALS = Path("/etc/s3-auditlog-sink/secrets.json")
VERSIONS = Path("/run/s3-auditlog-sink/versions.json")
UNIT = "s3-auditlog-sink.service"

# Seconds after the first, second, ... restart of a failed task; then the service is restarted.
PAUSES = (60, 120, 120)
# A task that ran this long is well again.
WELL_SECONDS = 600
# Times in a row, a minute apart, that one JVM does not answer. A start on a small VM takes one or two.
UNANSWERED = 5
# Events wait, and nothing of their partition was committed, though the task is said to run.
STUCK_SECONDS = 1800
# A look at the consumer group takes a JVM of its own.
MEASURE_SECONDS = 300
# Events named apart in one run; all are counted.
MOST_NAMED = 100

UNITS = {
    "BootFailed": "Count",
    "TaskRunning": "Count",
    "Restarts": "Count",
    "FreeDiskPercent": "Percent",
    "SkippedEvents": "Count",
    "SkippedEventOffset": "None",
    "ConsumerLag": "Count",
    "SecondsSinceObject": "Seconds",
    "SecondsStuck": "Seconds",
    "UnregisteredPartitions": "Count",
    "CredentialsVersion": "None",
}
"""Every metric and its unit in CloudWatch."""

SKIPPED = re.compile(r"where consumed record is \{topic='([^']+)', partition=(\d+), offset=(\d+)")
"""Kafka's LogReporter with errors.log.include.messages: where the event is, nothing of what it holds."""

CURSOR = "-- cursor: "


class Service(NamedTuple):
    """What systemd knows: the JVM's process id (0: none right now), and how often it had to start it again."""

    pid: int
    restarts: int


class Event(NamedTuple):
    """Where an event is in Kafka."""

    topic: str
    partition: int
    offset: int


class Position(NamedTuple):
    """How far one partition was archived; `committed` is None before the first time."""

    topic: str
    partition: int
    committed: int | None
    end: int


@dataclass
class Memory:
    """What one run leaves to the next one; it is gone after a boot, as the clock is another one then."""

    pid: int = 0
    restarts: int = 0
    unanswered: int = 0
    attempts: int = 0
    next_attempt: float = 0.0
    # The JVM that was asked to end.
    asked: int = 0
    well_since: float | None = None
    measured_at: float | None = None
    moved_at: float | None = None
    # By "<topic>-<partition>": what was committed, since when events wait, the end when nothing was committed yet.
    committed: dict[str, int] = field(default_factory=dict)
    waiting_since: dict[str, float] = field(default_factory=dict)
    first_end: dict[str, int] = field(default_factory=dict)
    # Partitions that stand still in spite of a new JVM, and offsets that were skipped but are not committed yet.
    given_up: list[str] = field(default_factory=list)
    skipped: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> "Memory":
        try:
            return cls(**json.loads(file.read_text()))
        except (OSError, ValueError, TypeError):
            return cls()

    def write(self, file: Path) -> None:
        write(file, json.dumps(asdict(self)))


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


def decide(
    memory: Memory, pid: int, states: list[str] | None, now: float, *, renewed: bool = False
) -> str | None:
    """`task`, `service`, `credentials` (the service, with time to finish) or None: what to restart now.

    Args:
        pid: the JVM's process id, 0 while there is none (systemd starts it, or fetches its secrets).
        states: of the connector and its tasks; None if Connect did not answer.
        renewed: the parameter store has other credentials than the JVM.
    """
    if pid != memory.pid:
        memory.pid, memory.unanswered, memory.attempts, memory.next_attempt = pid, 0, 0, 0.0
    if pid == 0:
        return None
    if renewed:
        # One that did not end when it was asked to is ended by the next run.
        asked, memory.asked = memory.asked, pid
        return _service(memory) if asked == pid else "credentials"
    if states is None:
        memory.unanswered += 1
        return _service(memory) if memory.unanswered >= UNANSWERED else None
    memory.unanswered = 0
    if "FAILED" in states:
        memory.well_since = None
        return _failed(memory, now)
    if memory.well_since is None:
        memory.well_since = now
    if now - memory.well_since >= WELL_SECONDS:
        memory.attempts = 0
    stuck = [name for name, since in memory.waiting_since.items() if now - since >= STUCK_SECONDS]
    # Paused by a person: only told. So is what a new JVM did not help.
    if set(states) != {"RUNNING"} or set(stuck) <= set(memory.given_up):
        return None
    memory.given_up = stuck
    return _service(memory)


def _failed(memory: Memory, now: float) -> str | None:
    if now < memory.next_attempt:
        return None
    if memory.attempts == len(PAUSES):
        return _service(memory)
    memory.next_attempt = now + PAUSES[memory.attempts]
    memory.attempts += 1
    return "task"


def _service(memory: Memory) -> str:
    """The next JVM starts with a clean sheet."""
    memory.unanswered, memory.attempts, memory.next_attempt = 0, 0, 0.0
    return "service"


class Connect(NamedTuple):
    """Connect's REST interface."""

    port: int
    connector: str

    def states(self) -> list[str] | None:
        """Of the connector and its tasks; None if there is no sound answer."""
        try:
            status = json.loads(self._call("GET", "status"))
            tasks = [task["state"] for task in status["tasks"]]
            return [status["connector"]["state"], *(tasks or ["UNASSIGNED"])]
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            say(f"Connect: {error!r}")
            return None

    def restart_failed(self) -> None:
        try:
            self._call("POST", "restart?includeTasks=true&onlyFailed=true")
        except (OSError, http.client.HTTPException) as error:
            say(f"Connect: {error!r}")

    def _call(self, method: str, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, f"/connectors/{self.connector}/{path}")
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:
            raise http.client.HTTPException(f"{method} {path}: {answer.status}")
        return body


def show_service() -> Service:
    shown = run("systemctl", "show", "--property=MainPID,NRestarts", UNIT)
    values = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    return Service(int(values.get("MainPID", 0)), int(values.get("NRestarts", 0)))


def end_jvm(pid: int, how: signal.Signals) -> None:
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        return


def used_versions() -> dict[str, int]:
    """Credentials -> version of their parameter that the service was started with; empty while it is down."""
    try:
        return dict(json.loads(VERSIONS.read_text()))
    except (OSError, ValueError):
        return {}


def renewed_credentials(used: Mapping[str, int]) -> list[str]:
    """Which credentials have another version by now. Only the version is asked for, the value stays encrypted."""
    if not used:
        return []
    import botocore.exceptions  # noqa: PLC0415  # see `client`

    settings = json.loads(CREDENTIALS.read_text())
    parameters = settings["parameters"].items()
    try:
        ssm = client("ssm", settings)
        newest = {
            credentials: ssm.get_parameter(Name=name)["Parameter"]["Version"]
            for credentials, name in parameters
        }
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        say(f"parameter store: {error}")
        return []
    return [credentials for credentials, version in newest.items() if version != used.get(credentials)]


def measure(settings: Mapping[str, Any], memory: Memory) -> dict[str, float]:
    """Looks at the consumer group now and then. Returns nothing if it is too early, or Kafka did not answer."""
    now = time.monotonic()
    if not memory.pid or (memory.measured_at is not None and now - memory.measured_at < MEASURE_SECONDS):
        return {}
    memory.measured_at = now
    positions = list(parse_group(describe_group(settings)))
    return progress(memory, settings["partitions"], positions, now) if positions else {}


def remember(memory: Memory, skipped: Iterable[Event]) -> None:
    """Each offset once: a restart reads it again."""
    known = {name: set(offsets) for name, offsets in memory.skipped.items()}
    for one in skipped:
        known.setdefault(f"{one.topic}-{one.partition}", set()).add(one.offset)
    memory.skipped = {name: sorted(offsets) for name, offsets in known.items()}


def progress(
    memory: Memory, registered: Mapping[str, int], positions: Iterable[Position], now: float
) -> dict[str, float]:
    """ConsumerLag, SecondsSinceObject, SecondsStuck, UnregisteredPartitions.

    Each partition for itself: one that stands still is not to hide behind the others.
    """
    lag = unregistered = 0
    waiting: dict[str, float] = {}
    if memory.moved_at is None:
        memory.moved_at = now
    for one in positions:
        name = f"{one.topic}-{one.partition}"
        before = memory.committed.get(name)
        if one.committed is not None:
            memory.committed[name] = one.committed
        # Before the first commit, what was there may have expired long ago: what came since waits for certain.
        start = one.committed if one.committed is not None else memory.first_end.setdefault(name, one.end)
        if one.committed is not None and one.committed != before:
            memory.moved_at = now
            memory.waiting_since.pop(name, None)
            memory.given_up = [other for other in memory.given_up if other != name]
        # A skipped event is committed with the next one that is archived, which may take days to come.
        memory.skipped[name] = [offset for offset in memory.skipped.get(name, []) if offset >= start]
        behind = max(0, one.end - start - len(memory.skipped[name]))
        if behind:
            waiting[name] = memory.waiting_since.get(name, now)
        lag += behind
        unregistered += one.partition >= registered.get(one.topic, sys.maxsize)
    memory.waiting_since = waiting
    return {
        "ConsumerLag": lag,
        "SecondsSinceObject": round(now - memory.moved_at),
        "SecondsStuck": round(max((now - since for since in waiting.values()), default=0)),
        "UnregisteredPartitions": unregistered,
    }


def describe_group(settings: Mapping[str, Any]) -> str:
    """The table of Kafka's own tool, with the worker's own login: the secret stays in its one place."""
    environment = {
        **os.environ,
        "KAFKA_HEAP_OPTS": "-Xmx96m",
        # Not into the service's own log; only the table is wanted.
        "KAFKA_LOG4J_OPTS": "-Dlog4j.defaultInitOverride=true",
    }
    group = f"connect-{settings['connector']}"
    return run(
        *("kafka-consumer-groups", "--bootstrap-server", settings["bootstrap_servers"]),
        *("--command-config", WORKER_PROPERTIES, "--timeout", "15000", "--describe", "--group", group),
        environment=environment,
    )


def parse_group(table: str) -> Iterator[Position]:
    """The rows, found by the names of their columns; `-` is an offset that is not known."""
    columns: list[str] = []
    for line in table.splitlines():
        cells = line.split()
        if cells[:2] == ["GROUP", "TOPIC"]:
            columns = cells
            continue
        row = dict(zip(columns, cells, strict=False))
        if row.get("PARTITION", "").isdigit() and row.get("LOG-END-OFFSET", "").isdigit():
            committed = row["CURRENT-OFFSET"]
            yield Position(
                topic=row["TOPIC"],
                partition=int(row["PARTITION"]),
                committed=int(committed) if committed.isdigit() else None,
                end=int(row["LOG-END-OFFSET"]),
            )


def read_journal(cursor_file: Path) -> tuple[list[Event], str]:
    """The events that were skipped since the cursor, and the new cursor."""
    cursor = cursor_file.read_text() if cursor_file.exists() else ""
    command = ["journalctl", f"--unit={UNIT}", "--output=cat", "--quiet", "--no-pager", "--show-cursor"]
    command += [f"--after-cursor={cursor}"] if cursor else []
    skipped = []
    # Line by line: at level DEBUG there may be much of it.
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace") as process:
        for line in process.stdout or ():
            cursor = line.removeprefix(CURSOR).strip() if line.startswith(CURSOR) else cursor
            if found := SKIPPED.search(line):
                skipped.append(Event(found[1], int(found[2]), int(found[3])))
    return skipped, cursor


def free_percent(path: str) -> int:
    disk = os.statvfs(path)
    return 100 * disk.f_bavail // disk.f_blocks


def run(*command: str, environment: Mapping[str, str] | None = None) -> str:
    """What the command printed; what went wrong is told and is no reason to stop."""
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


def write(file: Path, text: str) -> None:
    """All or nothing: on a full disk the old contents stay."""
    partial = file.with_suffix(".partial")
    partial.write_text(text)
    partial.replace(file)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def publish(
    settings: Mapping[str, Any],
    values: Mapping[str, float],
    skipped: Sequence[Event] = (),
    versions: Mapping[str, int] | None = None,
) -> None:
    """One line in the journal, and CloudWatch's metrics if they are on."""
    say("heartbeat " + json.dumps(dict(values)))
    for topic, partition, offset in skipped:
        say(f"skipped event: topic {topic}, partition {partition}, offset {offset}")
    if not settings["metrics"]:
        return
    metrics = [metric(name, value) for name, value in values.items()]
    metrics += [
        metric("SkippedEventOffset", offset, {"Topic": topic, "Partition": str(partition)})
        for topic, partition, offset in skipped
    ]
    metrics += [
        metric("CredentialsVersion", version, {"Credentials": credentials})
        for credentials, version in (versions or {}).items()
    ]
    client("cloudwatch", settings).put_metric_data(Namespace=settings["namespace"], MetricData=metrics)


def metric(name: str, value: float, dimensions: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": text} for key, text in (dimensions or {}).items()],
        "Value": value,
        "Unit": UNITS[name],
    }


def client(service: str, settings: Mapping[str, Any]) -> Any:
    # Not above: a boot that failed before boto3 was installed still tells its result in the journal.
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    return boto3.client(
        service,  # type: ignore[call-overload]  # the stubs want a literal
        region_name=settings["region"],
        endpoint_url=settings["endpoint"],
        config=Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 3}),
    )


if __name__ == "__main__":
    main(sys.argv[1:])
