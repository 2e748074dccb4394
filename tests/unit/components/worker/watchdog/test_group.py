from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.worker.files.watchdog import group, kafka
from components.worker.files.watchdog.group import Expired, find_expired, follow, look_into, measure
from components.worker.files.watchdog.kafka import Position
from components.worker.files.watchdog.memory import ConnectorMemory, Memory
from tests import runbook
from tests.unit.components.worker.watchdog.support import (
    JVM,
    MEMBER,
    OFFSETS,
    ORIGINALS,
    ROTATION,
    SETTINGS,
    SINK,
    TABLE,
    TOPIC,
    play,
    position,
    table,
)

PLACE = f"{TOPIC}-0"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What Kafka was asked for: partition and start. It shows an event each time."""
    questions: list[tuple[str, int]] = []

    def holds_event(_: object, place: Position, start: int, __: object) -> bool:
        questions.append((place.name, start))
        return True

    monkeypatch.setattr(group, "holds_event", holds_event)
    return questions


def metrics(connector: ConnectorMemory, now: float, *places: Position) -> dict[str, float]:
    """What one look at the group tells."""
    for place in places:
        follow(connector, place, now, ROTATION)
    look_into(SETTINGS, connector, places, now)
    return group.lag_metrics(connector, places, now)


def test_lag_is_what_waits_in_all_partitions() -> None:
    places = position(0, 10, 15), position(1, 7, 7), position(2, 0, 2)

    assert metrics(ConnectorMemory(), 0, *places)["ConsumerLag"] == 7


def test_the_rate_of_records_is_the_growth_of_the_newest_offsets() -> None:
    connector = ConnectorMemory()

    assert group.records_in(connector, [position(0, 0, 100), position(1, 0, 7)], 1000) == {}
    # Kafka's tool shows partition 1 as without a leader, so it is left out of one look.
    assert group.records_in(connector, [position(0, 0, 400)], 1300) == {"RecordsPerSecond": 1}
    places = [position(0, 0, 400), position(1, 0, 607), position(2, 0, 50)]
    # A partition that is new to this VM began before.
    assert group.records_in(connector, places, 1600) == {"RecordsPerSecond": 2}


def test_what_expired_does_not_wait() -> None:
    connector = ConnectorMemory()

    assert metrics(connector, 0, position(0, 3, 8, log_start=8))["ConsumerLag"] == 0
    assert metrics(connector, 9000, position(0, 3, 8, log_start=8))["SecondsStuck"] == 0
    assert metrics(connector, 9000, position(0, 3, 9, log_start=8))["ConsumerLag"] == 1


def test_before_the_first_commit_all_that_kafka_still_has_waits() -> None:
    assert metrics(ConnectorMemory(), 0, position(0, None, 1000, log_start=990))["ConsumerLag"] == 10


def test_an_idle_topic_is_not_stuck_however_long(asked: list[tuple[str, int]]) -> None:
    connector = ConnectorMemory()
    metrics(connector, 0, position(0, 10, 10))
    values = metrics(connector, 9000, position(0, 10, 10))

    assert values == {"ConsumerLag": 0, "SecondsSinceObject": 9000, "SecondsStuck": 0}
    assert asked == []


def test_events_are_overdue_once_their_object_is(asked: list[tuple[str, int]]) -> None:
    connector = ConnectorMemory()
    seen = [
        metrics(connector, now, position(0, 5, 6))["SecondsStuck"] for now in (0, ROTATION, ROTATION + 300)
    ]

    assert seen == [0, 0, 300]
    assert asked == [(PLACE, 5)]


def test_kafka_is_asked_once_while_a_partition_does_not_move(asked: list[tuple[str, int]]) -> None:
    connector = ConnectorMemory()
    for now in (0, 300, 600, 900):
        metrics(connector, now, position(0, 5, 6 + now))
    metrics(connector, 1200, position(0, 2000, 2001))
    values = metrics(connector, 1500, position(0, 2000, 2001))

    assert asked == [(PLACE, 5), (PLACE, 2000)]
    assert values["SecondsStuck"] == 300 - ROTATION


def test_a_few_partitions_are_asked_for_in_one_look_the_longest_overdue_first(
    asked: list[tuple[str, int]],
) -> None:
    connector = ConnectorMemory()
    metrics(connector, 0, position(2, 1, 2))
    places = [position(number, 1, 2) for number in range(4)]
    metrics(connector, 10, *places)
    metrics(connector, 300, *places)
    first = list(asked)
    metrics(connector, 600, *places)

    assert first == [(f"{TOPIC}-2", 1), (f"{TOPIC}-0", 1)]
    assert asked[2:] == [(f"{TOPIC}-1", 1), (f"{TOPIC}-3", 1)]


def test_a_stuck_partition_does_not_hide_behind_the_others(
    asked: list[tuple[str, int]],
) -> None:
    connector = ConnectorMemory()
    for now, moving in ((0, 10), (300, 20), (600, 30)):
        values = metrics(connector, now, position(0, 5, 6), position(1, moving, moving + 5))

    assert values["SecondsStuck"] == 600 - ROTATION
    assert values["SecondsSinceObject"] == 0
    assert asked == [(PLACE, 5)]


def test_a_partition_that_moves_under_load_is_not_stuck(asked: list[tuple[str, int]]) -> None:
    connector = ConnectorMemory()
    for now, committed in ((0, 10), (300, 20), (600, 30)):
        values = metrics(connector, now, position(0, committed, committed + 1000))

    assert values == {"ConsumerLag": 1000, "SecondsSinceObject": 0, "SecondsStuck": 0}
    assert asked == []


def test_a_lag_that_holds_no_event_does_not_count_until_one_comes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    connector = ConnectorMemory()
    # Offset 3 is a transaction's marker.
    monkeypatch.setattr(group, "holds_event", lambda _, place, *__: place.end > 4)
    metrics(connector, 0, position(0, 3, 4))
    assert metrics(connector, 300, position(0, 3, 4))["ConsumerLag"] == 0
    assert metrics(connector, 9000, position(0, 3, 4))["SecondsStuck"] == 0
    assert f"no event in {PLACE} from offset 3 to 3" in capsys.readouterr().out

    assert metrics(connector, 9300, position(0, 3, 5))["ConsumerLag"] == 1
    assert metrics(connector, 9600, position(0, 3, 5))["SecondsStuck"] == 300 - ROTATION
    assert metrics(connector, 9900, position(0, 5, 5)) == {
        "ConsumerLag": 0,
        "SecondsSinceObject": 0,
        "SecondsStuck": 0,
    }


def test_a_skipped_event_at_the_end_of_a_quiet_partition_does_not_wait(
    asked: list[tuple[str, int]],
) -> None:
    connector = ConnectorMemory(skipped={PLACE: [10]})
    metrics(connector, 0, position(0, 10, 11))
    values = metrics(connector, 9000, position(0, 10, 11))

    assert (values["ConsumerLag"], values["SecondsStuck"], asked) == (0, 0, [])
    # An event behind it does, and once that is archived both are forgotten.
    assert metrics(connector, 9300, position(0, 10, 12))["ConsumerLag"] == 1
    assert metrics(connector, 9600, position(0, 12, 13))["ConsumerLag"] == 1
    assert connector.skipped == {PLACE: []}


def expired(connector: ConnectorMemory, *places: Position) -> list[Expired]:
    for place in places:
        follow(connector, place, 0, ROTATION)
    return find_expired(SINK, connector, places)


def test_expired_events_are_found_until_they_are_reported() -> None:
    memory = Memory()
    connector = memory.connector(SINK)
    place = position(0, 3, 20, log_start=8)

    assert expired(connector, place) == expired(connector, place) == [Expired(SINK, place, 3, 5)]
    group.remember_expired(memory, expired(connector, place))
    assert expired(connector, place) == []
    later = position(0, 3, 20, log_start=10)
    assert expired(connector, later) == [Expired(SINK, later, 8, 2)]


def test_what_was_archived_or_held_no_event_may_expire() -> None:
    assert expired(ConnectorMemory(), position(0, 9, 20, log_start=8)) == []
    assert expired(ConnectorMemory(skipped={PLACE: [3, 4]}), position(0, 3, 20, log_start=5)) == []
    assert expired(ConnectorMemory(empty_to={PLACE: 5}), position(0, 3, 20, log_start=5)) == []
    (found,) = expired(ConnectorMemory(skipped={PLACE: [3]}), position(0, 3, 20, log_start=5))
    assert found.events == 1


def test_events_that_expired_before_the_first_commit_do_not_count() -> None:
    assert expired(ConnectorMemory(), position(0, None, 1000, log_start=990)) == []


def test_partitions_beyond_the_registered_ones_are_counted() -> None:
    places = [position(number, 1, 1) for number in range(5)]

    assert group.unregistered(SETTINGS["partitions"], places) == 2


@pytest.fixture
def tools(bin_folder: Path, tmp_path: Path) -> Path:
    """Kafka's tools, replaced by scripts: each prints the file of its name, or of the group's."""
    play(bin_folder, "kafka-get-offsets", f"cat {tmp_path}/offsets")
    play(bin_folder, "kafka-console-consumer", f"cat {tmp_path}/shown")
    play(bin_folder, "kafka-consumer-groups", f'for group; do :; done; cat "{tmp_path}/$group"')
    (tmp_path / "offsets").write_text(OFFSETS)
    (tmp_path / "dev-bucket").write_text(TABLE)
    rows = f"{TOPIC} 0 1 45 44 dev-bucket-sink-originals-i-1-f00 /127.0.0.1 dev-bucket-sink-originals-i-1"
    (tmp_path / "dev-bucket-originals").write_text(table(rows, group="dev-bucket-originals"))
    return tmp_path


@pytest.mark.usefixtures("tools")
def test_a_look_tells_of_both_groups() -> None:
    memory = Memory(pid=JVM)

    found = measure(SETTINGS, memory)

    assert found.values == {
        "ConsumerLag": 4,
        "LargestPartitionLag": 4,
        "SecondsSinceObject": 0,
        "SecondsStuck": 0,
        "UnregisteredPartitions": 1,
        # Of 44, two have expired.
        "OriginalsConsumerLag": 42,
        "OriginalsSecondsSinceObject": 0,
        "OriginalsSecondsStuck": 0,
        "ExpiredEvents": 2,
        "ForeignMembers": 0,
        "GroupMembers": 1,
        "OriginalsGroupMembers": 1,
    }
    place = position(0, 1, 45, log_start=3)._replace(client_id="dev-bucket-sink-originals-i-1")
    assert found.expired == [Expired(ORIGINALS, place, 1, 2)]


def test_partitions_of_other_vms_are_known_and_members_counted(
    tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "instance_id", lambda: "i-1")
    other = "dev-bucket-sink-i-2-fee /10.0.0.8 dev-bucket-sink-i-2"
    rows = [f"{TOPIC} 0 1 1 0 {MEMBER}", f"{TOPIC} 2 1 1 0 {other}", f"{TOPIC} 10 1 1 0 - - -"]
    # A member without a partition, as there are more members than partitions.
    rows.append("- - - - - dev-bucket-sink-i-3-bee /10.0.0.9 dev-bucket-sink-i-3")
    (tools / "dev-bucket").write_text(table(*rows))
    memory = Memory(pid=JVM)

    assert measure(SETTINGS, memory).values["GroupMembers"] == 3
    assert memory.connector(SINK).elsewhere == [f"{TOPIC}-2"]


def test_a_member_that_is_not_of_this_stack_is_counted_once_and_named(
    tools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = "other-bucket-sink-i-9-abc /10.0.0.7 other-bucket-sink-i-9"
    another_vm = "dev-bucket-sink-i-2-fee /10.0.0.8 dev-bucket-sink-i-2"
    rows = [
        f"{TOPIC} 0 1 1 0 {MEMBER}",
        f"{TOPIC} 1 1 1 0 {foreign}",
        f"{TOPIC} 2 1 1 0 {foreign}",
        f"{TOPIC} 3 1 1 0 {another_vm}",
    ]
    (tools / "dev-bucket").write_text(table(*rows))

    assert measure(SETTINGS, Memory(pid=JVM)).values["ForeignMembers"] == 1
    assert runbook.found("foreign", capsys.readouterr().out) == [
        "foreign member of group dev-bucket: client id other-bucket-sink-i-9, host /10.0.0.7"
    ]


def test_a_missing_group_does_not_hide_the_other(tools: Path) -> None:
    (tools / "dev-bucket-originals").write_text("Error: Consumer group 'x' does not exist.\n")

    values = measure(SETTINGS, Memory(pid=JVM)).values

    assert values["ConsumerLag"] == 4
    assert not [name for name in values if name.startswith("Originals")]


@pytest.mark.parametrize("silent", [["offsets"], ["dev-bucket", "dev-bucket-originals"]])
def test_nothing_is_measured_while_kafka_does_not_answer(tools: Path, silent: list[str]) -> None:
    for name in silent:
        (tools / name).write_text("")

    assert measure(SETTINGS, Memory(pid=JVM)) == group.NOTHING


def test_groups_are_looked_up_now_and_then_and_only_while_there_is_a_login(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[float] = []
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(group, "time", SimpleNamespace(monotonic=lambda: clock.now))

    def log_starts(_: Mapping[str, Any], __: object) -> dict[tuple[str, int], int]:
        looked.append(clock.now)
        return {}

    monkeypatch.setattr(group, "log_starts", log_starts)
    memory = Memory(pid=JVM)
    for clock.now in (0.0, 60.0, 299.0, 300.0, 360.0):
        measure(SETTINGS, memory)
    memory.pid, clock.now = 0, 900.0
    measure(SETTINGS, memory)

    assert looked == [0.0, 300.0]
    assert kafka.CLIENT_PROPERTIES == "/etc/s3-auditlog-sink/audit-log-client.properties"
