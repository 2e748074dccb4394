"""What would fire if the last heartbeat went on, with the program's own alarms."""

from collections.abc import Mapping

import pytest

from components.owner import Owner
from components.worker import alarms as program
from components.worker.files.watchdog.metrics import UNITS
from local.proofs.nemesis.projection import (
    HEARTBEAT_SECONDS,
    LONGEST_SECONDS,
    RUN_SECONDS,
    firing,
    would_fire,
)
from local.systems.aws.alarms import Alarm
from local.systems.aws.evaluation import Datum, Definition

NOW = 1_800_000_000.0
WELL: Mapping[str, float] = {
    **dict.fromkeys(UNITS, 0.0),
    "TaskRunning": 1,
    "OriginalsTaskRunning": 1,
    "GroupMembers": 2,
    "OriginalsGroupMembers": 2,
    "FreeDiskPercent": 60,
}


def made(alarm: program.Alarm, *data: Datum) -> Alarm:
    """The alarm as the local AWS has it."""
    number = 1 if alarm.per_vm else None
    definition = Definition(
        namespace="n",
        metric=alarm.metric,
        dimensions={} if number is None else {program.VM_DIMENSION: "1"},
        statistic=alarm.statistic,
        comparison=alarm.comparison,
        threshold=alarm.threshold,
        period=alarm.period,
        periods=alarm.periods,
        to_alarm=alarm.periods,
        missing=alarm.missing,
    )
    text = alarm.description(Owner("ccloud-logexporter", "local"), number)
    return Alarm(f"ccloud-logexporter-local-worker-{alarm.name}-1234567", text, definition, data, "OK")


def stack(values: Mapping[str, float], seconds_ago: float = 30.0) -> list[Alarm]:
    """All alarms on what the VMs send; these values came for the last time so long ago."""
    return [
        made(alarm, *([Datum(NOW - seconds_ago, values[alarm.metric])] if alarm.metric in values else []))
        for alarm in program.alarms(originals=True, count=2, reader_role=True)
    ]


def test_nothing_would_fire_on_a_healthy_stack() -> None:
    assert firing(stack(WELL), NOW) == set()


@pytest.mark.parametrize(
    ("broken", "alarms"),
    [
        ({"TaskRunning": 0}, {"task"}),
        ({"OriginalsTaskRunning": 0}, {"originals-task"}),
        ({"Restarts": 1}, {"restarts"}),
        ({"SkippedEvents": 2}, {"skipped"}),
        ({"FreeDiskPercent": 0}, {"disk"}),
        ({"ClockAheadSeconds": 900}, {"clock-ahead"}),
        ({"BootFailed": 1}, {"boot"}),
        # It grows: after hours it is beyond the threshold.
        ({"SecondsStuck": 40}, {"stuck"}),
        ({"OriginalsSecondsStuck": 40}, {"originals-stuck"}),
        ({"GroupMembers": 1, "OriginalsGroupMembers": 1}, {"members", "originals-members"}),
        # It would be read anew before that.
        ({"SecondsSinceLogzioRead": 3600}, set()),
    ],
)
def test_a_last_heartbeat_that_goes_on_fires_its_alarms(
    broken: Mapping[str, float], alarms: set[str]
) -> None:
    assert firing(stack({**WELL, **broken}), NOW) == alarms


def test_a_vm_that_sends_no_heartbeat_any_more_fires_what_silence_fires() -> None:
    silent = HEARTBEAT_SECONDS + RUN_SECONDS

    assert "heartbeat" not in firing(stack(WELL, silent), NOW)
    assert "heartbeat" in firing(stack(WELL, silent + 1), NOW)
    assert firing(stack(WELL, LONGEST_SECONDS + 1), NOW) == {
        "heartbeat",
        "stuck",
        "originals-stuck",
        "logzio",
    }


def test_a_failed_boot_counts_until_a_try_succeeds() -> None:
    (boot,) = [alarm for alarm in program.alarms(originals=False, count=1) if alarm.name == "boot"]
    failed, succeeded = Datum(NOW - 3000, 1), Datum(NOW - 10, 0)

    assert would_fire(made(boot, failed), NOW)
    assert not would_fire(made(boot, succeeded, failed), NOW)
