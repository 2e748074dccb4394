"""Builds and caches everything that the local stack runs on: `python -m local.stack.setup`.

Each part is built once; a later call finds it in the cache and takes a second.
"""

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from local.base import java, progress, system_packages
from local.stack import engine
from local.stack.engine import Engine
from local.systems.connector import archive
from local.systems.kafka import jars
from local.systems.packages import debs
from local.systems.vm import rootfs

DEBIAN_PACKAGES = (
    *rootfs.DEBIAN_PACKAGES,
    "apt-utils",
    "dpkg-dev",
    "git",
    "gpg",
    "gpg-agent",
    "shellcheck",
)


@dataclass(frozen=True)
class Tools:
    """What a local stack is started from; `connector_archive` is the S3 connector's zip."""

    engine: Engine
    connector_archive: Path


def prepare(connector_version: str) -> Tools:
    """Everything, the engine's build beside the rest (one is bound by the processor, the other by the network).

    `CONNECTOR_ARCHIVE` (a zip or its URL) takes the place of the stand-in connector.

    Raises:
        RuntimeError: a part cannot be had; the message says which, and what to do.
    """
    system_packages.ensure((*DEBIAN_PACKAGES, *java.missing_packages()))
    override = os.environ.get("CONNECTOR_ARCHIVE")
    rest: list[Callable[[], object]] = [rootfs.ensure, jars.ensure, jars.ensure_login, debs.ensure]
    with ThreadPoolExecutor(max_workers=2) as pool:
        building = pool.submit(engine.ensure)
        for ensure in rest:
            ensure()
        connector = archive.archive(connector_version, override)
        return Tools(building.result(), connector)


if __name__ == "__main__":
    from components.settings import Connector

    try:
        prepare(Connector().version)
    except RuntimeError as problem:
        progress.say(f"error: {problem}")
        sys.exit(1)
