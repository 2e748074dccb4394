"""Faults of S3, for the sink's requests alone."""

import time
from collections.abc import Callable

from components.settings import Connector
from local.base.waiting import wait_until
from local.proofs.nemesis.fault import Injection
from local.proofs.nemesis.target import FaultError, Target


def burst(target: Target) -> None:
    for status in (503, 500, 503, 500):
        target.fail_s3(status=status, times=8)
        time.sleep(5)
    wait_until(target.s3_is_healed, "the last fault is over")


def failing_for_a_minute(**fault: object) -> Callable[[Target], None]:
    def inject(target: Target) -> None:
        target.fail_s3(times=None, **fault)
        # A sink that starts, or has nothing to archive, sends its first request later.
        wait_until(lambda: target.hits() > 0, "a fault hits a request of the sink")
        time.sleep(30 if target.short else 60)
        target.heal_s3()

    return inject


# --- what only the watchdog heals

_CONNECTOR = Connector().name
STUCK_SECONDS = 120
"""The watchdog's half an hour, shortened."""
OFTEN_SECONDS = 30
"""Between two looks of the watchdog at the consumer groups, instead of its five minutes."""
SHORTENED = (("decisions.py", "STUCK_SECONDS", STUCK_SECONDS), ("group.py", "MEASURE_SECONDS", OFTEN_SECONDS))
"""Module and constant of the watchdog, and the seconds that it gets."""


def fail_to_the_ceiling(target: Target) -> None:
    began = time.time()
    target.fail_s3(status=403, times=None, seconds=1200)
    target.wait_for_journal(f"restarting the service: {_CONNECTOR} RUNNING/FAILED", began)
    target.heal_s3()


def never_answer(target: Target) -> Injection:
    began = time.time()
    # Half an hour of waiting would show nothing more.
    for module, name, seconds in SHORTENED:
        target.shorten(module, name, seconds)
    target.fail_s3(answer="hang", times=None, seconds=1800)
    try:
        target.wait_for_journal(f"restarting the service: {_CONNECTOR} RUNNING/RUNNING", began)
        # Long enough for a second restart, which would not help either.
        time.sleep(STUCK_SECONDS + 60)
    finally:
        target.heal_s3()
        for module, _, _ in SHORTENED:
            target.restore(module)
    restarts = sum(line.startswith("restarting the service") for line in target.journal(began))
    if restarts != 1:
        raise FaultError(f"the watchdog restarted the service {restarts} times")
    return Injection(note="one restart")
