"""Looking at something again and again while something else runs."""

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Generic, TypeVar

T = TypeVar("T")


class Sampler(Generic[T]):
    """Looks every few seconds, in a thread of its own, and remembers what it saw; `seen` is complete at its end."""

    def __init__(self, look: Callable[[], frozenset[T]], every: float = 10.0, *, rest: float = 0.0) -> None:
        """`every`: seconds between two looks; more if a look took so long that `rest` times as long is more."""
        self.seen: set[T] = set()
        self._look = look
        self._every = every
        self._rest = rest
        self._over = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Sampler[T]":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        # Also for what came since the last look; its errors are raised.
        self.seen |= self._look()

    def _run(self) -> None:
        took = 0.0
        while not self._over.wait(max(self._every, self._rest * took)):
            began = time.monotonic()
            # In the middle of `pulumi up` a look may fail; the next one makes up for it.
            with suppress(Exception):
                self.seen |= self._look()
            took = time.monotonic() - began
