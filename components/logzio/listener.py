"""Logz.io's HTTPS listener, which receives events that a client sends.

Source: docs, "HTTP" (address, limits, answers). `Content-Encoding: gzip` is what Logz.io's own Java sender uses
(logzio-java-sender, HttpsSyncSender); it also retries after every answer except 200, 400 and 401.
"""

import gzip
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from components.logzio import redaction
from components.logzio.errors import Kind, LogzioError, shortened
from components.logzio.facts import MAX_BODY_BYTES, MAX_LINE_BYTES
from components.logzio.transport import (
    TIMEOUT,
    TRANSIENT,
    client,
    is_tls_refusal,
    network_error,
    retries,
    retry_after,
)

_REQUEST_TIMEOUT = 408


@dataclass(frozen=True)
class Receipt:
    """How many lines of a request the listener accepted, and how many it refused for which reason."""

    taken: int
    malformed: int = 0
    oversized: int = 0
    empty: int = 0

    @property
    def refused(self) -> int:
        """Lines that did not arrive."""
        return self.malformed + self.oversized + self.empty


class Listener:
    """Sends lines of JSON to an account. The token is part of the address, so errors do not show the full address.

    `url`: https://host:port. `log_type`: the type of events without a type. `transport`, `sleep` and `clock` are for
    tests.
    """

    def __init__(
        self,
        url: str,
        token: str,
        log_type: str,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        redaction.remember(token)
        self._call = f"POST {url.rstrip('/')}/"
        self._params = {"token": token, "type": log_type}
        self._sleep, self._clock = sleep, clock
        self._http = client(url, timeout=TIMEOUT, transport=transport)

    def send(self, lines: Sequence[bytes]) -> Receipt:
        """Sends lines without line breaks. A request whose answer was lost is sent again: events may arrive twice.

        Raises:
            ValueError: a line or the whole request is larger than the listener accepts.
            LogzioError: all retries failed; it is unknown whether anything arrived.
        """
        body = b"\n".join(lines)
        if len(body) > MAX_BODY_BYTES or any(len(line) > MAX_LINE_BYTES for line in lines):
            raise ValueError("larger than the listener takes")
        retrying = retries(_may_repeat, self._sleep, self._clock)
        # A fast level: events repeat themselves, so the higher levels save little.
        return retrying(self._once, gzip.compress(body, 4), len(lines))

    def _once(self, body: bytes, lines: int) -> Receipt:
        headers = {"Content-Type": "text/plain", "Content-Encoding": "gzip"}
        try:
            response = self._http.post("/", params=self._params, content=body, headers=headers)
        except httpx.TransportError as error:
            # Not chained: the error contains the request, and the request the token.
            raise network_error(self._call, error) from None
        if response.status_code == 200:
            return Receipt(lines)
        receipt = _receipt(response) if response.status_code == 400 else None
        if receipt is None:
            raise _error(self._call, response)
        return receipt


def _receipt(response: httpx.Response) -> Receipt | None:
    """The counts in an answer with status 400; None if it has no counts."""
    try:
        raw: Any = json.loads(response.content)
        return Receipt(
            taken=int(raw["successfulLines"]),
            malformed=int(raw.get("malformedLines", 0)),
            oversized=int(raw.get("oversizedLines", 0)),
            empty=int(raw.get("emptyLogLines", 0)),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _error(call: str, response: httpx.Response) -> LogzioError:
    status = response.status_code
    kinds = {401: Kind.SENDING, 403: Kind.SENDING, 429: Kind.RATE_LIMIT}
    kind = kinds.get(status, Kind.INVALID if 400 <= status < 500 else Kind.SERVER)
    if status < 400:
        kind = Kind.ANSWER
    return LogzioError(
        kind,
        call,
        shortened(response.text) or response.reason_phrase,
        status=status,
        hint=_ADDRESS_HINT if kind is Kind.ANSWER else None,
        effect_unknown=status >= 500,
        retry_after=retry_after(response),
    )


_ADDRESS_HINT = "that is not Logz.io's listener: check logzio.listenerUrl and proxies on the way"


def _may_repeat(error: BaseException) -> bool:
    if not isinstance(error, LogzioError):
        return False
    if error.kind is Kind.NETWORK:
        return not is_tls_refusal(error.message)
    return error.status in (*TRANSIENT, _REQUEST_TIMEOUT)
