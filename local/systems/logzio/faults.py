"""Requests that go wrong on demand."""

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

CALLS = (
    "whoami",
    "role-details",
    "list",
    "create",
    "get",
    "update",
    "delete",
    "search",
    "tokens",
    "plan",
    "listener",
    "any",
)
ANSWERS = {
    "429": "plain text, with `retry_after` as the header if given",
    "500": "an error of the API",
    "502": "a gateway's page",
    "503": "a gateway's page",
    "504": "a gateway's page",
    "cut": "the connection ends without an answer",
    "slow": "the right answer, `seconds` later or once the faults are forgotten",
    "late": "the right answer; the effect shows in reads only `seconds` later",
    "unknown-field": "the right answer with a field that nobody knows",
    "not-json": "the right status with a page as its body",
    "expired-token": "what an expired token gets",
    "credentials": "AWS does not know the key or role (yet)",
    "region": "the token is of an account in another region",
    "empty-prefix": "no object is under the prefix",
    "bucket-region": "the bucket is in another region than the registration says",
    "no-bucket": "S3 has no such bucket",
}
_TAKES_EFFECT = ("slow", "late", "unknown-field", "not-json")


@dataclass
class Fault:
    """What happens to the next `times` (None: all) requests of a `call`, after `skip` good ones.

    `effect`: whether the request takes effect before it goes wrong; for slow, late, unknown-field and not-json
    it always does.
    """

    call: str
    answer: str
    effect: bool = False
    times: int | None = 1
    skip: int = 0
    seconds: float = 0.0
    retry_after: int | None = None

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> "Fault":
        """From JSON.

        Raises:
            ValueError: a field, call or answer is not known.
        """
        if unknown := raw.keys() - {field.name for field in fields(cls)}:
            raise ValueError(f"unknown: {sorted(unknown)}")
        if raw.get("call") not in CALLS or raw.get("answer") not in ANSWERS:
            raise ValueError(f"call: one of {CALLS}, answer: one of {tuple(ANSWERS)}")
        fault = cls(**raw)
        if fault.answer in _TAKES_EFFECT:
            fault.effect = True
        return fault


class Faults:
    """The faults that are waiting for their requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self.cleared = threading.Event()
        """Set when the faults of now are forgotten: no slow answer waits for longer."""

    def add(self, fault: Fault) -> None:
        """Lets further requests go wrong."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Lets nothing go wrong any more, and slow answers go."""
        with self._lock:
            self._faults.clear()
            self.cleared.set()
            self.cleared = threading.Event()

    def dump(self) -> list[dict[str, Any]]:
        """Those that are still waiting."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def take(self, call: str) -> Fault | None:
        """The fault that strikes this request."""
        with self._lock:
            for fault in self._faults:
                if fault.call not in (call, "any"):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                return fault
        return None
