"""What is chosen, the fields it gets, and how far a run came."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from components import settings
from components.archive import layout
from scripts.replay.event_format import EventFormat, line
from scripts.replay.progress import Progress
from scripts.replay.selection import Selection, SelectionError, select
from scripts.verify.model import StoredObject
from tests.unit.components.test_settings import BY_IDS, changed

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
KEY = layout.key_start("topics", "audit", 0, 5) + ".json.gz"


def chosen(**given: Any) -> Selection:
    nothing: dict[str, Any] = {"since": None, "until": None, "unread": False, "days": 7.0, "objects": []}
    return select(**{**nothing, "now": NOON, "settling": timedelta(minutes=10), **given})


def written(moment: datetime) -> StoredObject:
    return StoredObject(KEY, 1, moment)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"unread": True, "since": "2026-03-01"},
        {"unread": True, "objects": [KEY]},
        {"until": "2026-03-01", "objects": [KEY]},
    ],
)
def test_exactly_one_choice_is_asked_for(given: dict[str, Any]) -> None:
    with pytest.raises(SelectionError, match="exactly one of"):
        chosen(**given)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T08:30:00", datetime(2026, 3, 1, 8, 30, tzinfo=UTC)),
        ("2026-03-01T08:30:00+02:00", datetime(2026, 3, 1, 6, 30, tzinfo=UTC)),
    ],
)
def test_a_time_is_of_utc_unless_it_says_otherwise(text: str, moment: datetime) -> None:
    assert chosen(since=text).begin == moment


@pytest.mark.parametrize("given", [{"since": "soon"}, {"until": "2026-13-01"}])
def test_an_invalid_time_is_refused_with_the_accepted_format(given: dict[str, str]) -> None:
    with pytest.raises(SelectionError, match="accepted is ISO 8601"):
        chosen(**given)


def test_a_time_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(SelectionError, match="must be before"):
        chosen(since="2026-03-02", until="2026-03-01")


def test_objects_are_named_by_key_or_address() -> None:
    assert chosen(objects=[KEY, f"s3://archive/{KEY}"]).keys == (KEY,)


@pytest.mark.parametrize("key", ["topics/audit/", "s3://archive", layout.sentinel_key("topics", "audit", 0)])
def test_a_key_that_is_not_of_an_archived_object_is_refused(key: str) -> None:
    with pytest.raises(SelectionError, match="is not the key of an archived object"):
        chosen(objects=[key])


def test_a_time_range_selects_objects_of_one_more_week() -> None:
    selection = chosen(since="2026-03-01", until="2026-03-02")

    assert not selection.may_hold(written(datetime(2026, 2, 28, tzinfo=UTC)))
    assert selection.may_hold(written(datetime(2026, 3, 8, 23, tzinfo=UTC)))
    assert not selection.may_hold(written(datetime(2026, 3, 9, tzinfo=UTC)))
    assert selection.holds(datetime(2026, 3, 1, tzinfo=UTC))
    assert not selection.holds(datetime(2026, 3, 2, tzinfo=UTC))


def test_unread_selects_by_the_time_of_the_objects() -> None:
    selection = chosen(unread=True, days=2.0)

    assert selection.holds(NOON - timedelta(days=6))
    assert selection.may_hold(written(NOON - timedelta(days=2)))
    assert not selection.may_hold(written(NOON - timedelta(days=3)))


@pytest.mark.parametrize("given", [{"unread": True}, {"since": "2026-03-01"}])
def test_objects_that_may_still_be_fetched_are_left_out(given: dict[str, Any]) -> None:
    assert chosen(**given).may_hold(written(NOON - timedelta(minutes=11)))
    assert not chosen(**given).may_hold(written(NOON - timedelta(minutes=9)))


def test_a_choice_has_the_same_name_each_time() -> None:
    assert chosen(unread=True).name == chosen(unread=True, now=NOON + timedelta(hours=5)).name
    names = {
        chosen(**given).name
        for given in ({"unread": True}, {"since": "2026-03-01"}, {"until": "2026-03-01"}, {"objects": [KEY]})
    }
    assert len(names) == 4


def form(*changes: tuple[str, Any]) -> EventFormat:
    raw: dict[str, Any] = BY_IDS
    for path, value in changes:
        raw = changed(path, value, raw)
    return EventFormat.of(settings.load(raw, region="us-west-2", environ={}))


ORIGINAL = {"id": "x", "time": "2026-03-01T00:00:00Z", "type": "io.confluent/x", "data": {"a": 1, "b": [{}]}}
RENAMED = {
    "id": "x",
    "@timestamp": "2026-03-01T00:00:00Z",
    "event_type": "io.confluent/x",
    "data": {"a": 1, "b": [{}]},
}
FLAT = {
    "id": "x",
    "@timestamp": "2026-03-01T00:00:00Z",
    "event_type": "io.confluent/x",
    "data_a": 1,
    "data_b": [{}],
}


@pytest.mark.parametrize(
    ("changes", "sent"),
    [
        ((), FLAT),
        ((("connector.format", "raw"),), RENAMED),
        ((("connector.flatten", False),), RENAMED),
        ((("connector.excludedFields", ["data_b"]),), {k: v for k, v in FLAT.items() if k != "data_b"}),
    ],
)
def test_an_event_is_sent_with_the_fields_that_it_has_in_logzio(
    changes: tuple[tuple[str, Any], ...], sent: dict[str, Any]
) -> None:
    for archived in (ORIGINAL, RENAMED):
        assert form(*changes).apply(archived, KEY) == sent


def test_an_event_that_was_archived_with_them_stays_as_it_is() -> None:
    assert form().apply(FLAT, KEY) == FLAT


def test_no_field_is_lost_to_a_rename() -> None:
    event = {"time": "old", "@timestamp": "new"}

    assert form().apply(event, KEY) == event


def test_the_objects_key_is_added_where_the_registrations_add_it() -> None:
    assert form(("logzio.addObjectKey", True)).apply({"id": "x"}, KEY) == {"id": "x", "s3_object_key": KEY}


def test_an_event_becomes_one_line() -> None:
    text = line({"a": "x\ny\u2028z", "n": 1})

    assert b"\n" not in text
    assert json.loads(text) == {"a": "x\ny\u2028z", "n": 1}


def test_a_later_run_knows_how_far_the_last_one_came(tmp_path: Path) -> None:
    Progress.at(tmp_path, "prod", "choice").mark({"a": 3, "b": 1})
    Progress.at(tmp_path, "prod", "choice").mark({"b": 5})

    found = Progress.at(tmp_path, "prod", "choice")

    assert (found.is_resumed, found.lines("a"), found.lines("b"), found.lines("c")) == (True, 3, 5, 0)


def test_another_choice_or_stack_has_a_file_of_its_own(tmp_path: Path) -> None:
    Progress.at(tmp_path, "prod", "choice").mark({"a": 3})

    assert not Progress.at(tmp_path, "prod", "other").is_resumed
    assert not Progress.at(tmp_path, "dev", "choice").is_resumed


def test_a_half_written_line_counts_for_nothing(tmp_path: Path) -> None:
    progress = Progress.at(tmp_path, "prod", "choice")
    progress.mark({"a": 3})
    with progress.file.open("a") as out:
        out.write('\n{"key": "a", "lin')

    found = Progress.at(tmp_path, "prod", "choice")
    found.mark({"b": 1})

    assert Progress.at(tmp_path, "prod", "choice").done == {"a": 3, "b": 1}


def test_a_run_that_ended_well_leaves_no_file(tmp_path: Path) -> None:
    progress = Progress.at(tmp_path, "prod", "choice")
    progress.mark({"a": 3})
    progress.finish()

    assert not progress.file.exists()
    assert not Progress.at(tmp_path, "prod", "choice").is_resumed


def test_objects_that_logzio_may_still_read_are_left_out_and_the_run_says_so() -> None:
    unread = chosen(unread=True)

    assert not unread.may_hold(written(NOON - timedelta(minutes=9)))
    assert unread.left_out() == (
        "left out: objects since 2026-03-10 11:50:00 UTC, which Logz.io may still read. Run it again later, or with "
        "FETCH_MINUTES=0"
    )
    assert chosen(objects=[KEY]).left_out() is None
