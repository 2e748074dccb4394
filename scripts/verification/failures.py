"""Events that Logz.io could not index by their fields, or had to cut (pure)."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from components.logzio.facts import SEARCH_DAYS, failure
from components.logzio.model import Failures
from scripts.verification.model import IndexReport

_NAMED = 5
_AUDIT_SOURCE = "crn://"
"""What the `source` of each event of an audit log begins with (Confluent docs, "Audit log event schema")."""


def day_offsets(days: float) -> list[int]:
    """The searches that cover so many days, today among them."""
    return list(range(0, max(1, math.ceil(days)), SEARCH_DAYS))


def summed(found: Iterable[Failures], log_type: str) -> IndexReport:
    """What several searches told. Only those of an audit log count: others send to the account, too."""
    found = list(found)
    seen = [event for one in found for event in one.seen]
    ours = [event for event in seen if _is_ours(event, log_type)]
    reasons = Counter(failure(event) or str(event.get("type")) for event in ours)
    return IndexReport(
        total=sum(one.total for one in found),
        seen=len(seen),
        ours=len(ours),
        reasons=tuple(f"{count} x {reason}" for reason, count in reasons.most_common(_NAMED)),
        ids=tuple(str(event["id"]) for event in ours if event.get("id"))[:_NAMED],
    )


def _is_ours(event: Mapping[str, Any], log_type: str) -> bool:
    """A mark may take the place of the type, and the text that of the fields."""
    source = str(event.get("source", ""))
    return (
        event.get("type") == log_type
        or source.startswith(_AUDIT_SOURCE)
        or f'"{_AUDIT_SOURCE}' in str(event.get("message", ""))
    )
