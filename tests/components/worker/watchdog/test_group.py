from pathlib import Path
from types import SimpleNamespace

import pytest

from components.worker.files.watchdog import group, journal
from components.worker.files.watchdog.group import Position, parse_group
from components.worker.files.watchdog.journal import Event
from components.worker.files.watchdog.memory import Memory
from tests.components.worker.watchdog.support import JVM, SETTINGS, TABLE, TOPIC, play, told


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
    journal.remember(memory, [Event(TOPIC, 0, 10), Event(TOPIC, 0, 10)])
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


def test_the_group_is_looked_up_with_the_workers_own_login(bin_folder: Path, tmp_path: Path) -> None:
    play(bin_folder, "kafka-consumer-groups", f'echo "$@" "$KAFKA_LOG4J_OPTS" >{tmp_path}/asked; echo table')

    assert group.describe_group(SETTINGS) == "table\n"
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
    monkeypatch.setattr(group, "time", SimpleNamespace(monotonic=lambda: clock.now))

    def describe(_: object) -> str:
        looked.append(clock.now)
        return ""

    monkeypatch.setattr(group, "describe_group", describe)
    memory = Memory(pid=JVM)
    for clock.now in (0.0, 60.0, 299.0, 300.0, 360.0):
        group.measure(SETTINGS, memory)
    memory.pid, clock.now = 0, 900.0
    group.measure(SETTINGS, memory)

    assert looked == [0.0, 300.0]
