"""When events were where, from a history of three places."""

import gzip
import json

import pytest

from local.proofs.history.flow import Flow, flow, quantiles
from local.proofs.history.history import History
from local.proofs.history.places import DeliveredLine, Record, StoredObject

TOPIC = "confluent-audit-log-events"
# Half a minute after a whole one.
BEGAN = 1_800_000_030.0
FIRST_MINUTE = 1_800_000_000


def value(event_id: str) -> bytes:
    return json.dumps({"id": event_id}).encode()


def produce(history: History, event_id: str, partition: int, offset: int, after: float) -> None:
    history.add_record(Record(partition, offset, value(event_id), BEGAN + after))


def archive(history: History, partition: int, offset: int, after: float, *ids: str) -> None:
    name = f"topics/{TOPIC}/partition={partition}/{TOPIC}+{partition}+{offset:020d}.json.gz"
    body = gzip.compress(b"".join(value(event_id) + b"\n" for event_id in ids))
    history.put_object(StoredObject(name, str(after), BEGAN + after), body)


def index(history: History, event_id: str, after: float) -> None:
    history.add_delivered(DeliveredLine("key", 1, value(event_id).decode(), BEGAN + after))


def seen(history: History) -> Flow:
    found = flow(history)
    assert found is not None
    return found


@pytest.fixture
def history() -> History:
    """Events a and b of partition 3 and c of partition 10; b takes longer, and c is in Kafka alone."""
    made = History()
    produce(made, "a", 3, 0, after=0)
    produce(made, "b", 3, 1, after=10)
    produce(made, "c", 10, 0, after=70)
    archive(made, 3, 0, 20, "a")
    archive(made, 3, 1, 100, "b")
    index(made, "a", 25)
    index(made, "b", 130)
    return made


def test_each_minute_counts_the_events_that_reached_each_place_in_it(history: History) -> None:
    found = seen(history)

    assert found.begins == FIRST_MINUTE
    assert found.first_minute.isoformat() == "2027-01-15T08:00:00+00:00"
    assert found.produced == (2, 1, 0)
    assert found.archived == (1, 0, 1)
    assert found.indexed == (1, 0, 1)


def test_delays_are_between_the_places(history: History) -> None:
    delays = seen(history).delays

    assert (delays.archived[50], delays.archived[100]) == (20, 90)
    assert (delays.indexed[50], delays.indexed[100]) == (5, 30)
    assert (delays.whole[50], delays.whole[100]) == (25, 120)


def test_what_waits_is_counted_at_the_end_of_each_minute(history: History) -> None:
    assert seen(history).waiting == {3: (1, 1, 0), 10: (0, 1, 1)}


def test_a_second_copy_changes_nothing(history: History) -> None:
    before = seen(history)
    archive(history, 3, 5, 95, "a")
    index(history, "a", 100)

    assert seen(history) == before


def test_an_object_that_seems_older_than_its_event_has_no_delay() -> None:
    history = History()
    produce(history, "a", 3, 0, after=0.7)
    archive(history, 3, 0, 0, "a")
    found = seen(history)

    assert set(found.delays.archived) == {0}
    assert found.waiting == {3: (0,)}


def test_a_wrong_clock_makes_no_more_minutes_than_a_day_has(history: History) -> None:
    produce(history, "d", 3, 2, after=0)
    archive(history, 3, 2, -BEGAN, "d")
    index(history, "d", 10 * BEGAN)
    found = seen(history)

    assert found.begins == FIRST_MINUTE
    assert len(found.indexed) == 24 * 60
    assert (found.archived[0], found.indexed[-1]) == (2, 1)


def test_what_was_never_produced_is_left_out(history: History) -> None:
    before = seen(history)
    archive(history, 3, 7, 5, "foreign")
    index(history, "foreign", 6)

    assert seen(history) == before


def test_one_event_that_went_nowhere_has_no_delays() -> None:
    history = History()
    produce(history, "a", 3, 0, after=0)
    found = seen(history)

    assert (found.produced, found.archived, found.waiting) == ((1,), (0,), {3: (1,)})
    assert found.delays.archived == found.delays.whole == ()


def test_a_history_without_an_event_has_no_flow() -> None:
    assert flow(History()) is None


def test_quantiles_are_values_that_so_many_percent_do_not_exceed() -> None:
    found = quantiles(range(1, 201))

    assert (found[0], found[1], found[50], found[99], found[100]) == (1, 2, 100, 198, 200)
    assert set(quantiles([7.123])) == {7.12}
    assert quantiles([]) == ()
