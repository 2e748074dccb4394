"""Faults of Logz.io: out of reach, and reading without keeping."""

import re
import time
from typing import Any

from local.proofs.nemesis.fault import Injection
from local.proofs.nemesis.target import FaultError, Target

_PASSED_OVER_SECONDS = 30
_SETTLED_SECONDS = 60


def down(target: Target) -> Injection:
    """Out of reach, then back with its daily quota used up: it drops what it reads then, but the bucket has it."""
    began = time.time()
    target.fail_logzio(down=True)
    time.sleep(60 if target.short else 300)
    before = target.passed_over()
    target.pass_over(on=True)
    target.fail_logzio(down=False)
    try:
        # All that came while it was away, and some of what comes now.
        time.sleep(_PASSED_OVER_SECONDS)
    finally:
        target.pass_over(on=False)
    objects = target.passed_over() - before
    # Until something newer was read of each partition: what was passed over is then a gap.
    time.sleep(_SETTLED_SECONDS)
    settled = ("--fetch-minutes", str(_SETTLED_SECONDS / 2 / 60))
    code, seen = target.verify(began, *settled)
    missing = _missing(seen)
    if code != 1 or not missing:
        raise FaultError(f"make verify sees nothing of {objects} objects that were passed over: {seen}")
    output = target.replay("--unread", "--days", str((time.time() - began) / 86400), *settled)
    _, seen = target.verify(began, *settled)
    if left := _missing(seen):
        raise FaultError(f"{left} events are missing after make replay: {output}")
    sent = re.search(r"^sent: ([\d,]+)$", output, re.MULTILINE)
    return Injection(
        note=f"{objects} objects were passed over; `make verify` says so (exit code 1), `make replay` sent "
        f"{sent[1] if sent else 'no'} events, and `make verify` finds them"
    )


def _missing(seen: dict[str, Any]) -> int:
    """Events of objects that `make verify` takes for unread and did not find."""
    partitions = (partition for chain in seen["chains"] for partition in chain["partitions"])
    return sum(unread["missing"] for partition in partitions for unread in partition["unread"])
