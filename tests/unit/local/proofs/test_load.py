"""An uneven load: bursts and quiet hours, large events, and enough of all for half a million in an hour."""

from collections.abc import Iterator
from itertools import islice, takewhile

from components.logzio import facts
from components.worker.fields import flattened
from local.proofs.client import due
from local.proofs.generator import load
from local.proofs.generator.load import Phase


def first(phases: Iterator[Phase]) -> list[Phase]:
    return list(islice(phases, 500))


def test_the_same_seed_makes_the_same_load() -> None:
    assert first(load.uneven(3)) == first(load.uneven(3))
    assert first(load.uneven(3)) != first(load.uneven(4))


def test_a_load_has_bursts_and_quiet_hours() -> None:
    phases = first(load.uneven(3))
    rates = {kind: [phase.rate for phase in phases if phase.kind == kind] for kind in ("burst", "quiet")}

    assert min(rates["burst"]) >= 500
    assert max(rates["quiet"]) < 1


def test_an_hour_with_ten_minutes_for_the_checker_has_half_a_million_events() -> None:
    for seed in range(20):
        hour = takewhile(lambda at: at < 50 * 60, due(load.uneven(seed)))

        assert sum(1 for _ in hour) > 400_000
    whole = sum(phase.seconds * phase.rate for phase in first(load.uneven(0)))
    assert whole / sum(phase.seconds for phase in first(load.uneven(0))) > 500_000 / (50 * 60)


def test_events_come_evenly_within_a_phase_and_not_in_a_silent_one() -> None:
    phases = [Phase("steady", 2, 2), Phase("quiet", 10, 0), Phase("burst", 1, 4)]

    assert list(due(iter(phases))) == [0, 0.5, 1, 1.5, 12, 12.25, 12.5, 12.75]


def test_each_feed_of_a_seed_makes_other_events_and_the_same_seed_the_same_ones() -> None:
    begin, again = load.series(5), load.series(5)
    ids = [[event.id for event in islice(begin(), 10)] for _ in range(2)]

    assert not set(ids[0]) & set(ids[1])
    assert [[event.id for event in islice(again(), 10)] for _ in range(2)] == ids


def test_one_event_in_many_is_large_and_logzio_can_index_it() -> None:
    made = list(islice(load.series(5)(), 3 * load.EVERY))
    large = [event for event in made if len(event.encoded()) > 30_000]

    assert len(large) == 3
    for event in large:
        renamed = {**event.value, "@timestamp": event.value["time"], "event_type": event.value["type"]}
        del renamed["time"], renamed["type"]
        assert facts.unindexable(flattened(renamed), len(event.encoded())) == []


def test_no_event_has_a_time_that_is_still_to_come_within_a_burst() -> None:
    made = list(islice(load.series(5)(), 2000))
    seconds = [float(event.time[17:19]) for event in (made[0], made[-1]) if event.time.endswith("Z")]

    assert seconds[-1] - seconds[0] < 2000 / 1200 or seconds[-1] < seconds[0]
