from components.worker.files.watchdog.decisions import PAUSES, STUCK_SECONDS, UNANSWERED, WELL_SECONDS, decide
from components.worker.files.watchdog.memory import Memory
from tests.components.worker.watchdog.support import JVM, RUNNING, TOPIC, told

FAILED = ["RUNNING", "FAILED"]


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
