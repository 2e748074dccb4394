"""The local package server as a process."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.settings import Connector
from local.base import paths, processes
from local.systems.connector import archive


def start(state: Path, *options: str) -> Mapping[str, Any]:
    """Starts the server with the stand-in connector; returns its addresses."""
    connector = archive.ensure(Connector().version)
    argv = [sys.executable, "-m", "local.systems.packages", "--state", str(state)]
    argv += ["--connector-archive", str(connector), *options]
    return processes.start(state, "packages", argv, env=os.environ, cwd=paths.ROOT).ready
