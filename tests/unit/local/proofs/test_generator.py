"""The sample events have the shapes that Confluent documents."""

import ipaddress
import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median
from typing import Any

import pytest

from components.logzio import facts as logzio_facts
from components.logzio.facts import MAPPED_FIELDS
from local.proofs.generator.events import KINDS, AuditEvent, events
from local.proofs.generator.unindexable import UNINDEXABLE, unindexable
from local.proofs.history.history import PIPELINE, as_archived

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DOCUMENTATION = [
    ipaddress.ip_network(network)
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]


@pytest.fixture(scope="module")
def sample() -> list[AuditEvent]:
    return list(events(1000, seed=1, start=START))


def _values(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _values(inner)


def _leaves(event: dict[str, Any]) -> int:
    """How many fields hold something other than an object."""
    return sum(_leaves(value) if isinstance(value, dict) else 1 for value in event.values())


def _names(found: Iterable[AuditEvent]) -> set[str]:
    return {name for event in found for name in _below(as_archived(PIPELINE, event.value), "")}


def _below(value: Any, path: str) -> Iterator[str]:
    """The names that Logz.io maps: of each value, through lists."""
    for inner in value if isinstance(value, list) else [value]:
        if isinstance(inner, dict):
            for name, deeper in inner.items():
                yield from _below(deeper, f"{path}.{name}" if path else name)
        elif inner is not None:
            yield path


def _addresses(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "ip":
                yield inner
            else:
                yield from _addresses(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _addresses(inner)


def test_the_same_seed_makes_the_same_events(sample: list[AuditEvent]) -> None:
    assert [event.encoded() for event in events(1000, 1, START)] == [event.encoded() for event in sample]


def test_another_seed_makes_other_ids(sample: list[AuditEvent]) -> None:
    others = {event.id for event in events(1000, 2, START)}
    assert len(others) == 1000
    assert others.isdisjoint(event.id for event in sample)


def test_every_id_is_unique(sample: list[AuditEvent]) -> None:
    assert len({event.id for event in sample}) == 1000


def test_every_kind_occurs(sample: list[AuditEvent]) -> None:
    assert {event.kind for event in sample} == set(KINDS)


def test_an_event_is_a_cloud_event_with_confluents_type_and_source(sample: list[AuditEvent]) -> None:
    for event in sample:
        value = json.loads(event.encoded())
        assert value["specversion"] == "1.0"
        assert value["datacontenttype"] == "application/json"
        assert value["id"] == event.id
        assert value["time"] == event.time
        assert re.fullmatch(r"io\.confluent\.[\w.]+(/[\w-]+)?", value["type"])
        assert value["source"].startswith("crn://confluent.cloud/")
        assert value["subject"]
        assert isinstance(value["data"], dict)


def test_each_type_of_audit_event_occurs(sample: list[AuditEvent]) -> None:
    assert {event.value["type"] for event in sample} == {
        "io.confluent.kafka.server/authentication",
        "io.confluent.kafka.server/authorization",
        "io.confluent.kafka.server/request",
        "io.confluent.sg.server/authentication",
        "io.confluent.sg.server/request",
        "io.confluent.cloud/request",
        "io.confluent.cloud/access-transparency",
        "io.confluent.logevents.connect.TaskFailed",
    }


def test_each_form_of_a_principal_occurs_in_both_spellings(sample: list[AuditEvent]) -> None:
    """Those of Confluent's schema (version 1.2) and examples."""
    forms: set[object] = set()
    for event in sample:
        data = event.value["data"]
        found = data.get("authenticationInfo") or data.get("authentication_info") or {}
        principal = found.get("principal")
        forms.add(frozenset(principal) if isinstance(principal, dict) else type(principal))
    assert forms == {
        # None where there is no principal at all, in an event log; an empty object where a login failed.
        type(None),
        str,
        frozenset(),
        frozenset({"confluentUser"}),
        frozenset({"email", "confluentUser"}),
        frozenset({"email"}),
        frozenset({"confluent_user"}),
        frozenset({"confluentServiceAccount"}),
        frozenset({"identityPool"}),
        frozenset({"group"}),
        frozenset({"externalAccount"}),
        frozenset({"confluentInternal"}),
    }


def test_nulls_empty_objects_and_lists_of_each_kind_occur(sample: list[AuditEvent]) -> None:
    values = [value for event in sample for value in _values(event.value)]
    assert None in values
    assert {} in values
    assert [] in values
    assert any(isinstance(value, list) and value and isinstance(value[0], str) for value in values)
    assert any(isinstance(value, list) and value and isinstance(value[0], dict) for value in values)


def test_times_are_rfc_3339_and_go_up(sample: list[AuditEvent]) -> None:
    times = [datetime.fromisoformat(event.time) for event in sample]
    forms = {re.sub(r"\d", "0", event.time) for event in sample}
    assert {
        "0000-00-00T00:00:00.000Z",
        "0000-00-00T00:00:00.000000000Z",
        "0000-00-00T00:00:00.000000Z",
        "0000-00-00T00:00:00.000000+00:00",
        "0000-00-00T00:00:00.000000-00:00",
    } == forms
    # Some are cut to milliseconds, so two neighbours may be in the other order within one.
    assert all((later - earlier).total_seconds() > -0.001 for earlier, later in pairwise(times))
    assert times[0] > START


def test_a_denied_authorization_says_so(sample: list[AuditEvent]) -> None:
    granted = {
        event.kind: event.value["data"]["authorizationInfo"]["granted"]
        for event in sample
        if event.kind.startswith("authorization")
    }
    assert granted == {"authorization granted": True, "authorization denied": False}


def test_a_failed_authentication_names_no_principal(sample: list[AuditEvent]) -> None:
    failed = [event.value["data"] for event in sample if event.kind == "authentication failure"]
    assert {data["result"]["status"] for data in failed} == {"UNAUTHENTICATED"}
    assert all(data["authenticationInfo"]["principal"] == {} for data in failed)


def test_sizes_are_those_of_a_real_organisation(sample: list[AuditEvent]) -> None:
    sizes = [len(event.encoded()) for event in sample]
    assert 500 < min(sizes) < 1000 < median(sizes) < 2000 < max(sizes) < 2500


def test_logzio_can_index_each_event_by_itself(sample: list[AuditEvent]) -> None:
    for event in sample:
        assert logzio_facts.unindexable(as_archived(PIPELINE, event.value), len(event.encoded())) == []


def test_no_two_fields_of_an_event_get_one_name(sample: list[AuditEvent]) -> None:
    """Flattening would keep one of them."""
    for event in sample:
        assert len(as_archived(PIPELINE, event.value)) == _leaves(event.value)


def test_a_week_makes_far_fewer_field_names_than_logzio_maps() -> None:
    """A week has more events; their names are all there after a few thousand of them."""
    few, many = (_names(events(count, seed=5, start=START)) for count in (5_000, 20_000))
    assert few == many
    assert len(many) < 200 < MAPPED_FIELDS


def test_each_event_of_the_other_feed_breaks_the_rule_that_it_is_named_after() -> None:
    spoilt = list(unindexable(seed=1, start=START))
    assert tuple(event.kind for event in spoilt) == UNINDEXABLE
    for event in spoilt:
        line = json.dumps(as_archived(PIPELINE, event.value))
        assert len(logzio_facts.unindexable(json.loads(line), len(line))) == 1, event.kind


def test_addresses_are_those_kept_for_documentation(sample: list[AuditEvent]) -> None:
    found = {ipaddress.ip_address(address) for event in sample for address in _addresses(event.value)}
    assert len(found) > 100
    assert all(any(address in network for network in DOCUMENTATION) for address in found)


def test_text_beyond_ascii_occurs(sample: list[AuditEvent]) -> None:
    assert any(not event.encoded().isascii() for event in sample)
