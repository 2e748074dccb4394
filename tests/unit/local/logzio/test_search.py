"""A search reads only the events that it can find: a store may have a million."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.systems.logzio.search import needed_texts, search
from local.systems.logzio.store import Event, Store

EVENTS: list[dict[str, Any]] = [
    {"@timestamp": f"2026-11-27T10:00:0{number}Z", "id": id_, "type": kind, "tags": tags}
    for number, (id_, kind, tags) in enumerate(
        [
            ("a-1", "audit", ["_failed"]),
            ('a-"2"', "audit", []),
            ("b-1", "Prüfung", ["_failed"]),
            ("A-1", "other", []),
        ]
    )
]


def query(text: str) -> dict[str, Any]:
    return {"query": {"query_string": {"query": text, "allow_leading_wildcard": False}}}


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        (query('id:"a-1"'), ["a-1"]),
        (query("id:a-*"), ["a-"]),
        (query('type:"Prüfung" AND tags:_failed'), ["Pr\\u00fcfung", "_failed"]),
        # What follows a quote that the value itself has is left out.
        (query(r'id:"a-\"2\""'), ["a-"]),
        # One of the two is enough.
        (query('id:"a-1" OR id:"b-1"'), []),
        ({"query": {"match_all": {}}}, []),
        ({"query": {"terms": {"id": ["a-1"]}}}, []),
        ({}, []),
    ],
)
def test_what_each_event_that_is_found_contains(
    tmp_path: Path, body: dict[str, Any], texts: list[str]
) -> None:
    store = Store(tmp_path / "store.sqlite")
    store.add_sent([Event(number, event["id"], event) for number, event in enumerate(EVENTS)])

    assert needed_texts(body) == texts
    assert search(store.events_since(0, texts), body) == search(EVENTS, body)
    store.close()


def test_the_other_events_are_not_read(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite")
    store.add_sent([Event(number, event["id"], event) for number, event in enumerate(EVENTS)])

    assert [event["id"] for event in store.events_since(0, ["a-1"])] == ["a-1"]
    assert [event["id"] for event in store.events_since(0, [json.dumps("Prüfung")[1:-1], "_failed"])] == [
        "b-1"
    ]
    assert len(list(store.events_since(0))) == len(EVENTS)
    store.close()


@pytest.mark.parametrize("body", [{"query": "text"}, {"query": {"query_string": "text"}}])
def test_what_is_no_query_needs_no_text(body: dict[str, Any]) -> None:
    assert needed_texts(body) == []
