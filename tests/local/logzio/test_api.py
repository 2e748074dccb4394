"""The emulator's account API: as strict as its description, with faults on demand."""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.base import http
from local.systems import faults
from local.systems.logzio.search import SearchError, search
from local.systems.logzio.server import Emulator
from tests.local.logzio_support import BODY, BUCKETS, api, running


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    with running(tmp_path) as served:
        yield served


@pytest.fixture
def client(emulator: Emulator) -> Iterator[httpx.Client]:
    with api(emulator) as made:
        yield made


def test_a_registration_is_created_shown_listed_changed_and_deleted(client: httpx.Client) -> None:
    made = client.post(BUCKETS, json=BODY)
    shown = {**BODY, "id": made.json()["id"], "accessKey": None}
    path = f"{BUCKETS}/{shown['id']}"

    assert (made.status_code, made.json()) == (201, shown)
    assert client.get(path).json() == shown
    assert client.get(BUCKETS).json() == [shown]
    assert client.put(path, json={**BODY, "logsType": "other"}).status_code == 200
    assert client.get(path).json()["logsType"] == "other"
    assert client.delete(path).status_code == 200
    assert client.get(path).status_code == 404
    assert client.delete(path).status_code == 404
    assert client.put(path, json=BODY).status_code == 404


def test_omitted_fields_have_the_defaults_of_the_description(client: httpx.Client) -> None:
    made = client.post(
        BUCKETS, json={name: BODY[name] for name in ("bucket", "region", "logsType", "arn")}
    ).json()

    assert (made["prefix"], made["active"], made["addS3ObjectKeyAsLogField"]) == ("", True, False)


def test_a_secret_key_is_never_shown(client: httpx.Client, emulator: Emulator) -> None:
    body = {name: value for name, value in BODY.items() if name != "arn"}
    made = client.post(BUCKETS, json={**body, "accessKey": "AK", "secretKey": "marker-secret"})

    assert made.json()["accessKey"] == "AK"
    assert "marker" not in made.text + client.get(BUCKETS).text + str(emulator.state())


@pytest.mark.parametrize(
    "changed",
    [
        {"introduced": 1},
        {"bucket": None},
        {"bucket": ""},
        {"region": "us-west-2"},
        {"region": "EU_NORTH_1"},
        {"logsType": "two words"},
        {"active": "yes"},
        {"prefix": 1},
        {"arn": ""},
        {"accessKey": "AK", "secretKey": "SK"},
        {"arn": "", "accessKey": "AK"},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_request_against_the_description_is_refused(
    client: httpx.Client, method: str, changed: dict[str, Any]
) -> None:
    path = BUCKETS if method == "POST" else f"{BUCKETS}/{client.post(BUCKETS, json=BODY).json()['id']}"

    refused = client.request(method, path, json={**BODY, **changed})

    assert refused.status_code == 400
    assert {"errorCode", "message", "requestId", "parameters"} == refused.json().keys()


@pytest.mark.parametrize("name", ["bucket", "region", "logsType", "arn"])
def test_a_required_field_that_is_missing_is_refused(client: httpx.Client, name: str) -> None:
    assert client.post(BUCKETS, json={k: v for k, v in BODY.items() if k != name}).status_code == 400


def test_a_body_must_be_json_with_its_content_type(client: httpx.Client) -> None:
    assert client.post(BUCKETS, content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
    assert client.post(BUCKETS, content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415


def test_a_wrong_token_gets_what_logzio_answers(client: httpx.Client) -> None:
    refused = client.get("/v2/whoami", headers={"X-API-TOKEN": "wrong"})

    assert (refused.status_code, refused.json()) == (403, {"code": 403, "message": "Insufficient privileges"})


def test_another_token_in_its_file_is_accepted_from_then_on(emulator: Emulator, tmp_path: Path) -> None:
    old = api(emulator)
    (tmp_path / "logzio" / "token").write_text("rotated-token")

    assert old.get("/v2/whoami").status_code == 403
    assert api(emulator).get("/v2/whoami").json()["accountId"] > 0


def test_an_unknown_address_has_an_error_of_its_own(client: httpx.Client) -> None:
    assert client.get("/v1/nothing").json()["errorCode"] == "endpoints/UNKNOWN_ENDPOINT"


def test_the_external_id_outlives_a_restart_with_all_registrations(tmp_path: Path) -> None:
    with running(tmp_path) as first, api(first) as client:
        port, token = first.port, first.token
        client.post(BUCKETS, json=BODY)
        details = client.get(f"{BUCKETS}/aws-assume-role-details").json()
        shown = client.get(BUCKETS).json()

    with running(tmp_path, port=port) as second, api(second) as client:
        assert (second.port, second.token) == (port, token)
        assert client.get(f"{BUCKETS}/aws-assume-role-details").json() == details
        assert client.get(BUCKETS).json() == shown


def inject(client: httpx.Client, **fault: Any) -> None:
    assert client.post(faults.PATH, json=fault).status_code == 200


@pytest.mark.parametrize(
    "error",
    [
        *({"status": status} for status in (500, 502, 503, 504, 429)),
        *({"code": code} for code in ("expired-token", "credentials", "region")),
    ],
    ids=str,
)
@pytest.mark.parametrize("effect", [False, True])
def test_an_error_can_come_before_and_after_the_effect(
    client: httpx.Client, emulator: Emulator, error: dict[str, Any], effect: bool
) -> None:
    inject(client, calls=["create"], **error, effect=effect)

    assert client.post(BUCKETS, json=BODY).status_code >= 400
    assert len(emulator.state()["registrations"]) == int(effect)
    assert client.post(BUCKETS, json=BODY).status_code == 201


@pytest.mark.parametrize("effect", [False, True])
def test_a_connection_can_be_cut_before_and_after_the_effect(
    client: httpx.Client, emulator: Emulator, effect: bool
) -> None:
    inject(client, calls=["create"], answer="cut", effect=effect)

    with pytest.raises(httpx.RemoteProtocolError):
        client.post(BUCKETS, json=BODY)
    assert len(emulator.state()["registrations"]) == int(effect)


def test_too_many_requests_is_plain_text_with_the_wait_if_one_is_given(client: httpx.Client) -> None:
    inject(client, calls=["list"], status=429, retry_after=3)

    refused = client.get(BUCKETS)

    assert (refused.text, refused.headers["Retry-After"]) == ("Too Many Requests", "3")


def test_an_effect_can_show_later_than_its_answer(client: httpx.Client) -> None:
    inject(client, calls=["create"], answer="late", delay=3600)

    made = client.post(BUCKETS, json=BODY)

    assert made.status_code == 201
    assert client.get(BUCKETS).json() == []
    assert client.get(f"{BUCKETS}/{made.json()['id']}").status_code == 404


def test_a_change_can_show_later_than_its_answer(client: httpx.Client) -> None:
    path = f"{BUCKETS}/{client.post(BUCKETS, json=BODY).json()['id']}"
    inject(client, calls=["update"], answer="late", delay=3600)

    client.put(path, json={**BODY, "logsType": "other"})

    assert client.get(path).json()["logsType"] == "confluent_audit"


def test_an_answer_can_be_html_or_hold_an_unknown_field(client: httpx.Client) -> None:
    inject(client, calls=["list"], answer="not-json")
    inject(client, calls=["create"], answer="unknown-field")

    assert client.get(BUCKETS).text.startswith("<html>")
    assert "introducedLater" in client.post(BUCKETS, json=BODY).json()


def test_a_fault_hits_its_call_so_often_and_not_earlier(client: httpx.Client) -> None:
    inject(client, calls=["list"], status=503, skip=1, times=2)

    assert [client.get(path).status_code for path in ["/v2/whoami", *[BUCKETS] * 4]] == [
        200,
        200,
        503,
        503,
        200,
    ]


def test_an_endless_fault_ends_when_the_faults_are_ended(client: httpx.Client) -> None:
    inject(client, status=500, times=None)
    assert [client.get(BUCKETS).status_code for _ in range(3)] == [500] * 3

    client.delete(faults.PATH)

    assert client.get(BUCKETS).status_code == 200


@pytest.mark.parametrize(
    "fault",
    [
        {"calls": ["list"], "status": 418},
        {"calls": ["x"], "status": 500},
        {"code": "unheard-of"},
        {"answer": "hang"},
        {"caller": "writer", "status": 503},
        {"when": 1},
    ],
)
def test_an_unknown_fault_is_refused(client: httpx.Client, fault: dict[str, Any]) -> None:
    assert client.post(faults.PATH, json=fault).status_code == 400


def test_requests_are_counted_by_call_and_status(client: httpx.Client, emulator: Emulator) -> None:
    client.get(BUCKETS)
    client.get(f"{BUCKETS}/1")

    assert emulator.state()["requests"] == {"list": {"200": 1}, "get": {"404": 1}}


NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVENTS: list[dict[str, Any]] = [
    {
        "@timestamp": (NOW - timedelta(minutes=5)).isoformat(),
        "type": "confluent_audit",
        "id": "a",
        "source": "crn://x",
    },
    {
        "@timestamp": (NOW - timedelta(hours=5)).isoformat(),
        "type": "other",
        "id": "b",
        "tags": ["logzio-invalid-log"],
    },
]


def found(query: dict[str, Any]) -> list[str]:
    return [hit["_source"]["id"] for hit in search(EVENTS, {"query": query})["hits"]["hits"]]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"match_all": {}}, ["a", "b"]),
        (
            {"query_string": {"query": 'type:confluent_audit OR id:"b"', "allow_leading_wildcard": False}},
            ["a", "b"],
        ),
        ({"query_string": {"query": 'source:"crn://*"', "allow_leading_wildcard": False}}, ["a"]),
        ({"query_string": {"query": "type:other AND id:a", "allow_leading_wildcard": False}}, []),
    ],
    ids=str,
)
def test_events_are_found_by_their_fields(query: dict[str, Any], ids: list[str]) -> None:
    assert found(query) == ids


@pytest.mark.parametrize(
    "query",
    [
        {"query_string": {"query": "type:x"}},
        {"query_string": {"query": "type:*x", "allow_leading_wildcard": False}},
        {"fuzzy": {"id": "a"}},
    ],
    ids=str,
)
def test_a_search_that_logzio_or_the_emulator_does_not_know_is_refused(query: dict[str, Any]) -> None:
    with pytest.raises(SearchError):
        found(query)


def test_hits_are_counted_whatever_the_size_of_the_answer() -> None:
    answer = search(EVENTS, {"size": 1})

    assert (answer["hits"]["total"], len(answer["hits"]["hits"])) == (2, 1)


LISTENER = "/?token={token}&type=confluent_audit"


def post(emulator: Emulator, body: bytes, address: str = LISTENER, **headers: str) -> httpx.Response:
    """The answer for a sender without the account API's token."""
    url = emulator.url + address.format(token=emulator.shipping_token)
    return http.post(url, content=body, headers=headers)


def indexed(emulator: Emulator) -> list[dict[str, Any]]:
    body = {"size": 100, "query": {"match_all": {}}}
    return [hit["_source"] for hit in api(emulator).post("/v1/search", json=body).json()["hits"]["hits"]]


def test_the_listener_accepts_json_lines_with_an_empty_answer(emulator: Emulator) -> None:
    answer = post(emulator, b'{"id":"a","n":1}\n{"id":"b"}\n')

    assert (answer.status_code, answer.content) == (200, b"")
    found = {event["id"]: event for event in indexed(emulator)}
    assert found["a"].items() >= {"n": 1, "type": "confluent_audit"}.items()
    assert set(found) == {"a", "b"}


def test_a_compressed_request_is_unpacked(emulator: Emulator) -> None:
    answer = post(emulator, gzip.compress(b'{"id":"a"}'), **{"Content-Encoding": "gzip"})

    assert answer.status_code == 200
    assert [event["id"] for event in indexed(emulator)] == ["a"]


@pytest.mark.parametrize(
    ("address", "line", "expected"),
    [
        (LISTENER, b'{"type":"own"}', "own"),
        ("/?token={token}", b"{}", "http-bulk"),
    ],
)
def test_an_events_own_type_wins_and_without_any_it_is_http_bulk(
    emulator: Emulator, address: str, line: bytes, expected: str
) -> None:
    post(emulator, line, address)

    assert indexed(emulator)[0]["type"] == expected


def test_lines_that_are_not_events_are_counted_and_the_rest_accepted(emulator: Emulator) -> None:
    oversized = b'{"a":"' + b"x" * 500_000 + b'"}'

    answer = post(emulator, b"\n".join([b'{"id":"a"}', b"text", b"[1]", b"", oversized]))

    assert (answer.status_code, answer.json()) == (
        400,
        {"malformedLines": 2, "successfulLines": 1, "oversizedLines": 1, "emptyLogLines": 1},
    )
    assert len(indexed(emulator)) == 1


@pytest.mark.parametrize(
    ("address", "text"),
    [("/?type=x", "Logging token is missing"), ("/?token=wrong", "Logging token is not valid")],
)
def test_a_wrong_shipping_token_is_refused(emulator: Emulator, address: str, text: str) -> None:
    answer = post(emulator, b"{}", address)

    assert (answer.status_code, answer.text) == (401, text)


@pytest.mark.parametrize("is_compressed", [False, True])
def test_a_request_of_more_than_10_mb_is_refused_as_a_whole(emulator: Emulator, is_compressed: bool) -> None:
    line = b'{"a":"' + b"x" * 99_992 + b'"}\n'
    body = line * 105
    headers = {"Content-Encoding": "gzip"} if is_compressed else {}

    answer = post(emulator, gzip.compress(body) if is_compressed else body, **headers)

    assert len(body) > 10_485_760
    assert answer.status_code == 413
    assert indexed(emulator) == []


@pytest.mark.parametrize("effect", [False, True])
def test_the_listener_can_fail_before_or_after_it_stores_the_lines(emulator: Emulator, effect: bool) -> None:
    emulator.fail(calls=["listener"], status=503, effect=effect)

    assert post(emulator, b"{}").status_code == 503
    assert len(indexed(emulator)) == int(effect)


def test_enabled_shipping_tokens_are_shown_to_the_api_token(emulator: Emulator, client: httpx.Client) -> None:
    path = "/v1/log-shipping/tokens/search"
    (token,) = client.post(path, json={"filter": {"enabled": True}}).json()["results"]

    assert (token["token"], token["enabled"]) == (emulator.shipping_token, True)
    assert client.post(path, json={"filter": {"enabled": False}}).json()["results"] == []
    assert client.post(path, json={}).status_code == 400
    assert http.post(emulator.url + path, json={"filter": {"enabled": True}}).status_code == 403
    assert emulator.token != emulator.shipping_token


def test_an_account_shows_its_plan_and_todays_usage(emulator: Emulator, client: httpx.Client) -> None:
    path = "/v1/account-management/time-based-accounts/detailed"
    post(emulator, b'{"id":"a"}')

    summary = client.get(f"{path}/100001").json()

    assert summary["account"]["maxDailyGB"] == 5.0
    assert summary["dailyUsagesList"]["usage"][0]["bytes"] > 10
    assert client.get(f"{path}/1").status_code == 404


def found_in(events: list[dict[str, Any]], body: dict[str, Any]) -> dict[str, Any]:
    return search([{"@timestamp": "2026-03-01T00:00:00Z", **event} for event in events], body)


def test_values_are_matched_and_counted_once_each() -> None:
    events: list[dict[str, Any]] = [{"id": "a"}, {"id": "a"}, {"id": "b"}, {"id": "c"}]
    body = {
        "size": 0,
        "query": {"terms": {"id": ["a", "b", "z"]}},
        "aggs": {"values": {"terms": {"field": "id", "size": 1000}}},
    }

    answer = found_in(events, body)

    assert answer["hits"] == {"total": 3, "max_score": None, "hits": []}
    buckets = answer["aggregations"]["values"]["buckets"]
    assert [(bucket["key"], bucket["doc_count"]) for bucket in buckets] == [("a", 2), ("b", 1)]


def test_a_text_is_found_in_a_list_and_only_the_wanted_fields_are_shown() -> None:
    events: list[dict[str, Any]] = [{"id": "a", "tags": ["x", "y"], "data": 1}, {"id": "b", "tags": "x"}]
    query = {"query_string": {"query": 'tags:"y"', "allow_leading_wildcard": False}}

    answer = found_in(events, {"query": query, "_source": {"includes": ["id"]}})

    assert [hit["_source"] for hit in answer["hits"]["hits"]] == [{"id": "a"}]


@pytest.mark.parametrize(
    "aggregation",
    [
        {"terms": {"field": "id", "size": 1001}},
        {"terms": {"field": "id", "order": {}}},
        {"significant_terms": {"field": "id"}},
    ],
)
def test_an_aggregation_beyond_the_limits_is_refused(aggregation: dict[str, Any]) -> None:
    with pytest.raises(SearchError):
        found_in([], {"aggs": {"values": aggregation}})
