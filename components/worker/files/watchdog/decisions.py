"""What to restart, and when. Times are of the monotonic clock, which no wrong clock changes."""

from .memory import Memory

# Seconds after the first, second, ... restart of a failed task; then the service is restarted.
PAUSES = (60, 120, 120)

# A task that ran this long is well again.
WELL_SECONDS = 600

# Times in a row, a minute apart, that one JVM does not answer. A start on a small VM takes one or two.
UNANSWERED = 5

# Events wait, and nothing of their partition was committed, though the task is said to run.
STUCK_SECONDS = 1800


def decide(
    memory: Memory, pid: int, states: list[str] | None, now: float, *, renewed: bool = False
) -> str | None:
    """`task`, `service`, `credentials` (the service, with time to finish) or None: what to restart now.

    Args:
        pid: the JVM's process id, 0 while there is none (systemd starts it, or fetches its secrets).
        states: of the connector and its tasks; None if Connect did not answer.
        renewed: the parameter store has other credentials than the JVM.
    """
    if pid != memory.pid:
        memory.pid, memory.unanswered, memory.attempts, memory.next_attempt = pid, 0, 0, 0.0
    if pid == 0:
        return None
    if renewed:
        # One that did not end when it was asked to is ended by the next run.
        asked, memory.asked = memory.asked, pid
        return _service(memory) if asked == pid else "credentials"
    if states is None:
        memory.unanswered += 1
        return _service(memory) if memory.unanswered >= UNANSWERED else None
    memory.unanswered = 0
    if "FAILED" in states:
        memory.well_since = None
        return _failed(memory, now)
    if memory.well_since is None:
        memory.well_since = now
    if now - memory.well_since >= WELL_SECONDS:
        memory.attempts = 0
    stuck = [name for name, since in memory.waiting_since.items() if now - since >= STUCK_SECONDS]
    # Paused by a person: only told. So is what a new JVM did not help.
    if set(states) != {"RUNNING"} or set(stuck) <= set(memory.given_up):
        return None
    memory.given_up = stuck
    return _service(memory)


def _failed(memory: Memory, now: float) -> str | None:
    if now < memory.next_attempt:
        return None
    if memory.attempts == len(PAUSES):
        return _service(memory)
    memory.next_attempt = now + PAUSES[memory.attempts]
    memory.attempts += 1
    return "task"


def _service(memory: Memory) -> str:
    """The next JVM starts with a clean sheet."""
    memory.unanswered, memory.attempts, memory.next_attempt = 0, 0, 0.0
    return "service"
