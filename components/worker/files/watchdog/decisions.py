"""What to restart, and when. Times are of the monotonic clock: a wrong clock does not change them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .memory import ConnectorMemory, Memory

# Seconds after the first, second, ... restart of a failed connector; then the service is restarted.
PAUSES = (60, 120, 120)

# Seconds between restarts of a connector that a new JVM did not bring back, while another connector runs.
LONG_PAUSE = 600

# A connector that has run this long has recovered.
WELL_SECONDS = 600

# So many times in a row, a minute apart, a JVM may fail to answer. A start on a small VM takes one or two minutes.
UNANSWERED = 5

# Seconds between the restarts of two VMs for new credentials: one of them always runs.
SPREAD_SECONDS = 180

# Events have been overdue this long, and nothing of their partition was committed, although the connector runs.
STUCK_SECONDS = 1800


class Decision(NamedTuple):
    """`what`: `connectors` (the named ones), `service`, or `credentials` (the service, with time to finish)."""

    what: str
    connectors: Sequence[str] = ()


SERVICE, CREDENTIALS = Decision("service"), Decision("credentials")


def decide(
    memory: Memory,
    pid: int,
    states: Mapping[str, list[str]] | None,
    now: float,
    *,
    renewed: bool = False,
    number: int = 1,
    fleet_answers: bool = True,
) -> Decision | None:
    """What to restart now; None: nothing.

    Args:
        pid: the JVM's process id; 0 while there is none (systemd starts it, or fetches its secrets).
        states: connector -> its own state and the states of its tasks; None if Connect did not answer.
        renewed: whether the parameter store has newer credentials than the JVM.
        number: of this VM, from 1 on.
        fleet_answers: whether the cluster with Connect's state answers. While it does not, Connect does not answer
            either, and a new JVM could not even start; the tasks come back by themselves.
    """
    if pid != memory.pid:
        memory.pid = pid
        _forget_attempts(memory)
    if pid == 0:
        return None
    memory.renewed_at = (now if memory.renewed_at is None else memory.renewed_at) if renewed else None
    if memory.renewed_at is not None and now - memory.renewed_at >= (number - 1) * SPREAD_SECONDS:
        # The next run kills a JVM that did not end.
        asked, memory.asked = memory.asked, pid
        return _service(memory) if asked == pid else CREDENTIALS
    if states is None and not fleet_answers:
        return None
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


def _notice(connector: ConnectorMemory, now: float, *, failed: bool) -> None:
    """Remembers since when the connector runs; forgets its former failures once it has recovered."""
    if failed:
        connector.well_since = None
        return
    if connector.well_since is None:
        connector.well_since = now
    if now - connector.well_since >= WELL_SECONDS:
        connector.attempts, connector.had_new_jvm = 0, False


def _failed(memory: Memory, failed: Sequence[str], now: float, *, others_run: bool) -> Decision | None:
    due = [name for name in failed if now >= memory.connector(name).next_attempt]
    for name in due:
        connector = memory.connector(name)
        if connector.attempts < len(PAUSES):
            connector.next_attempt = now + PAUSES[connector.attempts]
            connector.attempts += 1
        elif others_run and connector.had_new_jvm:
            # A new JVM every few minutes would only disturb the other connectors.
            connector.next_attempt = now + LONG_PAUSE
        else:
            connector.had_new_jvm = True
            return _service(memory)
    return Decision("connectors", due) if due else None


def _stuck(memory: Memory, states: Mapping[str, list[str]], now: float) -> Decision | None:
    # A connector that a person paused is only reported, as are partitions that a new JVM did not help.
    running = [memory.connector(name) for name, found in states.items() if set(found) == {"RUNNING"}]
    if not any(_is_stuck(connector, now) for connector in running):
        return None
    # The new JVM is the attempt for every partition that waits now.
    for connector in memory.connectors.values():
        connector.given_up = list(connector.due_at)
    return _service(memory)


def _is_stuck(connector: ConnectorMemory, now: float) -> bool:
    """Whether an event has been overdue for long in a partition for which no new JVM was tried.

    A partition that another VM reads is that VM's to repair.
    """
    return any(
        now - connector.due_at[partition] >= STUCK_SECONDS
        for partition in connector.proved
        if partition in connector.due_at
        and partition not in connector.given_up
        and partition not in connector.elsewhere
    )


def _service(memory: Memory) -> Decision:
    """The next JVM starts without former attempts."""
    _forget_attempts(memory)
    return SERVICE


def _forget_attempts(memory: Memory) -> None:
    memory.unanswered = 0
    for connector in memory.connectors.values():
        connector.attempts, connector.next_attempt = 0, 0.0
