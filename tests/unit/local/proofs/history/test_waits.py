"""How long events waited for their object."""

import json

from local.proofs.history.history import History
from local.proofs.history.places import Record, StoredObject

TOPIC = "confluent-audit-log-events"


def value(event_id: str) -> bytes:
    return json.dumps({"id": event_id}).encode()


def history(produced: dict[str, tuple[int, float]], objects: list[tuple[float, str]]) -> History:
    """`produced`: id -> partition and time. `objects`: time, and an id for each letter."""
    made = History()
    for offset, (event_id, (partition, at)) in enumerate(produced.items()):
        made.add_record(Record(partition, offset, value(event_id), at))
    for number, (modified, ids) in enumerate(objects):
        key = f"topics/{TOPIC}/partition=0/{TOPIC}+0+{number:020d}.json"
        body = b"\n".join(map(value, ids))
        made.put_object(StoredObject(key, str(number), modified), body)
    return made


def test_the_longest_wait_of_each_partition_counts() -> None:
    made = history({"a": (0, 100.0), "b": (0, 101.0), "c": (1, 102.0)}, [(105.0, "a"), (131.0, "bc")])

    assert made.longest_waits(0.0) == {0: 30.0, 1: 29.0}


def test_the_first_copy_of_an_event_ends_its_wait() -> None:
    made = history({"a": (0, 100.0)}, [(150.0, "a"), (105.0, "a")])

    assert made.longest_waits(0.0) == {0: 5.0}


def test_an_earlier_event_and_one_that_is_not_archived_do_not_count() -> None:
    made = history({"a": (0, 99.0), "b": (1, 100.0), "c": (2, 100.0)}, [(105.0, "ab")])

    assert made.longest_waits(100.0) == {1: 5.0}
