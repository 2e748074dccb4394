"""Requests to a stand-in server that fail on demand: one description of a fault and one endpoint for every server.

- `POST /_faults` injects one fault, the JSON of a `Fault`. 400 says what is wrong with it.
- `DELETE /_faults` ends all faults.
- `GET /_faults` shows those that are not over.

Each answers 200 with the faults that are not over: a list of `Fault` as JSON, each with `hits`, the number of requests
that failed by it.
"""

# Only the functions of a client import httpx: it is up to a third of the start of a server that does without.
# ruff: noqa: PLC0415

import json
import threading
import time
from collections.abc import Collection, Mapping
from http import HTTPStatus
from re import Pattern
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from werkzeug.wrappers import Request, Response

PATH = "/_faults"
SCHEDULE = frozenset({"skip", "times", "seconds"})
"""Fields of `Fault` that every server understands: when it begins and ends."""


class Fault(BaseModel):
    """Which requests a fault hits, what happens to them, and when it is over.

    Attributes:
        caller: name of the user or role that sends the request; None: any.
        calls: what the request asks for, in the server's own words (`UploadPart`, `create`); empty: anything.
        request: a regular expression that is searched for in `METHOD path?query`; None: any.
        skip: how many of these requests pass before the first is hit.
        answer: what happens.
            error: the answer is an error, see `status` and `code`.
            hang: no answer until the fault is over, then an error.
            cut: the connection ends without an answer.
            slow: the right answer after `delay`, or as soon as the faults are ended.
            late: the right answer; reads show the effect only after `delay`.
            unknown-field: the right answer with a field that is not in the API's description.
            not-json: the right status with an HTML page as its body.
        status: the HTTP status of the error.
        code: the error's name, for servers that have several with one status.
        effect: whether the request takes effect before its error; it always does in slow, late, unknown-field
            and not-json.
        delay: seconds, for slow and late.
        retry_after: seconds, for the header of an error.
        times: over after so many requests; None: as many as come.
        seconds: over after so many seconds; None: when the faults are ended.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    caller: str | None = None
    calls: tuple[str, ...] = ()
    request: Pattern[str] | None = None
    skip: int = Field(0, ge=0)
    answer: Literal["error", "hang", "cut", "slow", "late", "unknown-field", "not-json"] = "error"
    status: int | None = Field(None, ge=400, le=599)
    code: str | None = None
    effect: bool = False
    delay: float = 0.0
    retry_after: int | None = None
    times: int | None = Field(1, ge=1)
    seconds: float | None = None

    @property
    def takes_effect(self) -> bool:
        """Whether the server does what the request asks for."""
        return self.effect or self.answer in ("slow", "late", "unknown-field", "not-json")

    def matches(self, caller: str | None, call: str, line: str) -> bool:
        """Whether a request of this kind is meant."""
        return (
            self.caller in (None, caller)
            and (not self.calls or call in self.calls)
            and (self.request is None or self.request.search(line) is not None)
        )


class Injected:
    """A fault that was injected into a server."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.hits = 0
        self._seen = 0
        self._ended = threading.Event()
        self._until = None if fault.seconds is None else time.monotonic() + fault.seconds

    def hits_next(self) -> bool:
        """Whether the fault hits the next request that matches; counts the request."""
        if self.is_over():
            return False
        self._seen += 1
        if self._seen <= self.fault.skip:
            return False
        self.hits += 1
        return True

    def is_over(self) -> bool:
        """Whether its `times` or `seconds` are over, or it was ended."""
        times = self.fault.times
        return self._ended.is_set() or self._remaining() == 0 or (times is not None and self.hits >= times)

    def end(self) -> None:
        """Ends it, and every `wait` and `hang`."""
        self._ended.set()

    def wait(self) -> None:
        """Waits for the fault's `delay`, or until it is ended."""
        self._ended.wait(self.fault.delay)

    def hang(self) -> None:
        """Waits until the fault's `seconds` are over, or until it is ended."""
        self._ended.wait(self._remaining())

    def _remaining(self) -> float | None:
        return None if self._until is None else max(0.0, self._until - time.monotonic())


class Faults:
    """The faults of one server; safe to use from many threads."""

    def __init__(self, accepts: Mapping[str, Collection[Any] | None]) -> None:
        """`accepts`: the fields of `Fault` that the server understands, beside SCHEDULE, with their values (None: any).

        Without `answer` the server knows errors only.
        """
        self._accepts = accepts
        self._lock = threading.Lock()
        self._injected: list[Injected] = []

    def inject(self, fault: Fault) -> None:
        """Adds a fault; of several that match a request, the first one hits it.

        Raises:
            ValueError: the server does not understand a field or a value.
        """
        if foreign := fault.model_fields_set - self._accepts.keys() - SCHEDULE:
            raise ValueError(
                f"this server does not understand {sorted(foreign)}, only {sorted(self._accepts)}"
            )
        for name, accepted in self._accepts.items():
            value = getattr(fault, name)
            values = value if isinstance(value, tuple) else (value,)
            if name in fault.model_fields_set and accepted is not None and not set(values) <= set(accepted):
                raise ValueError(f"{name} is {value}; accepted: {sorted(accepted)}")
        if fault.answer == "error" and fault.status is None and fault.code is None:
            raise ValueError("an error needs a `status` or a `code`")
        with self._lock:
            self._injected.append(Injected(fault))

    def clear(self) -> None:
        """Ends all faults."""
        with self._lock:
            for injected in self._injected:
                injected.end()
            self._injected.clear()

    def hit(self, *, caller: str | None = None, call: str = "", line: str = "") -> Injected | None:
        """The fault that hits this request, if any. `line`: `METHOD path?query`."""
        with self._lock:
            return next(
                (
                    injected
                    for injected in self._injected
                    if injected.fault.matches(caller, call, line) and injected.hits_next()
                ),
                None,
            )

    def current(self) -> list[dict[str, Any]]:
        """The faults that are not over, as the endpoint shows them."""
        with self._lock:
            return [
                {**injected.fault.model_dump(mode="json"), "hits": injected.hits}
                for injected in self._injected
                if not injected.is_over()
            ]

    def respond(self, request: Request) -> Response:
        """The answer to a request to PATH."""
        if request.method == "DELETE":
            self.clear()
        elif request.method == "POST":
            try:
                self.inject(Fault.model_validate_json(request.get_data()))
            except ValueError as error:
                return Response(str(error), HTTPStatus.BAD_REQUEST, mimetype="text/plain")
        return Response(json.dumps(self.current()), mimetype="application/json")


def inject(url: str, fault: Fault) -> None:
    """Injects a fault into the server at `url`."""
    from local.base import http

    content = fault.model_dump(mode="json", exclude_unset=True)
    http.post(f"{url}{PATH}", json=content).raise_for_status()


def clear(url: str) -> None:
    """Ends all faults of the server at `url`."""
    from local.base import http

    http.delete(f"{url}{PATH}").raise_for_status()


def current(url: str) -> list[dict[str, Any]]:
    """The faults of the server at `url` that are not over, each with `hits`."""
    from local.base import http

    found: list[dict[str, Any]] = http.get(f"{url}{PATH}").raise_for_status().json()
    return found
