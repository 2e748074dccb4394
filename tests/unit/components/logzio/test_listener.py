"""What is sent to the listener, what is tried again, and what is never shown."""

import gzip
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from components.logzio import redaction
from components.logzio.errors import Kind, LogzioError
from components.logzio.facts import MAX_BODY_BYTES, MAX_LINE_BYTES
from components.logzio.listener import Listener, Receipt

URL, TOKEN = "https://listener.logz.io:8071", "marker-shipping-5d1c"


class Played:
    """A listener that answers from a list; what it was sent, and the waits between."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []
        self._answers = list(answers)

    def listener(self) -> Listener:
        return Listener(
            URL,
            TOKEN,
            "confluent_audit",
            transport=httpx.MockTransport(self._answer),
            sleep=self.slept.append,
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_lines_are_sent_compressed_with_token_and_type_in_the_address() -> None:
    played = Played(httpx.Response(200))

    assert played.listener().send([b'{"a":1}', b'{"b":2}']) == Receipt(2)

    (request,) = played.requests
    assert str(request.url) == f"{URL}/?token={TOKEN}&type=confluent_audit"
    assert request.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(request.content) == b'{"a":1}\n{"b":2}'
    assert "X-API-TOKEN" not in request.headers


def test_lines_that_were_refused_are_counted_by_their_cause() -> None:
    body = {"malformedLines": 2, "successfulLines": 10, "oversizedLines": 3, "emptyLogLines": 4}

    receipt = Played(httpx.Response(400, json=body)).listener().send([b"{}"] * 19)

    assert (receipt, receipt.refused) == (Receipt(10, 2, 3, 4), 9)


@pytest.mark.parametrize(
    "passing",
    [
        *(httpx.Response(code) for code in (408, 429, 500, 502, 503, 504)),
        httpx.ReadTimeout("marker"),
        httpx.ConnectError("refused"),
    ],
    ids=str,
)
def test_what_passes_is_waited_for(passing: httpx.Response | Exception) -> None:
    played = Played(passing, passing, httpx.Response(200))

    assert played.listener().send([b"{}"]).taken == 1
    assert len(played.slept) == 2


def test_a_wait_that_logzio_asks_for_is_kept() -> None:
    played = Played(httpx.Response(429, headers={"Retry-After": "30"}), httpx.Response(200))

    played.listener().send([b"{}"])

    assert played.slept[0] >= 30


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(401, text="Logging token is not valid"), Kind.SENDING),
        (httpx.Response(413), Kind.INVALID),
        (httpx.Response(400, text="bad"), Kind.INVALID),
        (httpx.Response(302, headers={"Location": "https://elsewhere"}), Kind.ANSWER),
        (httpx.ConnectError("CERTIFICATE_VERIFY_FAILED"), Kind.NETWORK),
    ],
)
def test_what_does_not_pass_is_final_at_once(answer: Any, kind: Kind) -> None:
    played = Played(answer)

    with pytest.raises(LogzioError) as caught:
        played.listener().send([b"{}"])
    assert (caught.value.kind, played.slept) == (kind, [])


@pytest.mark.parametrize(
    "fault",
    [
        lambda: httpx.ReadTimeout(f"{URL}/?token={TOKEN}"),
        lambda: httpx.Response(401, text=f"bad {TOKEN}"),
        lambda: httpx.Response(413, text=TOKEN),
    ],
)
def test_the_token_stands_in_no_error_and_no_log(
    fault: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    redaction.install()
    caplog.set_level(logging.DEBUG)

    with pytest.raises(LogzioError) as caught:
        Played(*[fault() for _ in range(8)]).listener().send([b"{}"])

    assert caught.value.__cause__ is None
    assert TOKEN not in repr(caught.value) + str(caught.value) + caplog.text
    assert "POST https://listener.logz.io:8071/" in str(caught.value)


@pytest.mark.parametrize("lines", [[b"x" * (MAX_LINE_BYTES + 1)], [b"x" * 400_000] * 27])
def test_more_than_the_listener_takes_is_a_mistake_that_is_not_sent(lines: list[bytes]) -> None:
    assert MAX_BODY_BYTES < 400_000 * 27
    played = Played()

    with pytest.raises(ValueError, match="larger than the listener takes"):
        played.listener().send(lines)
    assert played.requests == []
