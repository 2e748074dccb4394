"""The table of faults and what is read from the journal."""

import pytest

from components.worker.alarms import alarms
from local.proofs.chaos.run import select, summary
from local.proofs.nemesis import poison
from local.proofs.nemesis.table import FAULTS
from local.systems.kafka.client import TOPIC


def test_each_fault_has_a_name_of_its_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_every_kind_of_fault_is_there() -> None:
    assert {fault.name.rstrip("abcdefghi") for fault in FAULTS} == {str(number) for number in range(1, 16)}


ELSEWHERE = {
    "certificate": "the certificate of a fleet lasts for years",
    "canary": "`verify --publish` sends its metric, no VM",
    "clock": "the VM has the machine's own clock; row 10 gives the JVM another one",
    "expired": "Kafka's retention would have to pass while nothing is archived",
    "foreign": "no row starts another worker in the group",
    "logzio": "IAM shows a use of the role for hours",
    "memory": "no row gives the JVM an event that is too large for its heap",
    "partitions": "in row 9, `pulumi up` registers the new partitions before the VM looks at the group",
}
"""Alarms that no row raises; tests/local/aws/test_alarms.py raises each with the watchdog's functions, and says how."""


def test_each_alarm_is_of_a_fault_or_has_a_reason_why_not() -> None:
    known = {
        alarm.name
        for alarm in alarms(originals=True, count=2, distributed=True, canary=True, reader_role=True)
    }
    of_faults = {name for fault in FAULTS for name in fault.alarms}

    assert of_faults | ELSEWHERE.keys() == known
    assert not of_faults & ELSEWHERE.keys()


def test_faults_are_selected_by_name_in_the_order_of_the_table() -> None:
    assert [fault.name for fault in select(["4a", "1c"], short=False)] == ["1c", "4a"]


def test_without_names_all_are_selected_or_the_quick_ones() -> None:
    assert len(select([], short=False)) == 39
    quick = [fault.name for fault in select([], short=True)]
    assert quick == ["1a", "1c", "2a", "4a", "4c", "6", "14b"]


def test_a_stack_in_mode_distributed_has_the_faults_of_a_fleet_and_its_own() -> None:
    names = [fault.name for fault in select([], short=False, mode="distributed")]

    assert names == [*(f"14{letter}" for letter in "abcdefgi"), *(f"15{letter}" for letter in "abcdefg")]
    assert [fault.name for fault in select([], short=True, mode="distributed")] == ["15a", "15b"]


def test_a_fault_of_the_other_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="no fault 15a in mode standalone; there are 1a,"):
        select(["15a"], short=False)
    with pytest.raises(ValueError, match="no fault 1a in mode distributed; there are 14a,"):
        select(["1a"], short=False, mode="distributed")


def test_an_unknown_fault_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no fault 99 in mode standalone;"):
        select(["1a", "99"], short=False)


def test_the_journal_is_summed_up() -> None:
    journal = [
        "s3-auditlog-sink.service: Scheduled restart job, restart counter is at 1.",
        "ERROR WorkerSinkTask{id=x} Task is being killed and will not recover until manually restarted",
        "WARN [c|task-0] retry",
        "WARN [c|task-0] retry",
        "INFO An ERROR in the middle",
        "restarting what failed: sink RUNNING/FAILED, attempt 1 of 3",
        'heartbeat {"TaskRunning": 0, "Restarts": 1}',
        'heartbeat {"TaskRunning": 1, "Restarts": 0}',
    ]
    expected = (
        "starts of the service by systemd: 1, task failures: 1, restarts of the task by the watchdog: 1, "
        "heartbeats with TaskRunning 0: 1, errors logged: 1, warnings logged: 2"
    )
    assert summary(journal) == expected


def test_a_quiet_journal_has_nothing_to_say() -> None:
    assert summary(["INFO started"]) == ""


def test_skipped_records_are_read_from_the_log_by_partition_and_offset() -> None:
    line = (
        "ERROR [x|task-0] Error encountered in task x-0. Executing stage 'VALUE_CONVERTER' with class "
        "'JsonConverter', where consumed record is {topic='%s', partition=%d, offset=%d, timestamp=1}."
    )
    journal = [
        line % (TOPIC, 3, 17),
        line % (TOPIC, 4, 18),
        line % ("other", 3, 19),
        "partition=3, offset=20",
    ]
    assert poison.named_offsets(journal, 3) == {17}


def test_skipped_records_are_counted_from_the_watchdogs_metric() -> None:
    beats = [
        'heartbeat {"SkippedEvents": 3}',
        'heartbeat {"BootFailed": 0}',
        'heartbeat {"SkippedEvents": 1}',
    ]
    assert poison.counted([*beats, "INFO something else"]) == 4


def test_poison_has_the_values_that_its_names_say() -> None:
    events = poison.readable()
    assert events["an integer over 64 bits"]["data"] > 2**64
    assert len(events["8 MB"]["data"]) == 8_000_000
    depth, level = 0, events["100-level nesting"]["data"]
    while isinstance(level, dict):
        depth, level = depth + 1, level["deeper"]
    assert depth == 100
