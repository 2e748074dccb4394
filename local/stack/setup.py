"""Builds and caches everything that the local stack runs on: `python -m local setup`.

Each part is built once; a later call finds it in the cache and takes a second.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from local.base import java, system_packages
from local.stack import engine
from local.stack.engine import Engine
from local.systems.connector import archive
from local.systems.kafka import class_archive
from local.systems.packages import debs
from local.systems.vm import rootfs

DEBIAN_PACKAGES = (
    *rootfs.DEBIAN_PACKAGES,
    "apt-utils",
    "curl",
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


def prepare(connector_version: str, *, prepared: bool = False) -> Tools:
    """Builds everything; the engine beside the rest, since one needs the processor and the other the network.

    `CONNECTOR_ARCHIVE` (a zip or its URL) replaces the stand-in connector. `prepared`: also builds the VMs' image with
    the distribution's packages of an installation.

    Raises:
        RuntimeError: a part is missing; the message says which, and what to do.
    """
    system_packages.ensure((*DEBIAN_PACKAGES, *java.missing_packages()))
    override = os.environ.get("CONNECTOR_ARCHIVE")
    image = rootfs.ensure_prepared if prepared else rootfs.ensure
    rest: list[Callable[[], object]] = [
        image,
        class_archive.ensure,
        debs.ensure,
    ]
    with ThreadPoolExecutor(max_workers=2) as pool:
        building = pool.submit(engine.ensure)
        for ensure in rest:
            ensure()
        connector = archive.archive(connector_version, override)
        return Tools(building.result(), connector)
