import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from components.settings import Connector
from local.base import paths, processes
from local.systems.connector import archive


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Any]]:
    """The local package server's addresses."""
    state = tmp_path_factory.mktemp("packages")
    connector = str(archive.ensure(Connector().version))
    options = ["--state", str(state), "--connector-archive", connector]
    argv = [sys.executable, "-m", "local.systems.packages", *options]
    try:
        yield processes.start(state, "packages", argv, env=os.environ, cwd=paths.ROOT).ready
    finally:
        processes.stop_all(state)
