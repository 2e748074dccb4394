"""A whole local stack for the tests of a module."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.stack import lifecycle
from local.stack.deployment import LocalDeployment


@contextmanager
def booted(
    state: Path, changed: Mapping[str, Mapping[str, Any]] | None = None, *, prepared: bool = True
) -> Iterator[LocalDeployment]:
    """Brought up (`changed`, `prepared`: as in `lifecycle.up`), with its VM booted; ended whatever happens."""
    try:
        stack = lifecycle.up(state, changed, prepared=prepared)
        yield stack
    finally:
        lifecycle.end(state)
