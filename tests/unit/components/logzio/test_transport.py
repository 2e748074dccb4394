import logging
import ssl
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from components.logzio.errors import Kind, LogzioError
from components.logzio.transport import (
    LAST_TRY_AFTER,
    MOST_AT_ONCE,
    MOST_TRIES,
    MOST_WAITING,
    TIMEOUT,
    Transport,
    tls,
)
from tests.unit.components.logzio.scripted import (
    BUCKETS,
    TOKEN,
    URL,
    Script,
    always,
    ok,
    refusal,
    repeated,
    status,
)

REPEATED = [429, 500, 502, 503, 504]
LOST = [
    httpx.ReadTimeout("t"),
    httpx.ReadError("cut"),
    httpx.RemoteProtocolError("cut"),
    httpx.WriteError("cut"),
]
UNSENT = [httpx.ConnectError("refused"), httpx.ConnectTimeout("t"), httpx.PoolTimeout("t")]


@pytest.mark.parametrize("code", REPEATED)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_repeatable_call_is_retried_after_a_temporary_failure(method: str, code: int) -> None:
    script = Script(*repeated(f"{method} {BUCKETS}", [status(code), ok({})]))

    assert script.transport().call(method, BUCKETS) == {}
    script.assert_played()


@pytest.mark.parametrize("error", [*LOST, *UNSENT], ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_repeatable_call_is_retried_after_a_network_error(method: str, error: Exception) -> None:
    script = Script(*repeated(f"{method} {BUCKETS}", [error, ok({})]))

    assert script.transport().call(method, BUCKETS) == {}
    script.assert_played()


@pytest.mark.parametrize("answer", [status(429, "Too Many Requests"), *UNSENT], ids=repr)
def test_a_post_without_effect_is_retried(answer: httpx.Response | Exception) -> None:
    script = Script(*repeated(f"POST {BUCKETS}", [answer, ok({}, 201)]))

    assert script.transport().call("POST", BUCKETS, {}) == {}
    script.assert_played()


@pytest.mark.parametrize("answer", [*(status(code) for code in REPEATED[1:]), *LOST], ids=repr)
def test_a_post_that_may_have_taken_effect_is_not_repeated(answer: httpx.Response | Exception) -> None:
    script = Script((f"POST {BUCKETS}", answer))

    with pytest.raises(LogzioError) as caught:
        script.transport().call("POST", BUCKETS, {})
    assert caught.value.effect_unknown
    assert len(script.calls) == 1


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 422, 501])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
def test_a_refusal_is_final_at_once(method: str, code: int) -> None:
    script = Script((f"{method} {BUCKETS}", refusal(code, "no")))

    with pytest.raises(LogzioError):
        script.transport().call(method, BUCKETS)
    assert script.slept == []


def test_waits_double_and_are_spread_by_chance() -> None:
    transport, slept = always(lambda _: httpx.Response(503))

    with pytest.raises(LogzioError):
        transport.call("GET", BUCKETS)

    assert len(slept) == MOST_TRIES - 1
    for number, wait in enumerate(slept):
        full = min(20.0, 0.5 * 2**number)
        assert full / 2 <= wait <= full
    assert sum(slept) <= MOST_WAITING


def test_two_waits_of_the_same_number_differ() -> None:
    firsts = set()
    for _ in range(5):
        transport, slept = always(lambda _: httpx.Response(503))
        with pytest.raises(LogzioError):
            transport.call("GET", BUCKETS)
        firsts.add(slept[0])
    assert len(firsts) > 1


def test_the_wait_that_the_api_asks_for_is_kept() -> None:
    script = Script(
        *repeated(f"GET {BUCKETS}", [status(429, "Too Many Requests", **{"Retry-After": "7"}), ok([])])
    )

    script.transport().call("GET", BUCKETS)

    assert script.slept == [7.0]


def test_the_wait_that_the_api_asks_for_may_be_a_date() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=50), usegmt=True)
    script = Script(*repeated(f"GET {BUCKETS}", [status(503, **{"Retry-After": date}), ok([])]))

    script.transport().call("GET", BUCKETS)

    assert 20 < script.slept[0] <= 50


def test_a_caller_that_cannot_wait_tries_once() -> None:
    asked = []

    def busy(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(503)

    transport = Transport(URL, TOKEN, most_tries=1, transport=httpx.MockTransport(busy))

    with pytest.raises(LogzioError):
        transport.call("GET", BUCKETS)
    assert len(asked) == 1


def test_nobody_waits_for_longer_than_a_minute() -> None:
    script = Script((f"GET {BUCKETS}", status(429, "Too Many Requests", **{"Retry-After": "3600"})))

    with pytest.raises(LogzioError) as caught:
        script.transport().call("GET", BUCKETS)
    assert script.slept == []
    assert caught.value.kind is Kind.RATE_LIMIT


def test_requests_that_time_out_are_not_repeated_for_ever() -> None:
    now = [0.0]

    def time_out(_: httpx.Request) -> httpx.Response:
        now[0] += 60
        raise httpx.ReadTimeout("t")

    transport = Transport(
        URL, TOKEN, transport=httpx.MockTransport(time_out), sleep=lambda _: None, clock=lambda: now[0]
    )
    with pytest.raises(LogzioError):
        transport.call("GET", BUCKETS)
    assert now[0] - 60 < LAST_TRY_AFTER


def test_a_connection_has_ten_seconds_and_an_answer_sixty() -> None:
    assert (TIMEOUT.connect, TIMEOUT.read) == (10.0, 60.0)


def test_no_more_than_four_requests_are_under_way_at_once() -> None:
    lock, full = threading.Lock(), threading.Barrier(MOST_AT_ONCE)
    under_way, most = 0, 0

    def slow(_: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        # The first four wait for each other here, so that four are proven to be possible.
        full.wait(timeout=600)
        with lock:
            under_way -= 1
        return httpx.Response(200, json={})

    transports = [always(slow)[0] for _ in range(3)]
    threads = [
        threading.Thread(target=transports[number % 3].call, args=("GET", BUCKETS))
        for number in range(3 * MOST_AT_ONCE)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == MOST_AT_ONCE == 4


def test_a_token_goes_into_its_header_and_nowhere_else() -> None:
    script = Script((f"GET {BUCKETS}", ok([])))

    script.transport().call("GET", BUCKETS)

    request = script.requests[0]
    assert request.headers["X-API-TOKEN"] == TOKEN
    assert TOKEN not in str(request.url)


def test_a_redirect_is_not_followed_as_the_token_would_go_with_it() -> None:
    script = Script((f"GET {BUCKETS}", status(302, Location="https://elsewhere.example/")))

    with pytest.raises(LogzioError) as caught:
        script.transport().call("GET", BUCKETS)
    assert caught.value.kind is Kind.ANSWER
    assert len(script.calls) == 1


def test_an_untrusted_certificate_is_told_at_once_and_never_accepted() -> None:
    error = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")
    script = Script((f"GET {BUCKETS}", error))

    with pytest.raises(LogzioError, match="SSL_CERT_FILE"):
        script.transport().call("GET", BUCKETS)
    assert script.slept == []


def test_an_answer_that_is_no_json_is_asked_for_again() -> None:
    script = Script(*repeated(f"GET {BUCKETS}", [httpx.Response(200, text="<html>"), ok([])]))

    assert script.transport().call("GET", BUCKETS) == []


def test_an_answer_that_is_never_json_is_named_as_such() -> None:
    transport, _ = always(lambda _: httpx.Response(200, text="<html>"))

    with pytest.raises(LogzioError, match="not JSON") as caught:
        transport.call("GET", BUCKETS)
    assert caught.value.kind is Kind.ANSWER


def test_the_body_of_a_write_is_not_looked_at_when_nothing_is_read_from_it() -> None:
    script = Script((f"DELETE {BUCKETS}", httpx.Response(200, text="<html>")))

    assert script.transport().call("DELETE", BUCKETS, reads=False) is None


def test_nothing_is_sent_any_more_when_nobody_waits_for_it() -> None:
    script = Script((f"GET {BUCKETS}", status(503)))
    wanted = iter([True, False])

    def check() -> None:
        if not next(wanted):
            raise InterruptedError

    with pytest.raises(InterruptedError):
        script.transport(check_wanted=check).call("GET", BUCKETS)
    assert len(script.calls) == 1


def test_each_retry_is_logged_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    script = Script(*repeated(f"GET {BUCKETS}", [status(503), ok([])]))

    with caplog.at_level(logging.INFO, logger="components.logzio"):
        script.transport().call("GET", BUCKETS)

    assert "HTTP 503" in caplog.text
    assert "trying again" in caplog.text


def test_all_transports_of_a_process_read_the_trusted_authorities_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[ssl.SSLContext] = []

    def make(*, trust_env: bool) -> ssl.SSLContext:
        assert trust_env
        made.append(ssl.create_default_context())
        return made[0]

    tls.cache_clear()
    monkeypatch.setattr(httpx, "create_ssl_context", make)
    try:
        for _ in range(3):
            Transport("https://api.logz.io", TOKEN)
    finally:
        tls.cache_clear()

    assert len(made) == 1
