"""An account API that answers from a list, and time that passes only when somebody sleeps."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import httpx

from components.logzio.client import LogzioClient
from components.logzio.model import Registration
from components.logzio.transport import Transport

URL = "https://api.logz.io"
TOKEN = "marker-token-7f3a"
BUCKETS = "/v1/log-shipping/s3-buckets"
ROLE = "arn:aws:iam::123456789012:role/reader"
WANTED = Registration("archive", "US_WEST_2", "confluent_audit", "topics/audit/partition=0/", role_arn=ROLE)
INPUTS: dict[str, Any] = {
    "base_url": "https://api.logz.io",
    "bucket": "archive",
    "prefix": "topics/audit/partition=0/",
    "region": "us-west-2",
    "log_type": "confluent_audit",
    "active": True,
    "add_object_key": False,
    "adopt_existing": False,
    "role_arn": ROLE,
}
"""The inputs of a registration's resource."""

ACCOUNT = {"accountId": 1, "accountName": "a"}

Answer = httpx.Response | Exception


def shown(id_: int, **changed: Any) -> dict[str, Any]:
    """What the API shows of WANTED."""
    return {
        "id": id_,
        "accessKey": None,
        "logsType": "confluent_audit",
        "bucket": "archive",
        "prefix": "topics/audit/partition=0/",
        "active": True,
        "region": "US_WEST_2",
        "arn": ROLE,
        "addS3ObjectKeyAsLogField": False,
        **changed,
    }


def ok(body: Any, status: int = 200) -> httpx.Response:
    """A good answer."""
    return httpx.Response(status, json=body)


def status(code: int, text: str = "", **headers: str) -> httpx.Response:
    """An answer that is only a status, perhaps with a text."""
    return httpx.Response(code, text=text, headers=headers)


def refusal(code: int, message: str) -> httpx.Response:
    """An error in the API's form."""
    body = {"errorCode": "some/CODE", "message": message, "requestId": "request-1", "parameters": {}}
    return httpx.Response(code, json=body)


class Script:
    """Answers the requests of one test in order; `calls` keeps them, `slept` the waits between them."""

    def __init__(self, *steps: tuple[str, Answer]) -> None:
        self.calls: list[str] = []
        self.bodies: list[Any] = []
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []
        self._steps = list(steps)
        self._now = 0.0

    def transport(self, *, url: str = URL, **options: Any) -> Transport:
        """What speaks to it."""
        return Transport(
            url,
            TOKEN,
            transport=httpx.MockTransport(self._answer),
            sleep=self._sleep,
            clock=lambda: self._now,
            **options,
        )

    def client(self) -> LogzioClient:
        """A client that speaks to it."""
        return LogzioClient(self.transport())

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._now += seconds

    def _answer(self, request: httpx.Request) -> httpx.Response:
        call = f"{request.method} {request.url.path}"
        self.calls.append(call)
        self.requests.append(request)
        self.bodies.append(json.loads(request.content) if request.content else None)
        assert self._steps, f"one request too many: {call}"
        expected, answer = self._steps.pop(0)
        assert call == expected
        if isinstance(answer, Exception):
            raise answer
        return answer

    def assert_played(self) -> None:
        """No step is left."""
        assert self._steps == []


def always(
    answer: Callable[[httpx.Request], httpx.Response], **options: Any
) -> tuple[Transport, list[float]]:
    """A transport to an API that always does the same, and the waits."""
    slept: list[float] = []
    return Transport(URL, TOKEN, transport=httpx.MockTransport(answer), sleep=slept.append, **options), slept


def repeated(call: str, answers: Sequence[Answer]) -> list[tuple[str, Answer]]:
    """The same call, answered one way after the other."""
    return [(call, answer) for answer in answers]
