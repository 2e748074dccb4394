"""Waits for a condition, but not for ever."""

import time
from collections.abc import Callable


class WaitError(RuntimeError):
    """A condition did not come true in time; the message says which."""


def wait_until(
    condition: Callable[[], bool], text: str, *, seconds: float = 900.0, poll: float = 0.5
) -> None:
    """Asks every `poll` seconds until the condition holds.

    Raises:
        WaitError: it did not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise WaitError(f"waited {seconds:.0f} s in vain: {text}")
        time.sleep(poll)
