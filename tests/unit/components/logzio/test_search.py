"""Questions about events and about the account, and what is made of the answers."""

from datetime import UTC, datetime
from typing import Any

import pytest

from components.logzio import redaction
from components.logzio.errors import Kind, LogzioError
from components.logzio.facts import MAX_AGGREGATED, day_offset
from components.logzio.model import Plan
from tests.unit.components.logzio.scripted import ACCOUNT, Script, ok, refusal, status

SEARCH, TOKENS = "POST /v1/search", "POST /v1/log-shipping/tokens/search"
WHO, DETAILS = "GET /v2/whoami", "GET /v1/account-management/time-based-accounts/detailed/1"
NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def aggregated(*values: str) -> dict[str, Any]:
    buckets = [{"key": value, "doc_count": 2} for value in values]
    return {"hits": {"total": 4, "hits": []}, "aggregations": {"values": {"buckets": buckets}}}


def test_ids_are_asked_for_at_once_and_those_of_events_come_back() -> None:
    script = Script((SEARCH, ok(aggregated("a", "c"))))

    assert script.client().present("id", ["a", "b", "c"], day_offset=3) == {"a", "c"}

    assert script.requests[0].url.query == b"dayOffset=3"
    assert script.bodies[0]["query"] == {"terms": {"id": ["a", "b", "c"]}}
    assert script.bodies[0]["size"] == 0


def test_more_ids_than_an_answer_can_hold_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="1001 values"):
        Script().client().present("id", [str(number) for number in range(MAX_AGGREGATED + 1)])


def test_a_question_is_asked_again_after_a_passing_fault() -> None:
    script = Script((SEARCH, status(503)), (SEARCH, ok(aggregated())))

    assert script.client().present("id", ["a"]) == set()


@pytest.mark.parametrize("total", [3, {"value": 3, "relation": "eq"}])
def test_failures_are_asked_for_by_type_and_by_tag(total: object) -> None:
    event = {"id": "x", "type": "logzio-index-failure"}
    script = Script((SEARCH, ok({"hits": {"total": total, "hits": [{"_source": event}]}})))

    found = script.client().failures()

    assert (found.total, found.seen) == (3, (event,))
    query = script.bodies[0]["query"]["query_string"]["query"]
    for mark in ('type:"logzio-index-failure"', 'tags:"logzio-index-failure"', 'type:"logzio-invalid-log"'):
        assert mark in query


def test_an_enabled_shipping_token_is_taken_and_never_shown() -> None:
    tokens = [{"token": "marker-off", "enabled": False}, {"token": "marker-shipping", "enabled": True}]
    script = Script((TOKENS, ok({"total": 2, "results": tokens})))

    assert script.client().shipping_token() == "marker-shipping"
    assert redaction.clean("?token=marker-shipping&type=x") == "?token=[redacted]&type=x"


def test_an_account_without_an_enabled_token_is_named_as_such() -> None:
    script = Script((TOKENS, ok({"total": 0, "results": []})))

    with pytest.raises(LogzioError, match="no enabled log shipping token"):
        script.client().shipping_token()


def detailed(**account: Any) -> dict[str, Any]:
    now = int(datetime.now(UTC).timestamp() * 1000)
    usage = [{"date": now, "bytes": 70}, {"date": now - 86_400_000, "bytes": 5}]
    return {"account": {"accountToken": "marker", **account}, "dailyUsagesList": {"usage": usage}}


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        ({"maxDailyGB": 5.0, "retentionDays": 7}, Plan(5.0, 7, 70)),
        ({"maxDailyGB": None, "softLimitGB": 2.0, "retentionDays": 14}, Plan(2.0, 14, 70)),
        ({"maxDailyGB": None}, Plan(None, None, 70)),
    ],
)
def test_a_plan_tells_quota_retention_and_what_is_used_today(account: dict[str, Any], expected: Plan) -> None:
    script = Script((WHO, ok(ACCOUNT)), (DETAILS, ok(detailed(**account))))

    assert script.client().plan() == expected


@pytest.mark.parametrize("answer", [refusal(403, "no"), refusal(404, "no")])
def test_a_token_of_a_sub_account_learns_no_plan(answer: Any) -> None:
    assert Script((WHO, ok(ACCOUNT)), (DETAILS, answer)).client().plan() is None


def test_another_fault_while_asking_for_the_plan_is_one() -> None:
    script = Script((WHO, ok(ACCOUNT)), *[(DETAILS, status(503))] * 8)

    with pytest.raises(LogzioError) as caught:
        script.client().plan()
    assert caught.value.kind is Kind.SERVER


@pytest.mark.parametrize(
    ("moment", "offset"),
    [
        (NOON, 0),
        (NOON.replace(day=9, hour=0), 0),
        (NOON.replace(day=8, hour=23), 1),
        (NOON.replace(day=1), 8),
        (NOON.replace(day=11), 0),
    ],
)
def test_the_two_days_of_a_search_hold_the_moment(moment: datetime, offset: int) -> None:
    assert day_offset(moment, NOON) == offset
