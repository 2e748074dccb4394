"""Events as archived lines tell of them, and how Logz.io is asked for them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from components import settings
from components.logzio.model import Failures
from scripts.verification import failures
from scripts.verification.events import EventRef, Fields, parsed, references
from scripts.verification.kafka import client_config, credentials_in
from scripts.verification.lookup import Lookup
from tests.unit.components.test_settings import BY_IDS, changed

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
NAMES = Fields("id", "@timestamp")


@dataclass
class Played:
    """Logz.io with these ids on the days of each offset."""

    has: dict[int, set[str]]
    asked: list[tuple[int, int]] = field(default_factory=list)

    def present(self, _: str, values: Sequence[str], *, day_offset: int = 0) -> set[str]:
        self.asked.append((day_offset, len(values)))
        return self.has.get(day_offset, set()) & set(values)


def lookup(played: Played) -> Lookup:
    return Lookup(played, "id", now=lambda: NOON)  # type: ignore[arg-type]  # played


def of(id_: str, days: float) -> EventRef:
    return EventRef(id_, NOON - timedelta(days=days))


def test_an_event_is_looked_for_on_its_own_day() -> None:
    played = Played({0: {"a"}, 4: {"b"}})

    assert lookup(played).found([of("a", 0), of("b", 5)]) == {"a", "b"}
    assert played.asked == [(4, 1), (0, 1)]


def test_one_that_is_not_there_is_looked_for_among_those_that_arrived_lately() -> None:
    played = Played({0: {"b"}})

    assert lookup(played).found([of("b", 5), of("c", 5)]) == {"b"}
    assert played.asked == [(4, 2), (0, 2)]


def test_many_are_asked_for_in_pieces() -> None:
    played = Played({0: {str(number) for number in range(2500)}})

    assert len(lookup(played).found([of(str(number), 0) for number in range(2500)])) == 2500
    assert played.asked == [(0, 1000), (0, 1000), (0, 500)]


def test_nothing_is_asked_for_nothing() -> None:
    played = Played({})

    assert lookup(played).found([]) == set()
    assert played.asked == []


def test_references_have_the_events_time_or_that_of_their_object() -> None:
    lines = [
        json.dumps({"id": "a", "@timestamp": "2026-03-01T00:00:00Z"}).encode(),
        json.dumps({"id": "b", "@timestamp": "never"}).encode(),
        json.dumps({"id": 7}).encode(),
        b"no json",
    ]

    assert list(references(lines, NAMES, NOON)) == [
        EventRef("a", datetime(2026, 3, 1, tzinfo=UTC)),
        EventRef("b", NOON),
    ]


@pytest.mark.parametrize("line", [b"[1]", b"{", b"\xff", b"[" * 100_000])
def test_what_is_not_a_json_object_is_no_event(line: bytes) -> None:
    assert parsed(line) is None


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("connector.renames", {"id": "event_id", "time": "@timestamp"}, Fields("event_id", "@timestamp")),
        ("connector.format", "raw", Fields("id", "time")),
        ("connector.format", "json", Fields("id", "@timestamp")),
    ],
)
def test_the_names_of_id_and_time_are_those_of_the_settings(path: str, value: Any, expected: Fields) -> None:
    given = settings.load(changed(path, value, BY_IDS), region="us-west-2", environ={})

    assert Fields.of(given) == expected


OURS = {
    "id": "x",
    "source": "crn://confluent.cloud/kafka=lkc-1",
    "type": "logzio-index-failure",
    "tags": "why",
}
CUT = {
    "message": '{"id":"1","source":"crn://confluent.cloud"}',
    "tags": ["logzio-invalid-log", "MAX_JSON_DEPTH"],
}
OTHERS = {"source": "nginx", "type": "logzio-index-failure"}


def test_only_failures_of_an_audit_log_are_ours() -> None:
    found = failures.summed([Failures(2, (OURS, OTHERS)), Failures(1, (CUT,))], "confluent_audit")

    assert (found.total, found.seen, found.ours) == (3, 3, 2)
    assert set(found.reasons) == {
        "1 x logzio-index-failure, why",
        "1 x logzio-invalid-log, MAX_JSON_DEPTH",
    }
    assert found.ids == ("x",)


def test_a_failure_that_keeps_its_type_is_ours_by_it() -> None:
    event = {"type": "confluent_audit", "tags": ["logzio-index-failure"]}

    assert failures.summed([Failures(1, (event,))], "confluent_audit").ours == 1


@pytest.mark.parametrize(("days", "offsets"), [(0.5, [0]), (2, [0]), (3, [0, 2]), (7, [0, 2, 4, 6])])
def test_failures_are_asked_for_day_by_day(days: float, offsets: list[int]) -> None:
    assert failures.day_offsets(days) == offsets


def test_further_authorities_are_taken_from_the_environment() -> None:
    config = client_config("host:9092", "key", "secret", {"SSL_CERT_FILE": "/some/file"})

    assert config["ssl.ca.location"] == "/some/file"
    assert "ssl.ca.location" not in client_config("host:9092", "key", "secret", {})


def test_a_key_of_the_environment_needs_both_its_parts() -> None:
    assert credentials_in({"KAFKA_API_KEY": "k", "KAFKA_API_SECRET": "s"}) == ("k", "s")
    assert credentials_in({"KAFKA_API_KEY": "k"}) is None
