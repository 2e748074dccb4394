"""Where the chain is broken, told from what was seen."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scripts.verify import evaluate
from scripts.verify.chains import Chain
from scripts.verify.evaluate import Patience, exit_code, span
from scripts.verify.model import (
    ChainReport,
    Finding,
    IndexReport,
    Level,
    PartitionReport,
    Position,
    Record,
    RegistrationReport,
    RegistrationState,
    Report,
    SampledObject,
    Unread,
    UnreadReason,
)

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
CHAIN = Chain("events", "group-1", "topics", is_json=True, delivered=True, rotation_seconds=60)
FINE = PartitionReport(
    "audit",
    3,
    Position(start=0, end=100, committed=100, last=Record(NOON, "x")),
    objects=4,
    newest=SampledObject("key", NOON, "x", NOON, found=True),
    sampled=4,
    last_committed_is_archived=True,
)
QUIET = PartitionReport("audit", 4, Position(start=0, end=0, committed=None))
REGISTERED = RegistrationReport("topics/audit/partition=3/", RegistrationState.FINE, 1, NOON)


def report(*partitions: PartitionReport, **fields: Any) -> Report:
    chain = ChainReport(CHAIN, partitions or (FINE, QUIET))
    return replace(Report("prod", NOON, 7.0, (chain,), (REGISTERED,), IndexReport(0, 0, 0)), **fields)


def findings(seen: Report) -> list[Finding]:
    return evaluate.evaluate(seen, Patience())


def only(seen: Report) -> Finding:
    (finding,) = findings(seen)
    return finding


def ago(**length: float) -> datetime:
    return NOON - timedelta(**length)


def waiting(since: datetime, **fields: Any) -> PartitionReport:
    position = Position(start=0, end=130, committed=100, waiting=Record(since, "y"))
    return replace(FINE, position=replace(position, **fields))


def test_a_chain_in_order_has_no_findings() -> None:
    assert findings(report()) == []
    assert exit_code([]) == 0


def test_events_that_wait_too_long_in_kafka_break_the_first_hop() -> None:
    found = only(report(waiting(ago(minutes=25))))

    assert (found.hop, found.level, found.section) == (evaluate.KAFKA, Level.BROKEN, evaluate.STUCK)
    assert found.text == "partition 3: 30 offsets are not archived, the oldest for 25 min (group group-1)"


def test_events_that_wait_for_a_rotation_are_on_their_way() -> None:
    assert only(report(waiting(ago(minutes=6)))).level is Level.WAITING


def test_a_group_that_never_committed_is_named() -> None:
    assert "group-1 has never committed anything" in only(report(waiting(ago(hours=5), committed=None))).text


def test_a_lag_without_an_event_is_none() -> None:
    marks = replace(FINE, position=Position(start=0, end=103, committed=100))

    assert findings(report(marks)) == []


def test_events_that_expired_before_they_were_read_are_counted() -> None:
    expired = replace(FINE, position=Position(start=140, end=140, committed=100))

    found = only(report(expired))

    assert (found.level, found.section) == (Level.BROKEN, evaluate.DELIVERY)
    assert "40 offsets expired before group group-1 read them" in found.text


def test_partitions_that_the_settings_do_not_know_are_named() -> None:
    chain = ChainReport(CHAIN, (FINE,), (("audit", 12), ("audit", 13)))

    originals = replace(chain, chain=replace(CHAIN, delivered=False))

    assert "audit 12, audit 13" in only(report(chains=(chain, originals))).text


def test_committed_events_that_are_not_in_the_bucket_point_at_another_worker() -> None:
    found = only(report(replace(FINE, last_committed_is_archived=False)))

    assert (found.hop, found.level) == (evaluate.BUCKET, Level.BROKEN)
    assert "another worker may read with the same group" in found.text


@pytest.mark.parametrize(
    "state",
    [
        RegistrationState.MISSING,
        RegistrationState.INACTIVE,
        RegistrationState.CHANGED,
        RegistrationState.DOUBLE,
    ],
)
def test_a_registration_that_is_not_as_it_should_be_is_named(state: RegistrationState) -> None:
    found = only(report(registrations=(replace(REGISTERED, state=state, difference="why"),)))

    assert (found.hop, found.level, found.section) == (
        evaluate.REGISTRATION,
        Level.BROKEN,
        evaluate.WHAT_HAPPENS,
    )
    assert f"1 registration(s) {state.value}: topics/audit/partition=3/ (id 1): why" in found.text


def test_a_registration_without_its_time_is_only_a_note() -> None:
    found = only(report(registrations=(replace(REGISTERED, created_at=None),)))

    assert found.level is Level.NOTE
    assert exit_code([found]) == 0


@pytest.mark.parametrize(("age", "level"), [(9, Level.WAITING), (11, Level.BROKEN)])
def test_objects_after_the_last_one_that_was_read_break_the_second_hop_in_time(
    age: int, level: Level
) -> None:
    found = only(report(replace(FINE, behind=7, behind_since=ago(minutes=age))))

    assert (found.hop, found.level) == (evaluate.LOGZIO, level)
    if level is Level.BROKEN:
        assert found.text == "partition 3: the last 7 object(s) are not in Logz.io, the oldest for 11 min"


@pytest.mark.parametrize("why", UnreadReason)
def test_unread_objects_whose_events_are_missing_are_to_be_replayed(why: UnreadReason) -> None:
    found = only(report(replace(FINE, unread=(Unread("key", why, ago(hours=1), events=10, missing=4),))))

    assert (found.level, found.section) == (Level.BROKEN, evaluate.REPLAY)
    assert f"1 object(s) unread ({why.value}); 4 of their 10 events are not in Logz.io" in found.text
    assert "`make replay STACK=prod UNREAD=1`" in found.text


def test_unread_objects_whose_events_are_in_others_are_only_a_note() -> None:
    seen = report(
        replace(FINE, unread=(Unread("key", UnreadReason.ORDER, ago(hours=1), events=10, missing=0),))
    )

    assert only(seen).level is Level.NOTE


def test_a_gap_of_a_moment_ago_may_still_be_indexed() -> None:
    assert (
        findings(report(replace(FINE, unread=(Unread("key", UnreadReason.GAP, ago(minutes=2), 10, 4),))))
        == []
    )


def test_somebody_elses_objects_are_named() -> None:
    found = only(report(replace(FINE, foreign=("topics/audit/partition=3/zzz",))))

    assert found.level is Level.BROKEN
    assert "topics/audit/partition=3/zzz" in found.text


def test_events_that_could_not_be_indexed_are_counted_with_their_reasons() -> None:
    found = only(report(index=IndexReport(total=300, seen=100, ours=60, reasons=("60 x object mapping",))))

    assert (found.hop, found.level) == (evaluate.INDEX, Level.BROKEN)
    assert "60 of 100 checked (300 in the account)" in found.text
    assert "60 x object mapping" in found.text


def test_failures_of_other_sources_are_not_ours() -> None:
    assert only(report(index=IndexReport(total=5, seen=5, ours=0))).level is Level.NOTE


def test_unchecked_parts_are_not_broken_parts() -> None:
    unseen = report(not_seen={"Kafka": "no route"})
    broken = report(waiting(ago(hours=1)), not_seen={"Logz.io": "down"})

    found = only(unseen)
    assert (found.hop, found.text) == ("Kafka", "could not be checked: no route")
    assert exit_code(findings(unseen)) == 2
    assert exit_code(findings(broken)) == 1


def test_partitions_of_several_topics_are_named_with_theirs() -> None:
    other = replace(waiting(ago(hours=1)), topic="other", partition=0)

    assert "audit 3, other 0" in only(report(waiting(ago(hours=1)), other)).text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 days")]
)
def test_a_length_of_time_has_one_unit(seconds: int, text: str) -> None:
    assert span(timedelta(seconds=seconds)) == text
