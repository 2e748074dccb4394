"""The emulator gives each field its type of the day, and marks what Logz.io documents it cannot index."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from components.logzio import facts as logzio_facts
from local.systems.logzio.indexing import Indexer
from local.systems.logzio.store import Event, Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TIME = "2026-03-01T11:59:00.123Z"


class Account:
    """A Logz.io account at a moment that the test sets."""

    def __init__(self, folder: Path) -> None:
        self.now = NOON
        self.store = Store(folder / "store.sqlite")
        self.indexer = Indexer(self.store, lambda: self.now)

    def index(self, *logs: dict[str, Any] | str, **added: Any) -> list[Event]:
        """What becomes of logs; those that are objects get an `@timestamp` where they have none."""
        lines = (
            log if isinstance(log, str) else json.dumps({"@timestamp": TIME, **log}, ensure_ascii=False)
            for log in logs
        )
        return self.indexer.events("\n".join(lines), "confluent_audit", added)

    def failures(self, *logs: dict[str, Any] | str) -> list[str | None]:
        """Why each log is not indexed; None for one that is."""
        return [logzio_facts.failure(event.event) for event in self.index(*logs)]


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    made = Account(tmp_path)
    yield made
    made.store.close()


def test_a_log_that_keeps_every_rule_is_shown_with_the_registrations_type(account: Account) -> None:
    (event,) = account.index({"id": "e", "a": {"b": [1, 2]}, "type": "its own"}, s3_object_key="k")

    assert event == Event(
        0,
        "e",
        {
            "@timestamp": TIME,
            "id": "e",
            "a": {"b": [1, 2]},
            "type": "confluent_audit",
            "s3_object_key": "k",
        },
    )


OBJECT = "object mapping for [f] tried to parse field [f] as object, but found a concrete value"
START = "failed to parse field [f] of type [keyword]: Can't get text on a START_OBJECT"


def other(mapped: str) -> str:
    return f"failed to parse field [f] of type [{mapped}]"


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        # Text and object, either way round, and in lists.
        ("text", {"x": 1}, START),
        ({"x": 1}, "text", OBJECT),
        ({"x": 1}, 5, OBJECT),
        ("text", [{"x": 1}], START),
        ([{"x": 1}], "text", OBJECT),
        (["text"], [{"x": 1}], START),
        ([{"x": 1}], ["text"], OBJECT),
        # Numbers and text: also where the text holds a number.
        (35, "hot", other("long")),
        (35, "36", other("long")),
        ("hot", 35, other("keyword")),
        (35, 35.5, other("long")),
        (35.5, 35, other("float")),
        (35, {"x": 1}, other("long")),
        # Booleans.
        (True, "true", other("boolean")),
        ("true", True, other("keyword")),
        (True, 1, other("boolean")),
        (1, True, other("long")),
    ],
)
def test_the_first_value_of_the_day_fixes_a_fields_type(
    account: Account, first: Any, second: Any, reason: str
) -> None:
    assert account.failures({"f": first}) == [None]
    assert account.failures({"f": second}) == [f"logzio-index-failure, logzio-index-failure, {reason}"]
    assert account.failures({"f": first}) == [None]


@pytest.mark.parametrize("first", ["text", 5, 1.5, True, {"x": 1}, [1], [{"x": 1}]])
@pytest.mark.parametrize("nothing", [None, [], [None]])
def test_a_null_and_an_empty_list_fit_every_field_and_fix_no_type(
    account: Account, first: Any, nothing: Any
) -> None:
    assert account.failures({"f": nothing}, {"f": first}, {"f": nothing}) == [None, None, None]


def test_values_of_one_list_must_be_of_one_type(account: Account) -> None:
    assert account.failures({"f": [1, "text"]}) == [
        f"logzio-index-failure, logzio-index-failure, {other('long')}"
    ]


def test_a_field_inside_a_list_has_one_type_too(account: Account) -> None:
    (first, second) = account.failures({"f": [{"x": 1}, {"y": "a"}]}, {"f": [{"x": "text"}]})

    assert first is None
    assert second is not None
    assert "failed to parse field [f.x] of type [long]" in second


def test_dates_are_text_but_for_the_timestamp(account: Account) -> None:
    """Automatic date detection is off ("Field Mapping")."""
    assert account.failures({"f": TIME}, {"f": "yesterday"}) == [None, None]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("log.level", "Index -1 out of bounds for length 0"),
        ("_private", "object resolution ambiguous"),
        ("ends_", "object resolution ambiguous"),
        (".hidden", "object resolution ambiguous"),
        ("comma,", "object resolution ambiguous"),
        ("#number", "object resolution ambiguous"),
        ("", "field name cannot be an empty string"),
    ],
)
@pytest.mark.parametrize("place", ["above", "below", "in a list"])
def test_a_bad_name_is_an_index_failure_at_any_level(
    account: Account, name: str, reason: str, place: str
) -> None:
    bad: dict[str, Any] = {name: "value"}
    log = {"above": bad, "below": {"outer": bad}, "in a list": {"outer": [bad]}}[place]

    (event,) = account.index(log)

    assert event.event["type"] == "logzio-index-failure"
    assert reason in event.event["tags"][1]


@pytest.mark.parametrize(
    ("number", "is_indexed"), [(2**63 - 1, True), (-(2**63), True), (2**63, False), (-(2**63) - 1, False)]
)
def test_a_whole_number_must_be_a_long(account: Account, number: int, is_indexed: bool) -> None:
    (reason,) = account.failures({"f": number})

    assert (reason is None) is is_indexed
    assert (
        is_indexed
        or f"Numeric value ({number}) out of range of long (-9223372036854775808 - 9223372" in str(reason)
    )


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        ("2026-03-01T11:59:00Z", "2026-03-01T11:59:00Z"),
        ("2026-03-01T11:59:00.123456789Z", "2026-03-01T11:59:00.123456789Z"),
        ("2026-03-01T13:59:00.123+02:00", "2026-03-01T13:59:00.123+02:00"),
        (1772366340, "2026-03-01T11:59:00.000Z"),
        (1772366340123, "2026-03-01T11:59:00.123Z"),
    ],
)
def test_documented_forms_of_a_time_are_read(account: Account, time: Any, shown: str) -> None:
    (event,) = account.index({"@timestamp": time})

    assert event.event["type"] == "confluent_audit"
    assert event.event["@timestamp"] == shown


@pytest.mark.parametrize(
    "time",
    [
        "yesterday",
        "",
        "+999999999-12-31T23:59:59.999999999Z",
        "2026-02-30T00:00:00Z",
        "2026-03-01 11:59:00Z",
        {"seconds": 1},
        True,
        1e30,
    ],
)
def test_an_unreadable_time_is_an_index_failure_at_the_time_of_arrival(account: Account, time: Any) -> None:
    (event,) = account.index({"id": "e", "@timestamp": time})

    assert event.event["type"] == "logzio-index-failure"
    assert event.event["tags"][1] == "failed to parse field [@timestamp] of type [date]"
    assert event.event["@timestamp"] == "2026-03-01T12:00:00.000Z"


def nested(levels: int) -> Any:
    return json.loads("[" * levels + "1" + "]" * levels)


@pytest.mark.parametrize(
    ("log", "tag"),
    [
        ({"f": ["x" * 30_000] * 17}, "MAX_LOG_LINE_LENGTH"),
        ({"f": "x" * 32_701}, "INVALID_FIELD_VALUE_LENGTH"),
        ({"f": ["x" * 32_701]}, "INVALID_FIELD_VALUE_LENGTH"),
        ({"x" * 32_701: 1}, "MAX_FIELD_KEY_SIZE"),
        ({"x" * 32_000: {"y" * 700: 1}}, "MAX_FIELD_KEY_SIZE"),
        ({"f": nested(10)}, "MAX_JSON_DEPTH"),
        ({f"f{n}": n for n in range(1_000)}, "MAX_FIELDS_NUMBER"),
        ({"f": [{"x": 1, "y": 2}] * 500}, "MAX_FIELDS_NUMBER"),
        ({"@timestamp": None}, "FIELDS_MISSING"),
        ({"f": {".": 1}}, "ARRAY_INDEX_OUT_OF_BOUNDS_EXCEPTION"),
    ],
)
def test_a_log_beyond_a_limit_is_invalid(account: Account, log: dict[str, Any], tag: str) -> None:
    (event,) = account.index({"id": "e", **log})

    assert event.event["type"] == "logzio-invalid-log"
    assert event.event["tags"] == ["logzio-invalid-log", tag]
    assert event.event["id"] == event.event_id == "e"
    assert len(event.event["message"]) <= 32_700


@pytest.mark.parametrize(
    "log",
    [
        {"f": "x" * 32_700},
        {"x" * 32_700: 1},
        {"f": nested(9)},
        {f"f{n}": n for n in range(998)},
        {"f": ["x" * 30_000] * 16},
    ],
    ids=["value", "name", "levels", "fields", "characters"],
)
def test_a_log_at_a_limit_is_valid(account: Account, log: dict[str, Any]) -> None:
    # `@timestamp` and `type` are fields, too.
    assert account.failures(log) == [None]


def test_a_log_without_a_time_is_invalid(account: Account) -> None:
    assert account.failures('{"id": "e"}') == ["logzio-invalid-log, logzio-invalid-log, FIELDS_MISSING"]


def test_plain_text_is_a_message_at_the_time_of_its_arrival(account: Account) -> None:
    events = account.index("not JSON", "[1]", "")

    assert [event.event for event in events] == [
        {"message": text, "type": "confluent_audit", "@timestamp": "2026-03-01T12:00:00.000Z"}
        for text in ("not JSON", "[1]")
    ]


def test_what_could_not_be_indexed_is_shown_as_text_with_its_id(account: Account) -> None:
    (event,) = account.index({"id": "e", "log.level": "high"})

    assert event.event_id == "e"
    assert event.event == {
        "id": "e",
        "message": json.dumps({"@timestamp": TIME, "id": "e", "log.level": "high"}),
        "type": "logzio-index-failure",
        "tags": ["logzio-index-failure", "Index -1 out of bounds for length 0: [log.level]"],
        "@timestamp": TIME,
    }


def test_what_could_not_be_indexed_fixes_no_type(account: Account) -> None:
    account.index({"f": "text", "log.level": "high"}, {"f": "text", "@timestamp": "no date"})

    assert account.failures({"f": {"x": 1}}) == [None]


def test_a_bad_log_takes_no_other_with_it(account: Account) -> None:
    assert [reason is None for reason in account.failures({"f": 1}, {"f": "text"}, {"f": 2}, "no JSON")] == [
        True,
        False,
        True,
        True,
    ]


def test_a_new_day_begins_at_midnight_in_utc(account: Account) -> None:
    account.index({"f": "text"})
    account.now = NOON.replace(hour=23, minute=59, second=59)
    assert account.failures({"f": {"x": 1}}) != [None]

    account.now += timedelta(seconds=1)

    assert account.failures({"f": {"x": 1}}) == [None]
    assert account.failures({"f": "text"}) != [None]


def test_the_day_is_that_of_arrival_whatever_the_logs_own_time_is(account: Account) -> None:
    account.index({"f": "text", "@timestamp": "2026-02-01T00:00:00Z"})

    assert account.failures({"f": {"x": 1}, "@timestamp": "2026-02-20T00:00:00Z"}) != [None]


def test_a_restart_keeps_the_mapping_of_the_day(account: Account) -> None:
    account.index({"f": {"x": 1}})

    again = Indexer(account.store, lambda: account.now)

    assert logzio_facts.failure(again.events(json.dumps({"@timestamp": TIME, "f": 1}), "t")[0].event)
    assert account.store.mapping("2026-03-01") == {
        "@timestamp": "date",
        "type": "keyword",
        "tags": "keyword",
        "message": "keyword",
        "f": "object",
        "f.x": "long",
    }


def test_a_log_nested_deeper_than_pythons_stack_is_a_message(account: Account) -> None:
    (event,) = account.index("[" * 100_000 + "]" * 100_000)

    assert "message" in event.event
