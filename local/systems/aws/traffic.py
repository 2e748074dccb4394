"""Counts the S3 requests of every identity and, on demand, lets some of them go wrong."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT_CODES = {403: "AccessDenied", 404: "NoSuchBucket", 500: "InternalError", 503: "SlowDown"}


@dataclass
class Fault:
    """S3 requests that go wrong until `times` of them did or `seconds` are over.

    Attributes:
        status: the answer's HTTP status; 0 for none: the request hangs until the fault is over.
        code: S3's error code, as in `SlowDown`.
        identity: the user or role name that it strikes; None for all.
        operations: the S3 operations that it strikes; empty for all.
    """

    status: int
    code: str
    times: int | None
    seconds: float | None
    identity: str | None
    operations: frozenset[str]
    struck: int = 0
    until: float = field(init=False)

    def __post_init__(self) -> None:
        self.until = time.monotonic() + (float("inf") if self.seconds is None else self.seconds)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> "Fault":
        """From JSON: {"status": 503, "times": 3} or {"hang": true, "seconds": 60}.

        Optional: "code", "identity", "operations".

        Raises:
            ValueError: a key is unknown, or the fault would never be over.
        """
        if unknown := raw.keys() - {"status", "hang", "code", "times", "seconds", "identity", "operations"}:
            raise ValueError(f"unknown: {sorted(unknown)}")
        status = 0 if raw.get("hang") else int(raw["status"])
        times, seconds = raw.get("times"), raw.get("seconds")
        if (times is None and seconds is None) or (status == 0 and seconds is None):
            raise ValueError("a fault needs `seconds`, or `times` unless it hangs")
        return cls(
            status=status,
            code=raw.get("code") or DEFAULT_CODES.get(status, "InternalError"),
            times=times,
            seconds=seconds,
            identity=raw.get("identity"),
            operations=frozenset(raw.get("operations", [])),
        )

    def strikes(self, identity: str, operation: str) -> bool:
        """Whether this request goes wrong; counts it if so."""
        meant = self.identity in (None, identity) and (not self.operations or operation in self.operations)
        if not meant or self.is_over():
            return False
        self.struck += 1
        return True

    def is_over(self) -> bool:
        """Whether it has struck often or long enough."""
        return time.monotonic() >= self.until or (self.times is not None and self.struck >= self.times)


class Traffic:
    """The counters and the faults of one server; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._faults: list[Fault] = []

    def count(self, identity: str, operation: str) -> Fault | None:
        """Counts a request and returns the fault that strikes it, if any."""
        with self._lock:
            self._requests[identity][operation] += 1
            return next((fault for fault in self._faults if fault.strikes(identity, operation)), None)

    def requests(self) -> dict[str, dict[str, int]]:
        """Requests by identity and S3 operation, refused ones included."""
        with self._lock:
            return {identity: dict(counter) for identity, counter in self._requests.items()}

    def add(self, fault: Fault) -> None:
        """Lets a fault begin."""
        with self._lock:
            self._faults = [*(one for one in self._faults if not one.is_over()), fault]

    def clear(self) -> None:
        """Ends all faults."""
        with self._lock:
            for fault in self._faults:
                fault.until = 0.0
            self._faults = []

    def faults(self) -> list[dict[str, Any]]:
        """The faults that are not over, with how often each has struck."""
        with self._lock:
            return [
                {"status": fault.status, "code": fault.code, "struck": fault.struck}
                for fault in self._faults
                if not fault.is_over()
            ]


def hang(fault: Fault, poll_seconds: float = 0.1) -> None:
    """Holds a request until its fault is over."""
    while not fault.is_over():
        time.sleep(poll_seconds)
