import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from components.worker.alarms import alarms
from components.worker.files.watchdog import clock, credentials, group, main, metrics
from components.worker.files.watchdog.connect import Connect
from components.worker.files.watchdog.decisions import UNANSWERED
from components.worker.files.watchdog.memory import Memory
from components.worker.files.watchdog.service import Service
from tests.unit.components.worker.watchdog.support import (
    FAILED,
    JVM,
    OFFSETS,
    ORIGINALS,
    RUNNING,
    SETTINGS,
    SINK,
    SKIPPED,
    TABLE,
    TOPIC,
    CloudWatch,
    Iam,
    ParameterStore,
    Rest,
    play,
)


def test_a_heal_restarts_what_failed_and_counts_it_with_systemds_restarts(
    rest: tuple[Rest, Connect], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    played, connect = rest
    played.says(*RUNNING)
    played.says(*FAILED, name=ORIGINALS)
    monkeypatch.setattr(main, "show_service", lambda: Service(JVM, 2))
    memory = Memory(pid=JVM, restarts=1)

    values = main.heal({**SETTINGS, "rest_port": connect.port}, memory, {})

    assert values == {"TaskRunning": 1, "OriginalsTaskRunning": 0, "Restarts": 2}
    assert played.asked[-1].startswith(f"POST /connectors/{ORIGINALS}/restart")
    assert memory.restarts == 2
    assert f"restarting what failed: {ORIGINALS} RUNNING/FAILED, attempt 1 of 3" in capsys.readouterr().out


def test_a_heal_of_what_runs_tells_so_and_restarts_nothing(
    rest: tuple[Rest, Connect], monkeypatch: pytest.MonkeyPatch
) -> None:
    played, connect = rest
    played.says("RUNNING", "RUNNING")
    # Restarted by a person: systemd counts from 0 again.
    monkeypatch.setattr(main, "show_service", lambda: Service(JVM, 0))

    values = main.heal({**SETTINGS, "rest_port": connect.port}, Memory(restarts=5), {})

    assert values == {"TaskRunning": 1, "OriginalsTaskRunning": 1, "Restarts": 0}
    assert played.asked == [f"GET /connectors/{name}/status" for name in (SINK, ORIGINALS)]


def test_the_jvm_is_ended_so_that_systemd_starts_it_again(
    rest: tuple[Rest, Connect], monkeypatch: pytest.MonkeyPatch
) -> None:
    played, connect = rest
    played.status = 500
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as jvm:
        monkeypatch.setattr(main, "show_service", lambda: Service(jvm.pid, 0))
        memory = Memory(pid=jvm.pid, unanswered=UNANSWERED - 1)
        main.heal({**SETTINGS, "rest_port": connect.port}, memory, {})

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
        monkeypatch.setattr(main, "show_service", lambda: Service(jvm.pid, 0))
        main.heal({**SETTINGS, "rest_port": connect.port}, Memory(pid=jvm.pid), {"kafka": 1, "writer": 1})

        assert jvm.wait() == -signal.SIGTERM
    assert "new credentials for writer" in capsys.readouterr().out


@dataclass
class Vm:
    """What a whole run of the watchdog finds, and leaves."""

    folder: Path
    run: Callable[[], None]

    @property
    def memory(self) -> Memory:
        return Memory.read(self.folder / "memory.json", self.folder / "offsets.json")

    @property
    def cursor(self) -> str:
        return (self.folder / "journal-cursor").read_text()


@pytest.fixture
def vm(
    rest: tuple[Rest, Connect],
    iam: Iam,
    bin_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Vm:
    played, connect = rest
    iam.used = iam.created
    played.says("RUNNING", "RUNNING")
    (tmp_path / "settings.json").write_text(json.dumps({**SETTINGS, "rest_port": connect.port}))
    monkeypatch.setattr(main, "SETTINGS", tmp_path / "settings.json")
    monkeypatch.setattr(main, "INSTALLED", tmp_path / "installed")
    (tmp_path / "installed").touch()
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(credentials, "VERSIONS", tmp_path / "versions.json")
    monkeypatch.setattr(main, "renewed_credentials", lambda _: [])
    monkeypatch.setattr(credentials, "_written", [datetime.now(UTC)])
    monkeypatch.setattr(clock, "_offsets", [0.0])
    (tmp_path / "versions.json").write_text('{"kafka": 1}')
    (tmp_path / "table").write_text(TABLE)
    (tmp_path / "journal").write_text(f"{SKIPPED}\n-- cursor: new\n")
    play(bin_folder, "systemctl", f"echo MainPID={JVM}; echo NRestarts=0")
    play(bin_folder, "journalctl", f"cat {tmp_path}/journal")
    play(bin_folder, "kafka-consumer-groups", f"cat {tmp_path}/table")
    play(bin_folder, "kafka-get-offsets", f"echo '{OFFSETS}'")
    return Vm(tmp_path, lambda: main.main([]))


def test_two_runs_publish_every_metric_but_the_boots(
    vm: Vm, cloudwatch: CloudWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The rate of the records needs two looks.
    monkeypatch.setattr(group, "MEASURE_SECONDS", 0)
    vm.run()
    vm.run()

    of_standalone = set(metrics.UNITS) - set(metrics.OF_THE_FLEET)
    assert {metric["MetricName"] for metric in cloudwatch.metrics} == of_standalone - {"BootFailed"}
    assert vm.memory.pid == JVM
    assert vm.cursor == "new"


def test_expired_events_are_reported_once_even_after_a_boot(vm: Vm, cloudwatch: CloudWatch) -> None:
    def told() -> list[float]:
        found = [metric["Value"] for metric in cloudwatch.metrics if metric["MetricName"] == "ExpiredEvents"]
        cloudwatch.metrics.clear()
        return found

    (vm.folder / "table").write_text(TABLE.replace(" 41 45 ", " 1 45 "))
    cloudwatch.error = OSError("no way out")
    with pytest.raises(OSError, match="no way out"):
        vm.run()
    # A boot: what is on tmpfs is gone.
    (vm.folder / "memory.json").unlink()
    cloudwatch.error = None

    vm.run()
    # Of both groups, as the table played is the same for both.
    assert told() == [4]
    (vm.folder / "memory.json").unlink()
    vm.run()
    assert told() == [0]


def test_a_null_that_the_originals_skip_does_not_count(vm: Vm, cloudwatch: CloudWatch) -> None:
    null = SKIPPED.replace("task sink-0", f"task {ORIGINALS}-0")
    (vm.folder / "journal").write_text(f"{SKIPPED}\n{null}\n-- cursor: new\n")
    vm.run()

    skipped = [metric["Value"] for metric in cloudwatch.metrics if metric["MetricName"] == "SkippedEvents"]
    assert skipped == [1]
    assert vm.memory.connector(ORIGINALS).skipped[f"{TOPIC}-3"] == [17]


def test_the_next_run_publishes_what_could_not_be_published(vm: Vm, cloudwatch: CloudWatch) -> None:
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
    assert [metric["MetricName"] for metric in cloudwatch.metrics].count("TaskRunning") == 2


@pytest.mark.usefixtures("vm")
def test_a_boot_that_succeeded_is_reported_to_cloudwatch_and_to_the_engine(
    cloudwatch: CloudWatch, store: ParameterStore
) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(["installed"])

    assert ended.value.code == 0
    assert [(metric["MetricName"], metric["Value"]) for metric in cloudwatch.metrics] == [("BootFailed", 0)]
    ((name, value),) = store.written
    assert name == "/ccloud-logexporter/dev/vm-1-status"
    assert re.fullmatch(r"\S+ RUNNING 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", value)


@pytest.mark.usefixtures("vm")
def test_a_status_that_cannot_be_written_leaves_no_marker(
    cloudwatch: CloudWatch, store: ParameterStore, capsys: pytest.CaptureFixture[str]
) -> None:
    store.error = ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutParameter")
    with pytest.raises(SystemExit) as ended:
        main.main(["installed"])

    assert ended.value.code == 1
    assert "status: An error occurred (AccessDeniedException)" in capsys.readouterr().out
    assert len(cloudwatch.metrics) == 1


@dataclass
class BootAlarm:
    """The alarm on BootFailed, minute by minute, by the rules of CloudWatch's user guide.

    "Using Amazon CloudWatch alarms", evaluation; "Configuring how CloudWatch alarms treat missing data".
    """

    state: str = "INSUFFICIENT_DATA"

    def minute(self, values: list[float]) -> str:
        """`values`: what one minute brought."""
        (alarm,) = [alarm for alarm in alarms(originals=True, count=1) if alarm.name == "boot"]
        assert (alarm.period, alarm.periods, alarm.missing) == (60, 1, "ignore")
        assert (alarm.statistic, alarm.comparison, alarm.threshold) == ("Minimum", "GreaterThanThreshold", 0)
        if values:
            self.state = "ALARM" if min(values) > 0 else "OK"
        return self.state


@dataclass
class Minutes:
    """A VM whose installation ended, the watchdog's runs after it, and the alarm."""

    vm: Vm
    cloudwatch: CloudWatch
    alarm: BootAlarm = field(default_factory=BootAlarm)

    def failed_installation(self) -> None:
        """As the loader reports it."""
        self.cloudwatch.metrics.append({"MetricName": "BootFailed", "Value": 1})

    def installation(self) -> None:
        with pytest.raises(SystemExit):
            main.main(["installed"])

    def pass_one(self) -> str:
        self.vm.run()
        values = [
            metric["Value"] for metric in self.cloudwatch.metrics if metric["MetricName"] == "BootFailed"
        ]
        self.cloudwatch.metrics.clear()
        return self.alarm.minute(values)


@pytest.fixture
def slow_boot(vm: Vm, cloudwatch: CloudWatch, rest: tuple[Rest, Connect]) -> Minutes:
    """The installation waited too long for the first start: the connectors wait for their key."""
    (vm.folder / "installed").unlink()
    rest[0].says(*FAILED)
    minutes = Minutes(vm, cloudwatch)
    minutes.failed_installation()
    return minutes


def test_a_boot_that_was_only_slow_ends_its_alarm_once_all_connectors_run(
    slow_boot: Minutes, rest: tuple[Rest, Connect], store: ParameterStore
) -> None:
    played, _ = rest
    before = [slow_boot.pass_one() for _ in range(90)]
    played.says(*RUNNING)
    after = [slow_boot.pass_one() for _ in range(3)]

    assert before == ["ALARM"] * 90
    assert after == ["OK"] * 3
    # `pulumi up` learns it once; the alarm, until the installation has left its marker.
    assert len(store.written) == 1


def test_a_boot_with_one_running_connector_stays_in_alarm(
    slow_boot: Minutes, rest: tuple[Rest, Connect]
) -> None:
    played, _ = rest
    played.says(*RUNNING)
    played.says(*FAILED, name=ORIGINALS)

    assert slow_boot.pass_one() == "ALARM"
    assert slow_boot.pass_one() == "ALARM"


@pytest.mark.usefixtures("store")
def test_connectors_that_fail_after_a_good_boot_are_no_failed_boot(
    vm: Vm, cloudwatch: CloudWatch, rest: tuple[Rest, Connect]
) -> None:
    minutes = Minutes(vm, cloudwatch)
    minutes.installation()
    seen = [minutes.pass_one()]
    played, _ = rest
    played.says(*FAILED)
    seen.append(minutes.pass_one())

    assert seen == ["OK", "OK"]


@pytest.mark.usefixtures("store")
def test_a_failed_try_and_one_that_succeeds_in_the_same_minute_end_well(
    slow_boot: Minutes,
) -> None:
    slow_boot.installation()

    assert slow_boot.pass_one() == "OK"


def test_the_package_runs_as_on_the_vm_without_anything_of_the_project(tmp_path: Path) -> None:
    copied = shutil.copytree(Path(main.__file__).parent, tmp_path / "lib" / "watchdog")
    python = Path(sys.base_prefix, "bin", "python3")
    done = subprocess.run([python, "-I", copied, "installed"], capture_output=True, text=True, check=False)

    # As far as its settings, which are not here.
    assert f"No such file or directory: '{main.SETTINGS}'" in done.stderr, done.stderr
