"""Events that Logz.io could not index by their fields, or had to cut (pure)."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from components.logzio_facts import FAILURE_MARKS, SEARCH_DAYS
from components.shipping.model import Failures
from scripts.verification.model import IndexReport

_REASONS = 5
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
    reasons = Counter(reason for event in ours for reason in _reasons(event))
    return IndexReport(
        total=sum(one.total for one in found),
        seen=len(seen),
        ours=len(ours),
        reasons=tuple(f"{count} x {reason}" for reason, count in reasons.most_common(_REASONS)),
    )


def _is_ours(event: Mapping[str, Any], log_type: str) -> bool:
    """A mark may take the place of the type, and the text that of the fields."""
    source = str(event.get("source", ""))
    return (
        event.get("type") == log_type
        or source.startswith(_AUDIT_SOURCE)
        or f'"{_AUDIT_SOURCE}' in str(event.get("message", ""))
    )


def _reasons(event: Mapping[str, Any]) -> list[str]:
    """The tags that say more than the mark; else the mark."""
    tags = event.get("tags")
    told = [str(tag) for tag in tags] if isinstance(tags, list) else [str(tags)] if tags else []
    further = [tag for tag in told if tag not in FAILURE_MARKS]
    return further or told or [str(event.get("type"))]
