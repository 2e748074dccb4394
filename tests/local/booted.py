"""A whole local stack for the tests of a module."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.proofs.demo import stages
from local.stack import deployment
from local.stack.deployment import LocalDeployment


@contextmanager
def booted(state: Path, changed: Mapping[str, Mapping[str, Any]] | None = None) -> Iterator[LocalDeployment]:
    """Brought up (`changed`: as in `stages.up`), with its VM booted; ended whatever happens."""
    try:
        stack = stages.up(state, changed)
        stages.boot(stack)
        yield stack
    finally:
        deployment.end(state)
