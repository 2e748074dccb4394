from collections.abc import Mapping

from components.worker.files.watchdog.decisions import (
    CREDENTIALS,
    LONG_PAUSE,
    PAUSES,
    SERVICE,
    SPREAD_SECONDS,
    STUCK_SECONDS,
    UNANSWERED,
    WELL_SECONDS,
    Decision,
    decide,
)
from components.worker.files.watchdog.group import follow
from components.worker.files.watchdog.memory import ConnectorMemory, Memory
from tests.unit.components.worker.watchdog.support import (
    FAILED,
    JVM,
    ORIGINALS,
    ROTATION,
    RUNNING,
    SINK,
    TOPIC,
    position,
)

TASK = Decision("connectors", [SINK])
PLACE = f"{TOPIC}-0"
TO_THE_CEILING: list[float] = [0, 60, 180, 300]


def decisions(
    states: list[str] | None, times: list[float], memory: Memory, pid: int = JVM
) -> list[Decision | None]:
    """Of a worker with one connector."""
    return [decide(memory, pid, None if states is None else {SINK: states}, now) for now in times]


def of_two(
    events: list[str], originals: list[str], times: list[float], memory: Memory, pid: int = JVM
) -> list[Decision | None]:
    states: Mapping[str, list[str]] = {SINK: events, ORIGINALS: originals}
    return [decide(memory, pid, states, now) for now in times]


def standing(**of_sink: object) -> Memory:
    """Of a partition whose events have been overdue since 0."""
    known = {"due_at": {PLACE: 0.0}, "proved": [PLACE], "committed": {PLACE: 5}, **of_sink}
    return Memory(pid=JVM, connectors={SINK: ConnectorMemory(**known)})  # type: ignore[arg-type]


def test_what_runs_is_left_alone() -> None:
    assert decisions(RUNNING, [0, 60, 120], Memory()) == [None, None, None]


def test_a_failed_task_is_restarted_at_once_then_with_growing_pauses() -> None:
    times: list[float] = [0, 59, 60, 179, 180, 299]

    assert decisions(FAILED, times, Memory()) == [TASK, None, TASK, None, TASK, None]
    assert sorted(PAUSES) == list(PAUSES)


def test_a_failed_connector_is_restarted_like_a_task() -> None:
    assert decisions(["FAILED", "UNASSIGNED"], [0], Memory()) == [TASK]


def test_restarts_have_a_ceiling_after_which_the_service_is_restarted() -> None:
    assert decisions(FAILED, TO_THE_CEILING, Memory()) == [TASK, TASK, TASK, SERVICE]


def test_the_new_jvm_has_all_its_restarts_again() -> None:
    memory = Memory()
    decisions(FAILED, TO_THE_CEILING, memory)

    assert decisions(FAILED, [360, 420, 540, 660], memory, pid=JVM + 1) == [TASK, TASK, TASK, SERVICE]


def test_a_task_that_fails_again_soon_goes_on_where_it_was() -> None:
    memory = Memory()
    decisions(FAILED, [0, 60], memory)
    decisions(RUNNING, [120, 180], memory)

    assert decisions(FAILED, [240, 360], memory) == [TASK, SERVICE]


def test_a_task_that_ran_well_for_long_begins_anew() -> None:
    memory = Memory()
    decisions(FAILED, [0, 60, 180], memory)
    decisions(RUNNING, [240, 240 + WELL_SECONDS], memory)

    assert decisions(FAILED, [1000, 1060, 1180], memory) == [TASK, TASK, TASK]


def test_only_the_connector_that_failed_is_restarted() -> None:
    assert of_two(RUNNING, FAILED, [0], Memory()) == [Decision("connectors", [ORIGINALS])]
    assert of_two(FAILED, FAILED, [0], Memory()) == [Decision("connectors", [SINK, ORIGINALS])]


def test_each_connector_has_its_own_attempts() -> None:
    memory = Memory()
    of_two(FAILED, RUNNING, [0, 60], memory)

    assert of_two(FAILED, FAILED, [120], memory) == [Decision("connectors", [ORIGINALS])]
    assert of_two(FAILED, FAILED, [180], memory) == [Decision("connectors", [SINK, ORIGINALS])]


def test_a_connector_that_stays_failed_causes_a_single_new_jvm() -> None:
    memory = Memory()
    alone = Decision("connectors", [ORIGINALS])

    assert of_two(RUNNING, FAILED, TO_THE_CEILING, memory) == [alone, alone, alone, SERVICE]
    times: list[float] = [1000, 1060, 1180, 1300, 1301, 1300 + LONG_PAUSE, 1301 + LONG_PAUSE]
    assert of_two(RUNNING, FAILED, times, memory, pid=JVM + 1) == [
        *(alone, alone, alone),
        *(alone, None),
        *(alone, None),
    ]


def test_a_connector_that_was_well_again_may_cost_a_new_jvm_another_time() -> None:
    memory = Memory()
    of_two(RUNNING, FAILED, TO_THE_CEILING, memory)
    of_two(RUNNING, RUNNING, [1000, 1000 + WELL_SECONDS], memory, pid=JVM + 1)

    again = of_two(RUNNING, FAILED, [2000, 2060, 2180, 2300], memory, pid=JVM + 1)

    assert again[-1] == SERVICE


def test_where_no_connector_runs_a_new_jvm_disturbs_nobody() -> None:
    memory = Memory()
    of_two(FAILED, FAILED, TO_THE_CEILING, memory)

    again = of_two(FAILED, FAILED, [1000, 1060, 1180, 1300], memory, pid=JVM + 1)

    assert again[-1] == SERVICE


def test_a_jvm_that_does_not_answer_many_times_in_a_row_is_ended() -> None:
    times: list[float] = [60 * run for run in range(UNANSWERED)]

    assert decisions(None, times, Memory()) == [None] * (UNANSWERED - 1) + [SERVICE]


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


def test_a_jvm_with_former_credentials_is_killed_if_it_does_not_end() -> None:
    memory = Memory()

    assert decide(memory, JVM, {SINK: RUNNING}, 0, renewed=True) == CREDENTIALS
    assert decide(memory, JVM, {SINK: RUNNING}, 60, renewed=True) == SERVICE


def test_new_credentials_come_before_other_restarts() -> None:
    assert decide(Memory(), JVM, {SINK: FAILED}, 0, renewed=True) == CREDENTIALS
    assert decide(Memory(), JVM, None, 0, renewed=True) == CREDENTIALS


def test_each_jvm_is_asked_before_it_is_ended() -> None:
    memory = Memory()
    decide(memory, JVM, {SINK: RUNNING}, 0, renewed=True)
    decide(memory, JVM + 1, {SINK: RUNNING}, 60)

    assert decide(memory, JVM + 1, {SINK: RUNNING}, 120, renewed=True) == CREDENTIALS


def test_new_credentials_wait_while_systemd_starts_the_service() -> None:
    assert decide(Memory(), 0, None, 0, renewed=True) is None


def test_a_connector_that_runs_but_archives_nothing_gets_a_new_jvm_once() -> None:
    memory = standing()

    assert decisions(RUNNING, [STUCK_SECONDS - 1, STUCK_SECONDS], memory) == [None, SERVICE]
    assert decisions(RUNNING, [STUCK_SECONDS + 60], memory) == [None]


def test_what_kafka_has_shown_no_event_of_is_no_reason_for_a_new_jvm() -> None:
    assert decisions(RUNNING, [STUCK_SECONDS], standing(proved=[])) == [None]


def test_one_stuck_connector_is_enough_for_a_restart() -> None:
    assert of_two(RUNNING, RUNNING, [STUCK_SECONDS], standing()) == [SERVICE]


def test_a_new_jvm_that_did_not_help_is_the_last_until_the_partition_moves() -> None:
    memory = standing()
    decisions(RUNNING, [STUCK_SECONDS], memory)
    again = decisions(RUNNING, [2 * STUCK_SECONDS, 3 * STUCK_SECONDS], memory, pid=JVM + 1)
    sink = memory.connector(SINK)
    follow(sink, position(0, 6, 7), 3.0 * STUCK_SECONDS, ROTATION)
    sink.proved.append(PLACE)

    assert again == [None, None]
    later = 4 * STUCK_SECONDS + ROTATION
    assert decisions(RUNNING, [later - 1, later], memory, pid=JVM + 1) == [None, SERVICE]


def test_one_new_jvm_is_for_all_that_waits_whether_kafka_was_asked_or_not() -> None:
    other = f"{TOPIC}-1"
    memory = standing(due_at={PLACE: 0.0, other: 1.0})
    memory.connectors[ORIGINALS] = ConnectorMemory(due_at={PLACE: 2.0}, proved=[PLACE])
    assert of_two(RUNNING, RUNNING, [STUCK_SECONDS], memory) == [SERVICE]
    memory.connector(SINK).proved.append(other)

    assert of_two(RUNNING, RUNNING, [3 * STUCK_SECONDS], memory, pid=JVM + 1) == [None]


def test_a_connector_that_a_person_paused_is_told_and_left_alone() -> None:
    assert decisions(["PAUSED", "PAUSED"], [STUCK_SECONDS], standing()) == [None]


def test_a_partition_that_another_vm_reads_is_no_reason_for_a_new_jvm() -> None:
    late = STUCK_SECONDS

    assert decisions(RUNNING, [late], standing(elsewhere=[PLACE])) == [None]
    assert decisions(RUNNING, [late], standing(elsewhere=["another-0"])) == [SERVICE]


def test_the_vms_restart_for_new_credentials_one_after_the_other() -> None:
    second, third = Memory(pid=JVM), Memory(pid=JVM)
    times = [0, SPREAD_SECONDS - 1, SPREAD_SECONDS, 2 * SPREAD_SECONDS]

    def seen(memory: Memory, number: int, times: list[int]) -> list[Decision | None]:
        return [decide(memory, JVM, {SINK: RUNNING}, now, renewed=True, number=number) for now in times]

    assert seen(second, 2, times[:3]) == [None, None, CREDENTIALS]
    assert seen(third, 3, times) == [None, None, None, CREDENTIALS]


def test_a_vm_that_waits_for_its_turn_still_restarts_what_failed() -> None:
    assert decide(Memory(pid=JVM), JVM, {SINK: FAILED}, 0, renewed=True, number=2) == TASK
