"""What Logz.io can index of realistic events, after Kafka's own transformations; no VM is needed."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.logzio import facts as logzio_facts
from local.proofs.generator.events import AuditEvent, events
from local.proofs.generator.unindexable import UNINDEXABLE, unindexable
from local.proofs.history.history import PIPELINE, as_archived
from local.systems.logzio.indexing import Indexer
from local.systems.logzio.store import Event, Store
from tests.local.worker.transformed import transformed, transformed_event

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONTEXT = {"id": "e", "time": "2026-03-01T12:00:00.123Z", "type": "io.confluent.cloud/request"}


class Account:
    """A Logz.io account on its first day."""

    def __init__(self, folder: Path) -> None:
        self._store = Store(folder / "store.sqlite")
        self._indexer = Indexer(self._store, lambda: START)

    def index(self, lines: Iterable[str | None]) -> list[Event]:
        """The archived lines as Logz.io indexes them."""
        return self._indexer.events("\n".join(filter(None, lines)), "confluent_audit")

    def close(self) -> None:
        self._store.close()


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    made = Account(tmp_path)
    yield made
    made.close()


def encoded(*found: Any) -> list[bytes]:
    return [json.dumps(event).encode() for event in found]


def failures(indexed: Iterable[Event]) -> list[str]:
    return [reason for event in indexed if (reason := logzio_facts.failure(event.event)) is not None]


@pytest.fixture(scope="module")
def ordinary() -> list[AuditEvent]:
    return list(events(5_000, seed=1, start=START))


def test_every_ordinary_event_is_indexed(
    tmp_path: Path, account: Account, ordinary: list[AuditEvent]
) -> None:
    lines = transformed(tmp_path, [event.encoded() for event in ordinary])

    indexed = account.index(lines)

    assert failures(indexed) == []
    assert [event.event_id for event in indexed] == [event.id for event in ordinary]
    assert [event.event["@timestamp"] for event in indexed] == [event.time for event in ordinary]
    assert [event.event["event_type"] for event in indexed] == [event.value["type"] for event in ordinary]
    assert {event.event["type"] for event in indexed} == {"confluent_audit"}


@pytest.mark.parametrize("seed", range(3))
def test_without_flattening_about_half_of_the_events_are_not_indexed(
    tmp_path: Path, account: Account, seed: int
) -> None:
    """Whichever form of the principal comes first, events with the other form fail."""
    found = [event.encoded() for event in events(2_000, seed, START)]

    reasons = failures(account.index(transformed(tmp_path, found, flatten=False)))

    assert 0.4 < len(reasons) / len(found) < 0.6
    by_field = Counter(reason.partition("[")[2].partition("]")[0] for reason in reasons)
    assert by_field.most_common(1)[0][0] == "data.authenticationInfo.principal"


def test_an_event_that_cannot_be_indexed_affects_no_other(
    tmp_path: Path, account: Account, ordinary: list[AuditEvent]
) -> None:
    """They come first, when no field has its type yet, and again in between."""
    spoilt = list(unindexable(seed=2, start=START))
    mixed = [*spoilt, *(event for pair in zip(ordinary, spoilt, strict=False) for event in pair)]

    indexed = account.index(transformed(tmp_path, [event.encoded() for event in mixed]))

    assert len(indexed) == len(mixed)
    failed = {event.line for event in indexed if logzio_facts.failure(event.event) is not None}
    assert failed == {line for line, event in enumerate(mixed) if event.kind in UNINDEXABLE}


def test_what_the_comparison_expects_in_the_archive_is_what_kafka_writes(
    tmp_path: Path, ordinary: list[AuditEvent]
) -> None:
    values = [event.value for event in [*ordinary[:1_000], *unindexable(seed=3, start=START)]]
    values += [
        {},
        {"a": {}},
        {"a": {"b": {"c": {}}, "d": [{}, {"e": {"f": 1}}]}, "g": []},
        {"a": None, "b": {"c": None}},
        {"": {"": {"": 1}}},
        {"a.b": {"c.d": 1}, "e_": {"_f": 2}},
        {"time": {"a": 1}, "type": [{"b": 2}]},
        {"a": {"b": "text"}, "a_c": True, "big": 2**63 - 1, "float": 1.5, "tiny": 1e-9},
    ]

    lines = transformed(tmp_path, encoded(*values))

    assert [json.loads(line or "") for line in lines] == [as_archived(PIPELINE, value) for value in values]


@pytest.mark.parametrize("flatten", [True, False])
def test_a_record_that_is_not_an_object_is_skipped_and_the_next_is_written(
    tmp_path: Path, flatten: bool
) -> None:
    values = [b"[1]", b'"text"', b"5", b"true", b"no JSON", b'{"id":"e"}']

    assert transformed(tmp_path, values, flatten=flatten) == [None, None, None, None, None, '{"id":"e"}']


def test_no_nested_field_can_take_the_place_of_the_timestamp(tmp_path: Path) -> None:
    event = {**CONTEXT, "@": {"timestamp": 1}, "data": {"@timestamp": 2, "time": 3, "type": 4}}

    archived = transformed_event(tmp_path, event)

    assert archived["@timestamp"] == CONTEXT["time"]
    assert archived["event_type"] == CONTEXT["type"]
    assert (archived["@_timestamp"], archived["data_@timestamp"]) == (1, 2)


def test_one_of_two_fields_whose_names_become_equal_is_kept(tmp_path: Path) -> None:
    """The originals hold both. No event of the ordinary feed has two such fields."""
    archived = transformed_event(tmp_path, {**CONTEXT, "data": {"a_b": 1, "a": {"b": 2}}})

    assert archived["data_a_b"] in (1, 2)


# Fields that clash although they are flattened, and the field to leave out. The forms of the first are in Confluent's
# documentation: its schema of audit events has principals as objects, its examples of role checks have texts. The
# others are made up, of fields for which Confluent guarantees nothing (`request.data`, `result.data`), and of an event
# of a Confluent Platform beside those of Confluent Cloud.
CLASHES = {
    "data_authorizationInfo_assignedPrincipals": (
        {"authorizationInfo": {"assignedPrincipals": ["User:u-1"]}},
        {"authorizationInfo": {"assignedPrincipals": [{"confluentUser": {"resourceId": "u-1"}}]}},
    ),
    "data_requestMetadata_clientAddress": (
        {"requestMetadata": {"clientAddress": [{"ip": "192.0.2.1"}]}},
        {"requestMetadata": {"clientAddress": "192.0.2.1"}},
    ),
    "data_result_data_id": ({"result": {"data": {"id": "env-1"}}}, {"result": {"data": {"id": 100001}}}),
    "data_result_data_version": (
        {"result": {"data": {"version": 1}}},
        {"result": {"data": {"version": 1.5}}},
    ),
    "data_result_data_enabled": (
        {"result": {"data": {"enabled": True}}},
        {"result": {"data": {"enabled": "true"}}},
    ),
}


@pytest.mark.parametrize("field", CLASHES)
def test_what_still_clashes_is_indexed_once_the_field_is_left_out(
    tmp_path: Path, account: Account, field: str
) -> None:
    found = encoded(*({**CONTEXT, "data": data} for data in CLASHES[field]))

    as_it_is = account.index(transformed(tmp_path, found))
    left_out = account.index(transformed(tmp_path, found, excludedFields=[field]))

    assert [logzio_facts.failure(event.event) is None for event in as_it_is] == [True, False]
    assert f"[{field}]" in failures(as_it_is)[0]
    assert failures(left_out) == []
    assert not any(field in event.event for event in left_out)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("User:u-1", {"confluentUser": {"resourceId": "u-1"}}),
        ({"confluentUser": {"resourceId": "u-1"}}, "User:u-1"),
        ({"confluentUser": {"resourceId": "u-1"}}, {"confluentUser": "u-1"}),
        ({}, "User:u-1"),
        (None, {"email": "someone@example.com"}),
    ],
)
def test_text_and_object_of_one_name_do_not_clash_once_they_are_flattened(
    tmp_path: Path, account: Account, first: Any, second: Any
) -> None:
    found = encoded(*({**CONTEXT, "data": {"principal": form}} for form in (first, second)))

    assert failures(account.index(transformed(tmp_path, found))) == []
