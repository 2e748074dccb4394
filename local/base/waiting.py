"""Waiting for something that another process brings about."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class WaitError(RuntimeError):
    """Something did not happen in time; the message says what was waited for."""


def wait_until(
    condition: Callable[[], T | None], text: str, *, seconds: float = 900.0, poll: float = 0.5
) -> T:
    """Waits until `condition` is true, and returns its result.

    Args:
        condition: looked at every `poll` seconds, the first time at once.
        text: what is waited for, as in "the broker answers".
        seconds: the longest wait.

    Raises:
        WaitError: the condition was not true in time.
    """
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise WaitError(f"waited {seconds:.0f} s: not yet {text}")
        time.sleep(poll)
    return result
