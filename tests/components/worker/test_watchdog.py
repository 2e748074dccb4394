"""Every decision of the watchdog, with a Connect that is played and a clock that is told."""

import json
import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from components.worker.files import watchdog
from components.worker.files.watchdog import (
    PAUSES,
    STUCK_SECONDS,
    UNANSWERED,
    WELL_SECONDS,
    Connect,
    Event,
    Memory,
    Position,
    Service,
    decide,
    parse_group,
    progress,
)

RUNNING = ["RUNNING", "RUNNING"]
FAILED = ["RUNNING", "FAILED"]
TOPIC = "confluent-audit-log-events"
JVM = 4711
SETTINGS: dict[str, Any] = {
    "connector": "sink",
    "rest_port": 8083,
    "bootstrap_servers": "127.0.0.1:9092",
    "partitions": {TOPIC: 3},
    "metrics": True,
    "namespace": "CcloudLogexporter/dev",
    "region": "us-west-2",
    "endpoint": None,
}


def decisions(
    states: list[str] | None, times: list[float], memory: Memory, pid: int = JVM
) -> list[str | None]:
    return [decide(memory, pid, states, now) for now in times]


def test_what_runs_is_left_alone() -> None:
    assert decisions(RUNNING, [0, 60, 120], Memory()) == [None, None, None]


def test_a_failed_task_is_restarted_at_once_then_with_growing_pauses() -> None:
    times: list[float] = [0, 59, 60, 179, 180, 299]

    assert decisions(FAILED, times, Memory()) == ["task", None, "task", None, "task", None]
    assert sorted(PAUSES) == list(PAUSES)


def test_a_failed_connector_is_restarted_like_a_task() -> None:
    assert decisions(["FAILED", "UNASSIGNED"], [0], Memory()) == ["task"]


def test_restarts_have_a_ceiling_after_which_the_service_is_restarted() -> None:
    times: list[float] = [0, 60, 180, 300]

    assert decisions(FAILED, times, Memory()) == ["task", "task", "task", "service"]


def test_the_new_jvm_has_all_its_restarts_again() -> None:
    memory = Memory()
    decisions(FAILED, [0, 60, 180, 300], memory)

    assert decisions(FAILED, [360, 420, 540, 660], memory, pid=JVM + 1) == ["task", "task", "task", "service"]


def test_a_task_that_fails_again_soon_goes_on_where_it_was() -> None:
    memory = Memory()
    decisions(FAILED, [0, 60], memory)
    decisions(RUNNING, [120, 180], memory)

    assert decisions(FAILED, [240, 360], memory) == ["task", "service"]


def test_a_task_that_ran_well_for_long_begins_anew() -> None:
    memory = Memory()
    decisions(FAILED, [0, 60, 180], memory)
    decisions(RUNNING, [240, 240 + WELL_SECONDS], memory)

    assert decisions(FAILED, [1000, 1060, 1180], memory) == ["task", "task", "task"]


def test_a_jvm_that_does_not_answer_many_times_in_a_row_is_ended() -> None:
    times: list[float] = [60 * run for run in range(UNANSWERED)]

    assert decisions(None, times, Memory()) == [None] * (UNANSWERED - 1) + ["service"]


def test_one_answer_ends_the_row() -> None:
    memory = Memory()
    decisions(None, [60] * (UNANSWERED - 1), memory)
    decisions(RUNNING, [300], memory)

    assert decisions(None, [360], memory) == [None]


def test_a_new_jvm_has_its_own_row_so_that_a_slow_start_is_not_cut_off() -> None:
    memory = Memory()
    decisions(None, [60] * (UNANSWERED - 1), memory)

    assert decisions(None, [360], memory, pid=JVM + 1) == [None]


def test_nothing_is_ended_while_systemd_starts_the_service() -> None:
    assert decisions(None, [60] * (2 * UNANSWERED), Memory(), pid=0) == [None] * (2 * UNANSWERED)


def test_a_jvm_with_former_credentials_is_asked_to_end_and_ended_if_it_does_not() -> None:
    memory = Memory()

    assert decide(memory, JVM, RUNNING, 0, renewed=True) == "credentials"
    assert decide(memory, JVM, RUNNING, 60, renewed=True) == "service"


def test_new_credentials_come_before_restarts_that_cannot_help_without_them() -> None:
    assert decide(Memory(), JVM, FAILED, 0, renewed=True) == "credentials"
    assert decide(Memory(), JVM, None, 0, renewed=True) == "credentials"


def test_each_jvm_is_asked_before_it_is_ended() -> None:
    memory = Memory()
    decide(memory, JVM, RUNNING, 0, renewed=True)
    decide(memory, JVM + 1, RUNNING, 60)

    assert decide(memory, JVM + 1, RUNNING, 120, renewed=True) == "credentials"


def test_new_credentials_wait_while_systemd_starts_the_service() -> None:
    assert decide(Memory(), 0, None, 0, renewed=True) is None


def test_a_task_that_runs_but_archives_nothing_gets_a_new_jvm_once() -> None:
    memory = Memory(pid=JVM, waiting_since={f"{TOPIC}-0": 0.0})

    assert decisions(RUNNING, [STUCK_SECONDS - 1, STUCK_SECONDS], memory) == [None, "service"]
    assert decisions(RUNNING, [STUCK_SECONDS + 60], memory) == [None]


def test_a_new_jvm_that_did_not_help_is_not_followed_by_more_until_the_partition_moved() -> None:
    memory = Memory(pid=JVM, waiting_since={f"{TOPIC}-0": 0.0}, committed={f"{TOPIC}-0": 5})
    decide(memory, JVM, RUNNING, STUCK_SECONDS)
    again = decisions(RUNNING, [2 * STUCK_SECONDS, 3 * STUCK_SECONDS], memory, pid=JVM + 1)
    told(memory, 3.0 * STUCK_SECONDS, (6, 7))

    assert again == [None, None]
    assert decisions(RUNNING, [4 * STUCK_SECONDS], memory, pid=JVM + 1) == ["service"]


def test_a_task_that_a_person_paused_is_told_and_left_alone() -> None:
    memory = Memory(pid=JVM, waiting_since={f"{TOPIC}-0": 0.0})

    assert decisions(["PAUSED", "PAUSED"], [STUCK_SECONDS], memory) == [None]


def positions(*committed_and_end: tuple[int | None, int]) -> list[Position]:
    return [Position(TOPIC, number, *one) for number, one in enumerate(committed_and_end)]


def told(memory: Memory, now: float, *committed_and_end: tuple[int | None, int]) -> dict[str, float]:
    return progress(memory, SETTINGS["partitions"], positions(*committed_and_end), now)


def test_lag_is_what_waits_in_all_partitions() -> None:
    assert told(Memory(), 0, (10, 15), (7, 7), (0, 2))["ConsumerLag"] == 7


def test_an_idle_topic_is_not_stuck_however_long() -> None:
    memory = Memory()
    told(memory, 0, (10, 10))
    values = told(memory, 9000, (10, 10))

    assert values["SecondsStuck"] == 0
    assert values["SecondsSinceObject"] == 9000


def test_one_partition_that_stands_still_does_not_hide_behind_the_others() -> None:
    memory = Memory()
    for now, moving in ((0, 10), (300, 20), (600, 30)):
        values = told(memory, now, (5, 6), (moving, moving + 5))

    assert values["SecondsStuck"] == 600
    assert values["SecondsSinceObject"] == 0


def test_a_partition_that_moves_under_load_is_not_stuck() -> None:
    memory = Memory()
    for now, committed in ((0, 10), (300, 20), (600, 30)):
        values = told(memory, now, (committed, committed + 1000))

    assert values["SecondsStuck"] == 0
    assert values["ConsumerLag"] == 1000


def test_a_partition_with_nothing_committed_waits_from_the_first_event_that_came_since() -> None:
    memory = Memory()
    # Events that expired long ago are in the end offset, too.
    assert told(memory, 0, (None, 1000))["ConsumerLag"] == 0
    assert told(memory, 300, (None, 1003))["ConsumerLag"] == 3
    assert told(memory, 600, (None, 1003))["SecondsStuck"] == 300
    assert told(memory, 900, (1003, 1003)) == {
        "ConsumerLag": 0,
        "SecondsSinceObject": 0,
        "SecondsStuck": 0,
        "UnregisteredPartitions": 0,
    }


def test_a_skipped_event_at_the_end_of_a_quiet_partition_does_not_wait() -> None:
    memory = Memory()
    # Told twice, as after a restart.
    watchdog.remember(memory, [Event(TOPIC, 0, 10), Event(TOPIC, 0, 10)])
    told(memory, 0, (10, 11))
    values = told(memory, 9000, (10, 11))

    assert values["ConsumerLag"] == 0
    assert values["SecondsStuck"] == 0
    # An event behind it does, and once that is archived both are forgotten.
    assert told(memory, 9300, (10, 12))["ConsumerLag"] == 1
    assert told(memory, 9600, (12, 13))["ConsumerLag"] == 1
    assert memory.skipped == {f"{TOPIC}-0": []}


def test_partitions_beyond_the_registered_ones_are_counted() -> None:
    values = told(Memory(), 0, (1, 1), (1, 1), (1, 1), (1, 1), (None, 0))

    assert values["UnregisteredPartitions"] == 2


# As Kafka's tool prints it (3.9), with a member and without.
TABLE = f"""
GROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG   CONSUMER-ID  HOST   CLIENT-ID
connect-sink    {TOPIC} 0          41              45              4     sink-0-1f    /127.0.0.1  s3-auditlog-sink
connect-sink    {TOPIC} 10         -               0               -     sink-0-1f    /127.0.0.1  s3-auditlog-sink
connect-sink    {TOPIC} 2          7               -               -     -            -           -
"""


def test_the_groups_table_is_read_by_its_columns() -> None:
    assert list(parse_group(TABLE)) == [Position(TOPIC, 0, 41, 45), Position(TOPIC, 10, None, 0)]


def test_a_further_column_of_a_later_kafka_changes_nothing() -> None:
    table = f"GROUP TOPIC PARTITION LEADER-EPOCH CURRENT-OFFSET LOG-END-OFFSET LAG\ng {TOPIC} 1 5 41 45 4\n"

    assert list(parse_group(table)) == [Position(TOPIC, 1, 41, 45)]


@pytest.mark.parametrize(
    "text", ["", "Error: Executing consumer group command failed due to TimeoutException", "\n\n"]
)
def test_no_table_is_no_position(text: str) -> None:
    assert list(parse_group(text)) == []


@dataclass
class Rest:
    """A Connect that answers what it is told to."""

    status: int = 200
    body: str = ""
    asked: list[str] = field(default_factory=list)

    def says(self, connector: str, *tasks: str) -> None:
        states = [{"id": number, "state": task} for number, task in enumerate(tasks)]
        self.body = json.dumps({"name": "sink", "connector": {"state": connector}, "tasks": states})


@pytest.fixture
def rest() -> Iterator[tuple[Rest, Connect]]:
    played = Rest()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            played.asked.append(f"{self.command} {self.path}")
            self.send_response(played.status)
            self.send_header("Content-Length", str(len(played.body)))
            self.end_headers()
            self.wfile.write(played.body.encode())

        do_POST = do_GET  # noqa: N815  # the standard library's name

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield played, Connect(server.server_port, "sink")
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_states_are_those_of_the_connector_and_every_task(rest: tuple[Rest, Connect]) -> None:
    played, connect = rest
    played.says("RUNNING", "RUNNING", "FAILED")

    assert connect.states() == ["RUNNING", "RUNNING", "FAILED"]
    assert played.asked == ["GET /connectors/sink/status"]


def test_a_connector_without_a_task_does_not_run(rest: tuple[Rest, Connect]) -> None:
    played, connect = rest
    played.says("RUNNING")

    assert connect.states() == ["RUNNING", "UNASSIGNED"]


@pytest.mark.parametrize(
    ("status", "body"), [(404, "{}"), (500, "{}"), (200, "<html>"), (200, '{"tasks": []}')]
)
def test_no_sound_answer_is_none(rest: tuple[Rest, Connect], status: int, body: str) -> None:
    played, connect = rest
    played.status, played.body = status, body

    assert connect.states() is None


def test_nobody_there_is_none() -> None:
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.server_close()

    assert Connect(server.server_port, "sink").states() is None


def test_only_what_failed_is_restarted(rest: tuple[Rest, Connect]) -> None:
    played, connect = rest
    connect.restart_failed()

    assert played.asked == ["POST /connectors/sink/restart?includeTasks=true&onlyFailed=true"]


def test_a_restart_that_is_refused_is_told_and_no_reason_to_stop(
    rest: tuple[Rest, Connect], capsys: pytest.CaptureFixture[str]
) -> None:
    played, connect = rest
    played.status = 500
    connect.restart_failed()

    assert "500" in capsys.readouterr().out


@dataclass
class ParameterStore:
    """Parameters by name, with their versions."""

    versions: dict[str, int] = field(default_factory=lambda: {"/k": 1, "/w": 1})
    asked: list[dict[str, Any]] = field(default_factory=list)
    error: Exception | None = None

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        if self.error:
            raise self.error
        return {"Parameter": {"Version": self.versions[request["Name"]], "Value": "encrypted"}}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ParameterStore:
    played = ParameterStore()
    monkeypatch.setattr(watchdog, "client", lambda service, _: {"ssm": played}[service])
    monkeypatch.setattr(watchdog, "CREDENTIALS", tmp_path / "secrets.json")
    monkeypatch.setattr(watchdog, "VERSIONS", tmp_path / "versions.json")
    (tmp_path / "secrets.json").write_text('{"parameters": {"kafka": "/k", "writer": "/w"}}')
    return played


def test_a_heal_restarts_the_failed_task_and_counts_it_with_systemds_restarts(
    rest: tuple[Rest, Connect], monkeypatch: pytest.MonkeyPatch
) -> None:
    played, connect = rest
    played.says("RUNNING", "FAILED")
    monkeypatch.setattr(watchdog, "show_service", lambda: Service(JVM, 2))
    memory = Memory(pid=JVM, restarts=1)

    values = watchdog.heal({**SETTINGS, "rest_port": connect.port}, memory, {})

    assert values == {"TaskRunning": 0, "Restarts": 2}
    assert played.asked[-1].startswith("POST ")
    assert memory.restarts == 2


def test_a_heal_of_what_runs_tells_so_and_restarts_nothing(
    rest: tuple[Rest, Connect], monkeypatch: pytest.MonkeyPatch
) -> None:
    played, connect = rest
    played.says("RUNNING", "RUNNING")
    # Restarted by a person: systemd counts from 0 again.
    monkeypatch.setattr(watchdog, "show_service", lambda: Service(JVM, 0))

    values = watchdog.heal({**SETTINGS, "rest_port": connect.port}, Memory(restarts=5), {})

    assert values == {"TaskRunning": 1, "Restarts": 0}
    assert played.asked == ["GET /connectors/sink/status"]


def test_the_jvm_is_ended_so_that_systemd_starts_it_again(
    rest: tuple[Rest, Connect], monkeypatch: pytest.MonkeyPatch
) -> None:
    played, connect = rest
    played.status = 500
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as jvm:
        monkeypatch.setattr(watchdog, "show_service", lambda: Service(jvm.pid, 0))
        memory = Memory(pid=jvm.pid, unanswered=UNANSWERED - 1)
        watchdog.heal({**SETTINGS, "rest_port": connect.port}, memory, {})

        assert jvm.wait() == -signal.SIGKILL


def test_a_jvm_with_former_credentials_has_time_to_finish(
    rest: tuple[Rest, Connect],
    store: ParameterStore,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    played, connect = rest
    played.says("RUNNING", "RUNNING")
    store.versions["/w"] = 2
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as jvm:
        monkeypatch.setattr(watchdog, "show_service", lambda: Service(jvm.pid, 0))
        watchdog.heal({**SETTINGS, "rest_port": connect.port}, Memory(pid=jvm.pid), {"kafka": 1, "writer": 1})

        assert jvm.wait() == -signal.SIGTERM
    assert "new credentials for writer" in capsys.readouterr().out


def test_the_versions_in_use_are_what_fetch_secrets_left(store: ParameterStore) -> None:
    watchdog.VERSIONS.write_text('{"kafka": 3}')
    assert watchdog.used_versions() == {"kafka": 3}
    watchdog.VERSIONS.unlink()
    assert watchdog.used_versions() == {}
    assert store.asked == []


def test_credentials_are_compared_by_the_version_of_their_parameters(store: ParameterStore) -> None:
    assert watchdog.renewed_credentials({"kafka": 1, "writer": 1}) == []
    store.versions["/k"] = 2
    assert watchdog.renewed_credentials({"kafka": 1, "writer": 1}) == ["kafka"]
    # A parameter that was made anew counts from 1 again.
    assert watchdog.renewed_credentials({"kafka": 5, "writer": 1}) == ["kafka"]


def test_no_value_is_decrypted_to_compare_versions(store: ParameterStore) -> None:
    watchdog.renewed_credentials({"kafka": 1, "writer": 1})

    assert store.asked == [{"Name": "/k"}, {"Name": "/w"}]


def test_a_service_that_is_down_has_no_former_credentials(store: ParameterStore) -> None:
    assert watchdog.renewed_credentials({}) == []
    assert store.asked == []


def test_a_store_that_does_not_answer_is_told_and_no_reason_to_stop(
    store: ParameterStore, capsys: pytest.CaptureFixture[str]
) -> None:
    store.error = ClientError({"Error": {"Code": "ThrottlingException"}}, "GetParameter")

    assert watchdog.renewed_credentials({"kafka": 1, "writer": 1}) == []
    assert "parameter store: " in capsys.readouterr().out


def test_a_jvm_that_is_gone_already_is_no_error() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass

    watchdog.end_jvm(ended.pid, signal.SIGTERM)


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for programs that are played, first on the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def play(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


SKIPPED = (
    "ERROR [sink|task-0] Error encountered in task sink-0. Executing stage 'VALUE_CONVERTER' with class "
    "'org.apache.kafka.connect.json.JsonConverter', where consumed record is "
    f"{{topic='{TOPIC}', partition=3, offset=17, timestamp=1, timestampType=CreateTime}}. (LogReporter)"
)


def test_skipped_events_are_found_in_the_journal_and_the_next_run_begins_after_them(
    bin_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "journal").write_text(f"INFO something\n{SKIPPED}\nERROR another\n-- cursor: s=2;i=3\n")
    play(bin_folder, "journalctl", f'echo "$@" >>{tmp_path}/asked; cat {tmp_path}/journal')
    cursor = tmp_path / "cursor"

    first = watchdog.read_journal(cursor)
    cursor.write_text(first[1])
    watchdog.read_journal(cursor)

    assert first == ([Event(TOPIC, 3, 17)], "s=2;i=3")
    asked = (tmp_path / "asked").read_text().splitlines()
    assert "--after-cursor" not in asked[0]
    assert "--after-cursor=s=2;i=3" in asked[1]
    assert all("--unit=s3-auditlog-sink.service" in one for one in asked)


def test_a_journal_with_nothing_new_keeps_the_cursor(bin_folder: Path, tmp_path: Path) -> None:
    play(bin_folder, "journalctl", "true")
    (tmp_path / "cursor").write_text("s=2;i=3")

    assert watchdog.read_journal(tmp_path / "cursor") == ([], "s=2;i=3")


def test_systemd_is_asked_for_the_jvm_and_its_restarts(bin_folder: Path) -> None:
    play(bin_folder, "systemctl", "echo NRestarts=3; echo MainPID=42")

    assert watchdog.show_service() == Service(42, 3)


def test_a_tool_that_is_not_there_is_told_and_no_reason_to_stop(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")

    assert watchdog.show_service() == Service(0, 0)
    assert "systemctl" in capsys.readouterr().out


def test_the_group_is_looked_up_with_the_workers_own_login(bin_folder: Path, tmp_path: Path) -> None:
    play(bin_folder, "kafka-consumer-groups", f'echo "$@" "$KAFKA_LOG4J_OPTS" >{tmp_path}/asked; echo table')

    assert watchdog.describe_group(SETTINGS) == "table\n"
    asked = (tmp_path / "asked").read_text()
    assert "--command-config /etc/kafka/connect-standalone.properties" in asked
    assert "--group connect-sink" in asked
    # The service's own log has one writer.
    assert "connect-log4j" not in asked


def test_the_group_is_looked_up_now_and_then_and_only_while_there_is_a_login(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[float] = []
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(watchdog, "time", SimpleNamespace(monotonic=lambda: clock.now))

    def describe(_: object) -> str:
        looked.append(clock.now)
        return ""

    monkeypatch.setattr(watchdog, "describe_group", describe)
    memory = Memory(pid=JVM)
    for clock.now in (0.0, 60.0, 299.0, 300.0, 360.0):
        watchdog.measure(SETTINGS, memory)
    memory.pid, clock.now = 0, 900.0
    watchdog.measure(SETTINGS, memory)

    assert looked == [0.0, 300.0]


@dataclass
class CloudWatch:
    """Keeps what it is given."""

    namespace: str = ""
    metrics: list[dict[str, Any]] = field(default_factory=list)
    error: Exception | None = None

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803  # boto3's
        """The name of its arguments is boto3's."""
        if self.error:
            raise self.error
        self.namespace = Namespace
        self.metrics += MetricData


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> CloudWatch:
    kept = CloudWatch()
    monkeypatch.setattr(watchdog, "client", lambda service, _: {"cloudwatch": kept}[service])
    return kept


def test_every_value_is_a_metric_of_the_stack(cloudwatch: CloudWatch) -> None:
    watchdog.publish(SETTINGS, {"TaskRunning": 1, "FreeDiskPercent": 80})

    assert cloudwatch.namespace == "CcloudLogexporter/dev"
    assert cloudwatch.metrics == [
        {"MetricName": name, "Dimensions": [], "Value": value, "Unit": unit}
        for name, value, unit in (("TaskRunning", 1, "Count"), ("FreeDiskPercent", 80, "Percent"))
    ]


def test_a_skipped_event_is_told_with_topic_partition_and_offset(
    cloudwatch: CloudWatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watchdog.publish(SETTINGS, {"SkippedEvents": 1}, [Event(TOPIC, 3, 17)])

    (named,) = [one for one in cloudwatch.metrics if one["MetricName"] == "SkippedEventOffset"]
    assert named["Value"] == 17
    assert {one["Name"]: one["Value"] for one in named["Dimensions"]} == {
        "Topic": TOPIC,
        "Partition": "3",
    }
    assert f"topic {TOPIC}, partition 3, offset 17" in capsys.readouterr().out


def test_the_versions_of_the_credentials_in_use_are_told(cloudwatch: CloudWatch) -> None:
    watchdog.publish(SETTINGS, {}, versions={"kafka": 3})

    (told,) = cloudwatch.metrics
    assert (told["MetricName"], told["Value"]) == ("CredentialsVersion", 3)
    assert {one["Name"]: one["Value"] for one in told["Dimensions"]} == {
        "Credentials": "kafka",
    }


def test_without_metrics_there_is_a_line_in_the_journal(
    cloudwatch: CloudWatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watchdog.publish({**SETTINGS, "metrics": False}, {"TaskRunning": 1})

    assert cloudwatch.metrics == []
    assert capsys.readouterr().out == 'heartbeat {"TaskRunning": 1}\n'


@dataclass
class Vm:
    """What a whole run of the watchdog finds, and leaves."""

    folder: Path
    run: Callable[[], None]

    @property
    def memory(self) -> Memory:
        return Memory.read(self.folder / "memory.json")

    @property
    def cursor(self) -> str:
        return (self.folder / "journal-cursor").read_text()


@pytest.fixture
def vm(rest: tuple[Rest, Connect], bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vm:
    played, connect = rest
    played.says("RUNNING", "RUNNING")
    (tmp_path / "settings.json").write_text(json.dumps({**SETTINGS, "rest_port": connect.port}))
    monkeypatch.setattr(watchdog, "SETTINGS", tmp_path / "settings.json")
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(watchdog, "VERSIONS", tmp_path / "versions.json")
    monkeypatch.setattr(watchdog, "renewed_credentials", lambda _: [])
    (tmp_path / "versions.json").write_text('{"kafka": 1}')
    (tmp_path / "table").write_text(TABLE)
    (tmp_path / "journal").write_text(f"{SKIPPED}\n-- cursor: new\n")
    play(bin_folder, "systemctl", f"echo MainPID={JVM}; echo NRestarts=0")
    play(bin_folder, "journalctl", f"cat {tmp_path}/journal")
    play(bin_folder, "kafka-consumer-groups", f"cat {tmp_path}/table")
    return Vm(tmp_path, lambda: watchdog.main([]))


def test_a_whole_run_publishes_every_metric_but_the_boots(vm: Vm, cloudwatch: CloudWatch) -> None:
    vm.run()

    assert {one["MetricName"] for one in cloudwatch.metrics} == set(watchdog.UNITS) - {"BootFailed"}
    assert vm.memory.pid == JVM
    assert vm.cursor == "new"


def test_what_could_not_be_published_is_told_again_by_the_next_run(vm: Vm, cloudwatch: CloudWatch) -> None:
    cloudwatch.error = OSError("no way out")
    with pytest.raises(OSError, match="no way out"):
        vm.run()

    assert not (vm.folder / "journal-cursor").exists()
    # What was done is remembered all the same.
    assert vm.memory.pid == JVM


def test_a_full_disk_leaves_the_old_cursor_and_the_healing(
    vm: Vm, cloudwatch: CloudWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    vm.run()
    (vm.folder / "state").mkdir()
    cursor = vm.folder / "state" / "journal-cursor"
    cursor.write_text("old")
    # /dev/full is a disk without room.
    cursor.with_suffix(".partial").symlink_to("/dev/full")
    monkeypatch.setenv("STATE_DIRECTORY", str(vm.folder / "state"))

    with pytest.raises(OSError, match="No space left"):
        vm.run()

    assert cursor.read_text() == "old"
    assert [one["MetricName"] for one in cloudwatch.metrics].count("TaskRunning") == 2


def test_a_memory_that_cannot_be_read_is_a_new_one(tmp_path: Path) -> None:
    for text in ("", "[]", '{"unknown": 1}', '{"pid": 1'):
        (tmp_path / "memory.json").write_text(text)
        assert Memory.read(tmp_path / "memory.json") == Memory()
    assert Memory.read(tmp_path / "none.json") == Memory()


def test_memory_comes_back_as_it_was_left(tmp_path: Path) -> None:
    memory = Memory(pid=1, attempts=2, next_attempt=3.5, moved_at=4.0, waiting_since={"t-0": 5.0})
    memory.write(tmp_path / "memory.json")

    assert Memory.read(tmp_path / "memory.json") == memory


@pytest.mark.parametrize(("code", "failed"), [("0", 0), ("1", 1), ("100", 1)])
@pytest.mark.usefixtures("vm")
def test_the_boots_result_is_published(cloudwatch: CloudWatch, code: str, failed: int) -> None:
    watchdog.main(["boot", code])

    assert [(one["MetricName"], one["Value"]) for one in cloudwatch.metrics] == [("BootFailed", failed)]


def test_the_script_needs_nothing_of_the_project() -> None:
    names = runpy.run_path(watchdog.__file__, run_name="on the VM")

    assert callable(names["main"])
