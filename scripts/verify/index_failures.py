"""Events whose fields Logz.io could not index, or that it truncated (pure)."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from components.logzio.facts import SEARCH_DAYS, failure
from components.logzio.model import Failures
from scripts.verify.model import IndexReport

_NAMED = 5
_AUDIT_SOURCE = "crn://"
"""What the `source` of each event of an audit log begins with (Confluent docs, "Audit log event schema")."""


def day_offsets(days: float) -> list[int]:
    """The offsets, in days, of the searches that cover this many days, today included."""
    return list(range(0, max(1, math.ceil(days)), SEARCH_DAYS))


def summed(found: Iterable[Failures], log_type: str) -> IndexReport:
    """The sum of several searches. Only events of an audit log count, because other sources send to the account, too."""
    found = list(found)
    seen = [event for failures in found for event in failures.seen]
    ours = [event for event in seen if _is_ours(event, log_type)]
    reasons = Counter(failure(event) or str(event.get("type")) for event in ours)
    return IndexReport(
        total=sum(failures.total for failures in found),
        seen=len(seen),
        ours=len(ours),
        reasons=tuple(f"{count} x {reason}" for reason, count in reasons.most_common(_NAMED)),
        ids=tuple(str(event["id"]) for event in ours if event.get("id"))[:_NAMED],
    )


def _is_ours(event: Mapping[str, Any], log_type: str) -> bool:
    """Whether an event is of an audit log. Logz.io may replace the type by a mark, and the fields by the text."""
    source = str(event.get("source", ""))
    return (
        event.get("type") == log_type
        or source.startswith(_AUDIT_SOURCE)
        or f'"{_AUDIT_SOURCE}' in str(event.get("message", ""))
    )
