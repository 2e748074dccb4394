"""The connector's archive: the stand-in built from source, or the vendor's where CONNECTOR_ARCHIVE names it.

Like the vendor's, it unpacks to `confluentinc-kafka-connect-s3-<version>/{lib/*.jar,manifest.json}`.
"""

import hashlib
import json
import tempfile
import zipfile
from pathlib import Path

import httpx

from local.base import java, paths, progress
from local.base.files import write_atomically
from local.systems.kafka import jars

_HERE = Path(__file__).parent
_POM = _HERE / "pom.xml"
_SOURCES = _HERE / "java"


def archive(version: str, override: str | None) -> Path:
    """The zip to install: `override` (CONNECTOR_ARCHIVE: a path or a URL) or the stand-in.

    A URL is downloaded once.

    Raises:
        ToolError: a tool is missing or failed, there is no such file, the download failed.
    """
    if not override:
        return ensure(version)
    if override.startswith(("http://", "https://")):
        return _download(override)
    file = Path(override).expanduser().resolve()
    if not file.is_file():
        raise java.ToolError(f"CONNECTOR_ARCHIVE names {override}, which is not a file")
    return file


def ensure(version: str) -> Path:
    """The stand-in's zip, built once; it calls itself by the vendor's name and `version`.

    Raises:
        ToolError: Maven or the JDK is missing or failed.
    """
    name = f"confluentinc-kafka-connect-s3-{version}"
    kafka = jars.ensure()
    libraries = java.dependencies(
        "connector-libraries", _POM, text="The connector's libraries from Maven Central"
    )
    directory = java.ensure(
        "connector",
        [version, Path(__file__), _POM, *sorted(_SOURCES.rglob("*.java"))],
        lambda target: _build(target, name, version, kafka, libraries),
        text="The stand-in connector",
    )
    return directory / f"{name}.zip"


def _build(target: Path, name: str, version: str, kafka: Path, libraries: Path) -> None:
    manifest = {
        "name": "kafka-connect-s3",
        "version": version,
        "title": "Stand-in for Confluent's S3 sink in the local stack",
        "owner": {"username": "confluentinc"},
    }
    with tempfile.TemporaryDirectory() as temporary:
        # Without META-INF/services, as the vendor's sources (kafka-connect-s3/src/main/resources).
        entries = Path(temporary) / "entries"
        version_file = entries / "io" / "confluent" / "connect" / "s3" / "version.properties"
        version_file.parent.mkdir(parents=True)
        version_file.write_text(f"version={version}\n")
        jar = Path(temporary) / f"kafka-connect-s3-{version}.jar"
        java.compile_jar(_SOURCES, [kafka, libraries], jar, entries=entries)
        # Jars are compressed already.
        with zipfile.ZipFile(target / f"{name}.zip", "w") as out:
            out.writestr(f"{name}/manifest.json", json.dumps(manifest, indent=2) + "\n")
            for file in [jar, *sorted(libraries.glob("*.jar"))]:
                out.write(file, f"{name}/lib/{file.name}")


def _download(url: str) -> Path:
    directory = paths.CACHE / f"connector-download-{hashlib.sha256(url.encode()).hexdigest()[:12]}"
    file = directory / url.rpartition("/")[2]
    if file.exists():
        return file
    try:
        with progress.step(f"The connector from {url}"):
            response = httpx.get(url, follow_redirects=True, timeout=60).raise_for_status()
        write_atomically(file, response.content)
    except httpx.HTTPError as error:
        raise java.ToolError(f"CONNECTOR_ARCHIVE could not be downloaded from {url}: {error}") from error
    return file
