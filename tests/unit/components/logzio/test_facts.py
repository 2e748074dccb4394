"""What Logz.io can index of an event by itself, and what its answers say of one that it could not."""

import json
from typing import Any

import pytest

from components.logzio.facts import failure, unindexable

EVENT: dict[str, Any] = {"@timestamp": "2026-03-01T12:00:00.123456789Z", "id": "e", "event_type": "x"}


def reasons(**fields: Any) -> list[str]:
    event = {**EVENT, **fields}
    return unindexable(event, len(json.dumps(event)))


def test_an_ordinary_event_can_be_indexed() -> None:
    assert reasons(data_a=1, data_b=[{"c": None}], data_d={}, data_e=[]) == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"@timestamp": None}, "FIELDS_MISSING"),
        ({"@timestamp": "yesterday"}, "failed to parse field [@timestamp] of type [date]"),
        ({"data_x": "x" * 32_701}, "INVALID_FIELD_VALUE_LENGTH"),
        ({"data.x": 1}, "Index -1 out of bounds for length 0: [data.x]"),
        ({"data_x": [2**63]}, "Numeric value (9223372036854775808) out of range of long"),
    ],
)
def test_the_reason_why_an_event_cannot_be_indexed_is_named(fields: dict[str, Any], reason: str) -> None:
    (found,) = reasons(**fields)

    assert found.startswith(reason)


def test_every_reason_is_named() -> None:
    assert len(reasons(**{"@timestamp": "no date", "a.b": 1, "_c": [[[[[[[[[[[1]]]]]]]]]]]})) == 4


def test_the_length_of_a_line_is_that_of_its_text() -> None:
    assert unindexable(EVENT, 500_000) == []
    assert unindexable(EVENT, 500_001) == ["MAX_LOG_LINE_LENGTH"]


def test_an_event_nested_deeper_than_pythons_stack_is_judged() -> None:
    nested: Any = 1
    for _ in range(100_000):
        nested = [nested]

    assert unindexable({**EVENT, "a": nested}, 1) == ["MAX_JSON_DEPTH"]


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        ({"type": "confluent_audit"}, None),
        ({"type": "confluent_audit", "tags": ["prod", 5]}, None),
        ({"type": "logzio-index-failure"}, "logzio-index-failure"),
        ({"type": "logzio-invalid-log", "tags": ["MAX_JSON_DEPTH"]}, "logzio-invalid-log, MAX_JSON_DEPTH"),
        ({"type": "confluent_audit", "tags": ["prod", "logzio-index-failure"]}, "logzio-index-failure"),
        ({"tags": "failed to parse field [a] of type [long]"}, "failed to parse field [a] of type [long]"),
    ],
)
def test_an_event_that_was_not_indexed_is_told_by_its_type_or_its_tags(
    shown: dict[str, Any], reason: str | None
) -> None:
    assert failure(shown) == reason
