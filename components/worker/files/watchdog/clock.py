"""The offset of the VM's clock, and how far keys in the bucket are ahead of it."""

import json
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

KEYS = Path("/run/s3-auditlog-sink/keys.json")
"""What check_keys.py found before it let the service start."""

_offsets: list[float] = []


def compare(http_response: Any, **_: Any) -> None:
    """boto3 calls this with each answer of AWS, also a refusal. Its `Date` is AWS's time in whole seconds.

    An offset of less than a second is therefore not visible.
    """
    try:
        theirs = parsedate_to_datetime(http_response.headers["Date"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return
    now = time.time()
    _offsets.append(max(0.0, now - theirs - 1, theirs - now))


def clock() -> dict[str, float]:
    """ClockAheadSeconds, and ClockOffsetSeconds (without a sign) if AWS has answered in this run."""
    values = {"ClockAheadSeconds": round(_ahead(), 1)}
    if _offsets:
        # The smallest: a slow answer looks like an offset.
        values["ClockOffsetSeconds"] = round(min(_offsets), 1)
    return values


def _ahead() -> float:
    """Seconds until the time of the latest key has passed; 0 if it has, or while the service is down."""
    try:
        until = float(json.loads(KEYS.read_text())["ahead_until"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0
    return max(0.0, until - time.time())
