"""Lines of progress on the terminal."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(text: str) -> None:
    """Prints one line and flushes it, so that it appears at once in a pipe too."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def step(text: str) -> Iterator[None]:
    """Announces a step that may take longer than two seconds, and says how long it took."""
    say(f"- {text} ...")
    started = time.monotonic()
    yield
    say(f"  {text}: done in {time.monotonic() - started:.1f} s")
