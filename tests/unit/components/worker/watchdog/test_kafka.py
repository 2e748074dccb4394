from pathlib import Path

import pytest

from components.worker.files.watchdog import kafka
from components.worker.files.watchdog.kafka import Member, Position, parse_members, parse_positions
from tests.unit.components.worker.watchdog.support import (
    MEMBER,
    OFFSETS,
    SETTINGS,
    TABLE,
    TOPIC,
    play,
    position,
    table,
)

STARTS = {(TOPIC, 0): 3, (TOPIC, 1): 0, (TOPIC, 2): 0, (TOPIC, 10): 0}


def test_a_groups_table_is_read_by_its_columns() -> None:
    assert list(parse_positions(TABLE, STARTS)) == [
        Position(TOPIC, 0, 41, 3, 45, "dev-bucket-sink-i-1"),
        Position(TOPIC, 10, None, 0, 0, "dev-bucket-sink-i-1"),
    ]


def test_a_partition_whose_oldest_offset_is_not_known_is_left_out() -> None:
    assert [position.partition for position in parse_positions(TABLE, {(TOPIC, 10): 0})] == [10]


def test_a_further_column_of_a_later_kafka_changes_nothing() -> None:
    later = f"GROUP TOPIC PARTITION LEADER-EPOCH CURRENT-OFFSET LOG-END-OFFSET LAG\ng {TOPIC} 1 5 41 45 4\n"

    assert list(parse_positions(later, STARTS)) == [Position(TOPIC, 1, 41, 0, 45)]


@pytest.mark.parametrize(
    "text", ["", "Error: Executing consumer group command failed due to TimeoutException", "\n\n"]
)
def test_no_table_has_neither_positions_nor_members(text: str) -> None:
    assert list(parse_positions(text, STARTS)) == []
    assert parse_members(text) == set()


def test_a_member_is_told_once_also_one_without_a_partition() -> None:
    told = table(
        f"{TOPIC} 0 1 1 0 {MEMBER}", f"{TOPIC} 1 1 1 0 {MEMBER}", "- - - - - idle-1-beef /10.0.0.9 idle-1"
    )
    told += "\nConsumer group 'dev-bucket' has no active members.\n"

    assert parse_members(told) == {
        Member("dev-bucket-sink-i-1-c0ffee", "dev-bucket-sink-i-1", "/127.0.0.1"),
        Member("idle-1-beef", "idle-1", "/10.0.0.9"),
    }


def test_a_group_is_looked_up_with_the_workers_own_login(bin_folder: Path, tmp_path: Path) -> None:
    play(bin_folder, "kafka-consumer-groups", f'echo "$@" "$KAFKA_LOG4J_OPTS" >{tmp_path}/asked; echo table')

    assert kafka.group_table(SETTINGS, "a-group") == "table\n"
    asked = (tmp_path / "asked").read_text()
    assert "--bootstrap-server 127.0.0.1:9092" in asked
    assert "--command-config /etc/s3-auditlog-sink/audit-log-client.properties" in asked
    assert "--group a-group" in asked
    # The service's own log has one writer.
    assert "connect-log4j" not in asked


def test_a_tool_runs_with_a_small_heap_and_one_compiler(bin_folder: Path, tmp_path: Path) -> None:
    options = '"$KAFKA_HEAP_OPTS" "$KAFKA_JVM_PERFORMANCE_OPTS"'
    play(bin_folder, "kafka-consumer-groups", f"echo {options} >{tmp_path}/options")

    kafka.group_table(SETTINGS, "a-group")

    assert (tmp_path / "options").read_text() == "-Xmx96m -XX:+UseSerialGC -XX:TieredStopAtLevel=1\n"


def test_one_call_returns_the_oldest_offsets_of_all_topics(bin_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "offsets").write_text(f"WARN something: 1\n{OFFSETS}b.c:7:12\n")
    play(bin_folder, "kafka-get-offsets", f'echo "$@" >{tmp_path}/asked; cat {tmp_path}/offsets')

    assert kafka.log_starts(SETTINGS, [TOPIC, "b.c"]) == {
        (TOPIC, 0): 3,
        (TOPIC, 2): 0,
        (TOPIC, 10): 0,
        ("b.c", 7): 12,
    }
    asked = (tmp_path / "asked").read_text()
    assert "--time -2" in asked
    # A dot in a topic's name is no wildcard.
    assert r"--topic confluent\-audit\-log\-events|b\.c" in asked


def test_kafka_that_does_not_answer_knows_no_offset(bin_folder: Path) -> None:
    play(bin_folder, "kafka-get-offsets", "echo 'Error occurred: Could not fetch offsets' >&2; exit 1")

    assert kafka.log_starts(SETTINGS, [TOPIC]) == {}


@pytest.mark.parametrize(
    ("shown", "skipped", "holds"),
    [
        # Records before the committed offset are archived; there are none after it.
        ([38, 39, 40], [], False),
        ([40], [41], False),
        ([40, 41], [41], False),
        ([40, 41, 43], [41], True),
        ([40, 41], [], True),
        # Nothing was read: that proves nothing.
        ([], [], True),
    ],
)
def test_a_partition_holds_an_event_if_kafka_shows_one_that_was_not_skipped(
    bin_folder: Path, tmp_path: Path, shown: list[int], skipped: list[int], holds: bool
) -> None:
    lines = "".join(f"Offset:{offset}\n" for offset in shown)
    (tmp_path / "shown").write_text(f"{lines}Processed a total of {len(shown)} messages\n")
    play(bin_folder, "kafka-console-consumer", f'echo "$@" >{tmp_path}/asked; cat {tmp_path}/shown')

    assert kafka.holds_event(SETTINGS, position(0, 41, 45), 41, skipped) is holds
    asked = (tmp_path / "asked").read_text()
    assert f"--topic {TOPIC} --partition 0 --offset 31 --max-messages {11 + len(skipped)} " in asked
    assert "--consumer.config /etc/s3-auditlog-sink/audit-log-client.properties" in asked
    assert "--group" not in asked
    # Nothing of what a record holds is shown.
    assert "--property print.value=false --property print.offset=true" in asked


def test_a_read_begins_no_earlier_than_the_oldest_record(bin_folder: Path, tmp_path: Path) -> None:
    play(bin_folder, "kafka-console-consumer", f'echo "$@" >{tmp_path}/asked')

    kafka.holds_event(SETTINGS, position(0, 41, 45, log_start=40), 41, [])
    assert "--offset 40 " in (tmp_path / "asked").read_text()
    kafka.holds_event(SETTINGS, position(0, None, 45, log_start=7), 7, [])
    assert "--offset 7 " in (tmp_path / "asked").read_text()


def test_a_read_asks_for_no_more_records_than_there_can_be(bin_folder: Path, tmp_path: Path) -> None:
    play(bin_folder, "kafka-console-consumer", f'echo "$@" >{tmp_path}/asked')

    kafka.holds_event(SETTINGS, position(0, 41, 45, log_start=40), 41, [])
    assert "--max-messages 5 " in (tmp_path / "asked").read_text()


def test_a_read_looks_back_from_the_committed_offset(bin_folder: Path, tmp_path: Path) -> None:
    play(bin_folder, "kafka-console-consumer", f'echo "$@" >{tmp_path}/asked')

    # Up to 500 it was empty before.
    kafka.holds_event(SETTINGS, position(0, 41, 501), 500, [])

    assert "--offset 31 " in (tmp_path / "asked").read_text()
