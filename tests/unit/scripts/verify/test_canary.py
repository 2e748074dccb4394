"""For how long the oldest archived event has been missing from Logz.io, told from what was seen."""

from dataclasses import replace

import pytest

from scripts.verify import canary
from scripts.verify.model import ChainReport, PartitionReport, Report, Unread, UnreadReason
from tests.unit.scripts.verify.test_evaluate import CHAIN, FINE, QUIET, ago, report, waiting


def seconds(*partitions: PartitionReport, **fields: object) -> float | None:
    return canary.seconds_missing(report(*partitions, **fields))


def unread(minutes: float, missing: int, why: UnreadReason = UnreadReason.ORDER) -> Unread:
    return Unread("key", why, ago(minutes=minutes), events=5, missing=missing)


def test_it_is_zero_when_nothing_is_missing() -> None:
    assert seconds() == 0
    assert seconds(QUIET) == 0


def test_the_oldest_object_after_the_last_one_that_was_read_counts() -> None:
    first = replace(FINE, behind=7, behind_since=ago(minutes=20))
    second = replace(FINE, partition=5, behind=1, behind_since=ago(minutes=50))

    assert seconds(first, second, QUIET) == 50 * 60


@pytest.mark.parametrize("why", UnreadReason)
def test_an_object_that_was_passed_over_counts_if_events_of_it_are_missing(why: UnreadReason) -> None:
    replayed = unread(minutes=900, missing=0, why=why)

    assert seconds(replace(FINE, unread=(replayed, unread(minutes=90, missing=1, why=why)))) == 90 * 60
    assert seconds(replace(FINE, unread=(replayed,))) == 0


def test_originals_and_what_waits_in_kafka_are_not_archived_events_that_are_missing() -> None:
    behind = replace(FINE, behind=7, behind_since=ago(minutes=20))
    originals = ChainReport(replace(CHAIN, name="originals", delivered=False), (behind,))

    assert seconds(chains=(ChainReport(CHAIN, (waiting(ago(hours=5)),)), originals)) == 0


def test_a_clock_of_s3_that_is_ahead_gives_no_negative_time() -> None:
    assert seconds(replace(FINE, behind=1, behind_since=ago(minutes=-1))) == 0


@pytest.mark.parametrize("what", ["Logz.io", "the bucket", "events of audit partition 3"])
def test_it_is_unknown_if_a_part_of_the_way_could_not_be_checked(what: str) -> None:
    late = replace(FINE, behind=7, behind_since=ago(minutes=20))

    assert seconds(late, not_seen={what: "no answer"}) is None


def test_kafka_is_not_needed_to_measure() -> None:
    assert seconds(FINE, not_seen={"Kafka, group group-1": "no answer"}) == 0


def test_the_report_of_an_empty_stack_is_in_order() -> None:
    empty: Report = report(chains=())

    assert canary.seconds_missing(empty) == 0
