"""HTTP to the account API: a request with its timeouts, retries and errors."""

import email.utils
import functools
import json
import logging
import random
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import tenacity

from components.logzio import errors, redaction
from components.logzio.errors import Kind, LogzioError
from components.loopback import LOOPBACK

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
"""Seconds; Logz.io tests a registration against AWS before it answers."""

MOST_AT_ONCE = 4
"""Concurrent requests of this process. Logz.io allows 100 per account, which other clients share."""

MOST_TRIES = 8
MOST_WAITING = 60.0
"""Seconds of waiting between the attempts of a request, in total."""
LAST_TRY_AFTER = 150.0
"""Seconds after which no further attempt begins; requests that time out use them up."""

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 20.0
TRANSIENT = (429, 500, 502, 503, 504)

# Nothing was sent yet: every method may be retried.
_BEFORE_SENDING = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)

_slots = threading.BoundedSemaphore(MOST_AT_ONCE)
_log = logging.getLogger(__name__)


def client(
    url: str,
    *,
    timeout: httpx.Timeout,
    transport: httpx.BaseTransport | None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Client:
    """A client of one address of Logz.io. `transport` is for tests."""
    # A proxy from the environment is used, with TLS verified, except for this machine itself.
    trust_env = httpx.URL(url).host not in LOOPBACK
    return httpx.Client(
        base_url=url.rstrip("/"),
        headers=headers,
        timeout=timeout,
        transport=transport,
        trust_env=trust_env,
        verify=tls(trust_env=trust_env),
        # The token goes only to the configured address.
        follow_redirects=False,
    )


@functools.cache
def tls(*, trust_env: bool) -> ssl.SSLContext:
    """What a client trusts. Made once: the provider makes a client for each resource, and this took half of its CPU.

    `trust_env`: SSL_CERT_FILE and SSL_CERT_DIR of the environment count, as in httpx.
    """
    return httpx.create_ssl_context(trust_env=trust_env)


class Transport:
    """Requests to an API address with a token. Safe to share between threads.

    `check_wanted` is called before each request and raises if nobody waits for the result any more. `most_tries`: of a
    request.
    `transport`, `sleep` and `clock` are for tests.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        check_wanted: Callable[[], None] = lambda: None,
        most_tries: int = MOST_TRIES,
        transport: httpx.BaseTransport | None = None,
        timeout: httpx.Timeout = TIMEOUT,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        redaction.remember(token)
        self.sleep = sleep
        self._clock = clock
        self._check_wanted = check_wanted
        self._most_tries = most_tries
        self._http = client(
            base_url,
            timeout=timeout,
            transport=transport,
            headers={"X-API-TOKEN": token, "Accept": "application/json"},
        )

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        params: Mapping[str, int] | None = None,
        reads: bool = True,
        asks: bool = False,
    ) -> Any:
        """Sends a request, retries where that is safe, and returns the parsed answer (None unless `reads`).

        GET, PUT, DELETE and a POST that only `asks` are retried after 429, 500, 502, 503, 504 and network errors; any
        other POST only after 429 and after errors before it was sent.

        Raises:
            LogzioError: all attempts failed.
        """
        is_safe = asks or method != "POST"
        retrying = retries(
            lambda error: _may_repeat(error, is_safe=is_safe), self.sleep, self._clock, self._most_tries
        )
        return retrying(self._once, method, path, body, params, reads)

    def _once(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        params: Mapping[str, int] | None,
        reads: bool,
    ) -> Any:
        call = f"{method} {self._http.base_url.copy_with(path=path)}"
        self._check_wanted()
        try:
            with _slots:
                response = self._http.request(method, path, json=body, params=params)
        except httpx.TransportError as error:
            # Not chained: the error contains the request, and the request the token.
            raise network_error(call, error) from None
        if not response.is_success:
            raise errors.from_response(call, response, retry_after=retry_after(response))
        return _parsed(call, response) if reads else None


def retries(
    may_repeat: Callable[[BaseException], bool],
    sleep: Callable[[float], None],
    clock: Callable[[], float],
    most_tries: int = MOST_TRIES,
) -> tenacity.Retrying:
    """Retries with growing waits after LogzioErrors that `may_repeat` accepts; finally raises the last error."""
    started = clock()

    def is_enough(state: tenacity.RetryCallState) -> bool:
        return (
            state.attempt_number >= most_tries
            or state.idle_for + state.upcoming_sleep > MOST_WAITING
            or clock() - started + state.upcoming_sleep > LAST_TRY_AFTER
        )

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(may_repeat),
        wait=_wait,
        stop=is_enough,
        sleep=sleep,
        before_sleep=_report,
        reraise=True,
    )


def _may_repeat(error: BaseException, *, is_safe: bool) -> bool:
    if not isinstance(error, LogzioError):
        return False
    if error.kind is Kind.RATE_LIMIT:
        return True
    if error.kind is Kind.NETWORK and not error.effect_unknown:
        return not is_tls_refusal(error.message)
    passing = error.status is None or error.status < 300 or error.status in TRANSIENT
    return is_safe and error.effect_unknown and passing


def _wait(state: tenacity.RetryCallState) -> float:
    """Doubles from half a second, half of it random; or as long as Logz.io asks, if that is longer."""
    full = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** (state.attempt_number - 1))
    wait = full * random.uniform(0.5, 1.0)  # noqa: S311  # spreads load, guards nothing
    return max(wait, _error_of(state).retry_after or 0.0)


def _error_of(state: tenacity.RetryCallState) -> LogzioError:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, LogzioError)  # noqa: S101  # nothing else is retried
    return error


def _report(state: tenacity.RetryCallState) -> None:
    _log.info("%s; trying again in %.1f s", _error_of(state), state.upcoming_sleep)


def network_error(call: str, error: httpx.TransportError) -> LogzioError:
    """The error of a request without an answer; `call` names the request without a secret."""
    return LogzioError(
        Kind.NETWORK,
        call,
        f"{type(error).__name__}: {error}",
        hint=_TLS_HINT if is_tls_refusal(str(error)) else None,
        effect_unknown=not isinstance(error, (*_BEFORE_SENDING, httpx.UnsupportedProtocol)),
    )


_TLS_HINT = (
    "the certificate is not trusted, and verification is never switched off: if a proxy decrypts TLS, "
    "add its authority to the file that SSL_CERT_FILE names"
)


def is_tls_refusal(message: str) -> bool:
    """Whether a network error is an untrusted certificate: a retry does not help."""
    return "CERTIFICATE_VERIFY_FAILED" in message


def _parsed(call: str, response: httpx.Response) -> Any:
    try:
        return json.loads(response.content)
    except ValueError:
        raise LogzioError(
            Kind.ANSWER,
            call,
            "the answer is not JSON",
            status=response.status_code,
            effect_unknown=True,
        ) from None


def retry_after(response: httpx.Response) -> float | None:
    """Seconds of a Retry-After header, which has seconds or a date."""
    value = response.headers.get("Retry-After", "")
    if value.isdigit():
        return float(value)
    try:
        date = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (date - datetime.now(UTC)).total_seconds()) if date.tzinfo else None
