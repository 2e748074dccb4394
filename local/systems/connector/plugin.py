"""The connector in a worker's plugin path, as the VM installs it."""

import zipfile
from pathlib import Path

from components.worker import cloud_config
from local.base import java
from local.systems.kafka import jars


def unpack(archive: Path, plugins: Path) -> Path:
    """The connector's zip in a plugin path, with the partitioner beside its jars; returns the folder of the jars.

    Raises:
        ToolError: Maven or the JDK is missing or failed.
    """
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(plugins)
    (libraries,) = plugins.glob("*/lib")
    sources = Path(cloud_config.__file__).parent / "files"
    java.compile_jar(sources, [libraries, jars.ensure()], libraries / "ordered-partitioner.jar")
    return libraries
