"""What to restart, and when. Times are of the monotonic clock, which no wrong clock changes."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .memory import ConnectorMemory, Memory

# Seconds after the first, second, ... restart of a failed connector; then the service is restarted.
PAUSES = (60, 120, 120)

# Seconds between restarts of a connector that a new service did not bring back, while another one runs.
LONG_PAUSE = 600

# A connector that ran this long is well again.
WELL_SECONDS = 600

# Times in a row, a minute apart, that one JVM does not answer. A start on a small VM takes one or two.
UNANSWERED = 5

# Events are overdue, and nothing of their partition was committed, though the connector is said to run.
STUCK_SECONDS = 1800


class Decision(NamedTuple):
    """`what`: `connectors` (those named), `service`, or `credentials` (the service, with time to finish)."""

    what: str
    connectors: Sequence[str] = ()


SERVICE, CREDENTIALS = Decision("service"), Decision("credentials")


def decide(
    memory: Memory, pid: int, states: Mapping[str, list[str]] | None, now: float, *, renewed: bool = False
) -> Decision | None:
    """What to restart now; None: nothing.

    Args:
        pid: the JVM's process id, 0 while there is none (systemd starts it, or fetches its secrets).
        states: of each connector, its own and those of its tasks; None if Connect did not answer.
        renewed: the parameter store has other credentials than the JVM.
    """
    if pid != memory.pid:
        memory.pid = pid
        _forget_attempts(memory)
    if pid == 0:
        return None
    if renewed:
        # One that did not end when it was asked to is ended by the next run.
        asked, memory.asked = memory.asked, pid
        return _service(memory) if asked == pid else CREDENTIALS
    if states is None:
        memory.unanswered += 1
        return _service(memory) if memory.unanswered >= UNANSWERED else None
    memory.unanswered = 0
    failed = [name for name, found in states.items() if "FAILED" in found]
    for name in states:
        _notice(memory.connector(name), now, failed=name in failed)
    if failed:
        return _failed(memory, failed, now, others_run=len(failed) < len(states))
    return _stuck(memory, states, now)


def _notice(one: ConnectorMemory, now: float, *, failed: bool) -> None:
    """Whether it is well, and for how long."""
    if failed:
        one.well_since = None
        return
    if one.well_since is None:
        one.well_since = now
    if now - one.well_since >= WELL_SECONDS:
        one.attempts, one.had_new_jvm = 0, False


def _failed(memory: Memory, failed: Sequence[str], now: float, *, others_run: bool) -> Decision | None:
    due = [name for name in failed if now >= memory.connector(name).next_attempt]
    for name in due:
        one = memory.connector(name)
        if one.attempts < len(PAUSES):
            one.next_attempt = now + PAUSES[one.attempts]
            one.attempts += 1
        elif others_run and one.had_new_jvm:
            # A new JVM each few minutes would only disturb the others.
            one.next_attempt = now + LONG_PAUSE
        else:
            one.had_new_jvm = True
            return _service(memory)
    return Decision("connectors", due) if due else None


def _stuck(memory: Memory, states: Mapping[str, list[str]], now: float) -> Decision | None:
    # Paused by a person: only told. So is what a new JVM did not help.
    running = [memory.connector(name) for name, found in states.items() if set(found) == {"RUNNING"}]
    if not any(_stands_still(one, now) for one in running):
        return None
    # A new JVM is for all that waits now.
    for one in memory.connectors.values():
        one.given_up = list(one.due_at)
    return _service(memory)


def _stands_still(one: ConnectorMemory, now: float) -> bool:
    """Whether an event has been overdue for long in a partition that no new JVM was tried for."""
    return any(
        now - one.due_at[place] >= STUCK_SECONDS
        for place in one.proved
        if place in one.due_at and place not in one.given_up
    )


def _service(memory: Memory) -> Decision:
    """The next JVM starts with a clean sheet."""
    _forget_attempts(memory)
    return SERVICE


def _forget_attempts(memory: Memory) -> None:
    memory.unanswered = 0
    for one in memory.connectors.values():
        one.attempts, one.next_attempt = 0, 0.0
