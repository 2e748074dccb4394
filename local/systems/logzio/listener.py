"""The HTTPS listener: what it takes, what it refuses. Source: docs, "HTTP"; the limits are checked before indexing."""

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime

from components.logzio.facts import MAX_BODY_BYTES, MAX_LINE_BYTES
from local.base.objects import UnreadableError, gunzip, json_object
from local.systems.logzio.indexing import Indexer
from local.systems.logzio.store import Event

_DEFAULT_TYPE = "http-bulk"


class RefusedError(Exception):
    """The whole request is refused; the message is the answer's body."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


@dataclass(frozen=True)
class Taken:
    """The events of a request, and how many of its lines were none."""

    events: tuple[Event, ...]
    malformed: int = 0
    oversized: int = 0
    empty: int = 0

    @property
    def answer(self) -> tuple[int, dict[str, int] | None]:
        """Status and body."""
        if not self.malformed + self.oversized + self.empty:
            return 200, None
        return 400, {
            "malformedLines": self.malformed,
            "successfulLines": len(self.events),
            "oversizedLines": self.oversized,
            "emptyLogLines": self.empty,
        }


def check_token(given: str | None, right: str) -> None:
    """Raises RefusedError unless it is the account's."""
    if not given:
        raise RefusedError(401, "Logging token is missing")
    if given != right:
        raise RefusedError(401, "Logging token is not valid")


def take(body: bytes, encoding: str | None, log_type: str | None, indexer: Indexer) -> Taken:
    """The events of a request, as the account's index shows them.

    Raises:
        RefusedError: it is too large, or not what its header says.
    """
    if encoding == "gzip":
        try:
            body = gunzip(body)
        except UnreadableError as error:
            raise RefusedError(400, f"not readable as gzip: {error}") from None
    # Documented of the body; here of the lines too, as nothing says that compression raises the limit.
    if len(body) > MAX_BODY_BYTES:
        raise RefusedError(413, "Request Entity Too Large")
    arrived_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    by_type: dict[str, list[str]] = defaultdict(list)
    counts = {"malformed": 0, "oversized": 0, "empty": 0}
    for line in body.removesuffix(b"\n").split(b"\n"):
        problem = _problem(line)
        if problem is not None:
            counts[problem] += 1
            continue
        # The page's own examples have no time, and are "received and validated".
        event = {"@timestamp": arrived_at, **json.loads(line)}
        # "Type field in the log overrides the `type` in the request header."
        own = event.get("type")
        by_type[own if isinstance(own, str) else log_type or _DEFAULT_TYPE].append(json.dumps(event))
    events = [
        event for of_type, lines in by_type.items() for event in indexer.events("\n".join(lines), of_type)
    ]
    return Taken(tuple(events), **counts)


def _problem(line: bytes) -> str | None:
    if not line.strip():
        return "empty"
    if len(line) > MAX_LINE_BYTES:
        return "oversized"
    return "malformed" if json_object(line) is None else None
