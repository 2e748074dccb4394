"""The connector in a worker's plugin path, as the VM installs it."""

import zipfile
from pathlib import Path

from components.worker import cloud_config
from components.worker.connect import CONNECTOR_CLASS
from local.base import java
from local.systems.kafka import jars


def unpack(archive: Path, plugins: Path) -> Path:
    """The connector's zip in a plugin path, with what the VM adds to its jars; returns the folder of the jars.

    Added are the partitioner, and the file by which Connect finds the connector.

    Raises:
        ToolError: Maven or the JDK is missing or failed.
    """
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(plugins)
    (libraries,) = plugins.glob("*/lib")
    with zipfile.ZipFile(libraries / "service-manifest.jar", "w") as manifest:
        manifest.writestr(
            "META-INF/services/org.apache.kafka.connect.sink.SinkConnector", f"{CONNECTOR_CLASS}\n"
        )
    sources = Path(cloud_config.__file__).parent / "files"
    java.compile_jar(sources, [libraries, jars.ensure()], libraries / "ordered-partitioner.jar")
    return libraries
