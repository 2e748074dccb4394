import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from local.base import paths, processes


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Any]]:
    """The local package server's addresses."""
    state = tmp_path_factory.mktemp("packages")
    argv = [sys.executable, "-m", "local.systems.packages", "--state", str(state)]
    try:
        yield processes.start(state, "packages", argv, env=os.environ, cwd=paths.ROOT).ready
    finally:
        processes.stop_all(state)
