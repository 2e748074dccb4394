"""The sample events have the shapes that Confluent documents."""

import ipaddress
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from local.demo.events import KINDS, AuditEvent, events

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DOCUMENTATION = [
    ipaddress.ip_network(network)
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]


@pytest.fixture(scope="module")
def sample() -> list[AuditEvent]:
    return list(events(1000, seed=1, start=START))


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((_depth(inner) for inner in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((_depth(inner) for inner in value), default=0)
    return 0


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
        assert re.fullmatch(
            r"io\.confluent\.(kafka\.server/(authentication|authorization|request)|cloud/request)",
            value["type"],
        )
        assert value["source"].startswith("crn://confluent.cloud/")
        assert value["subject"].startswith("crn://confluent.cloud/organization=")
        assert {"serviceName", "methodName", "resourceName", "authenticationInfo", "request"} <= set(
            value["data"]
        )


def test_times_are_rfc_3339_and_go_up(sample: list[AuditEvent]) -> None:
    times = [datetime.fromisoformat(event.time) for event in sample]
    assert all(
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.(\d{3}|\d{9})Z", event.time) for event in sample
    )
    # Some are cut to milliseconds, so two neighbours may stand in the other order within one.
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


def test_events_keep_to_what_logzio_takes(sample: list[AuditEvent]) -> None:
    """Nesting of at most 10 levels, no dots at a field name's ends; sizes as in a real organisation."""
    sizes = [len(event.encoded()) for event in sample]
    assert max(_depth(event.value) for event in sample) < 10
    assert 1000 < min(sizes) < 1600
    assert 1700 < max(sizes) < 2500


def test_addresses_are_those_kept_for_documentation(sample: list[AuditEvent]) -> None:
    found = {ipaddress.ip_address(address) for event in sample for address in _addresses(event.value)}
    assert len(found) > 100
    assert all(any(address in network for network in DOCUMENTATION) for address in found)


def test_text_beyond_ascii_occurs(sample: list[AuditEvent]) -> None:
    assert any(not event.encoded().isascii() for event in sample)
