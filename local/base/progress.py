"""Lines of progress for whoever waits."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(text: str) -> None:
    """Prints one line at once, also into a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def step(text: str) -> Iterator[None]:
    """Announces a step that may take longer than two seconds, and says how long it took."""
    say(f"- {text} ...")
    started = time.monotonic()
    yield
    say(f"  {text}: done in {time.monotonic() - started:.1f} s")
