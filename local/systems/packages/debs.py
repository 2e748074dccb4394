"""The packages of the repository, built from Kafka's own jars in the places where Confluent's package has them."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from local.base import java
from local.systems.kafka import jars

_REVISION = 8
"""Raised with each change of a package: apt reuses an earlier download of the same version."""


@dataclass(frozen=True)
class Line:
    """A release line of the platform.

    Attributes:
        platform: as in `worker.platformVersion`.
        versions: of Confluent's packages, the latest last: apt installs it unless another one is pinned.
        jars: gives the folder with the jars of the Kafka release that the line is built on.
        log4j: the package's own example of Connect's logging.
        log4j_option: of the JVM, before the path of that file.
    """

    platform: str
    versions: tuple[str, ...]
    jars: Callable[[], Path]
    log4j: str
    log4j_option: str


LINES = (
    Line(
        "7.9",
        tuple(f"7.9.{patch}-{_REVISION}" for patch in (0, 1)),
        jars.ensure,
        "connect-log4j.properties",
        "-Dlog4j.configuration=file:",
    ),
    Line(
        "8.3",
        (f"8.3.0-{_REVISION}",),
        jars.ensure_kafka_4,
        "connect-log4j2.yaml",
        "-Dlog4j2.configurationFile=",
    ),
)
"""The lines of the repository: the default settings' own, and the one that an upgrade leads to."""

PLATFORM, NEWER_PLATFORM = (line.platform for line in LINES)

OLDER_VERSION, VERSION = LINES[0].versions

_HERE = Path(__file__).parent
FILES = _HERE / "files"

_SCRIPTS = (
    "connect-distributed",
    "connect-standalone",
    "kafka-console-consumer",
    "kafka-consumer-groups",
    "kafka-get-offsets",
    "kafka-run-class",
    "kafka-topics",
)


def ensure() -> Path:
    """A folder with the .deb files, `<package>_<version>_all.deb`, built once.

    Raises:
        ToolError: Maven or dpkg-deb is missing or failed.
    """
    releases = [line.jars().name for line in LINES]
    return java.ensure(
        "debs",
        [*releases, Path(__file__), *sorted(FILES.iterdir())],
        _build_all,
        text="The packages of Kafka Connect",
    )


def offered(built: Path, platform: str) -> list[Path]:
    """The .deb files of a line's repository, of all that `ensure` built; each has Java 8, which Debian 12 lacks."""
    return [
        deb
        for deb in sorted(built.glob("*.deb"))
        if deb.name.startswith("openjdk-") or f"_{platform}." in deb.name
    ]


def _fill_with_kafka(line: Line, version: str, root: Path) -> None:
    """Kafka's own jars, the same for every version of a line, with the platform's version in their names."""
    kafka = line.jars()
    kafkas = next(kafka.glob("connect-runtime-*.jar")).name.removeprefix("connect-runtime")
    platforms = f"-{version.partition('-')[0]}-ccs.jar"
    libraries = root / "usr" / "share" / "java" / "kafka"
    libraries.mkdir(parents=True)
    for jar in sorted(kafka.glob("*.jar")):
        shutil.copyfile(jar, libraries / jar.name.replace(kafkas, platforms))
    log4j = f"/etc/kafka/{line.log4j}"
    (root / "usr" / "bin").mkdir()
    for name in _SCRIPTS:
        script = root / "usr" / "bin" / name
        script.write_text((FILES / name).read_text().replace("@LOG4J_OPTION@", line.log4j_option + log4j))
        script.chmod(0o755)
    (root / "etc" / "kafka").mkdir(parents=True)
    settings = ("connect-standalone.properties", line.log4j)
    for name in settings:
        shutil.copyfile(FILES / name, root / "etc" / "kafka" / name)
    (root / "DEBIAN" / "conffiles").write_text("".join(f"/etc/kafka/{name}\n" for name in settings))


_JAVA_8 = Path("usr/lib/jvm/java-8-openjdk-amd64")
_JAVA_17 = Path("/usr/lib/jvm/java-17-openjdk-amd64")


def _link_java(root: Path) -> None:
    """As the package of Java 8 has it: `java` below jre/, and a link to it beside."""
    for folder, target in (
        (root / _JAVA_8 / "jre" / "bin", _JAVA_17 / "bin" / "java"),
        (root / _JAVA_8 / "bin", Path("../jre/bin/java")),
    ):
        folder.mkdir(parents=True)
        (folder / "java").symlink_to(target)


def _link_compiler(root: Path) -> None:
    folder = root / _JAVA_8 / "bin"
    folder.mkdir(parents=True)
    (folder / "javac").symlink_to(_JAVA_17 / "bin" / "javac")


@dataclass(frozen=True)
class _Package:
    """`fields`: further fields of its control file; `fill` writes its files below a root."""

    name: str
    version: str
    fields: str
    fill: Callable[[Path], None] = lambda _root: None


def _confluents(line: Line, version: str) -> tuple[_Package, ...]:
    """Confluent's packages of one version. Like the vendor's, they depend on each other in exactly that version.

    Source: confluentinc/cp-ansible issue 1797.
    """
    return (
        _Package(
            "confluent-common",
            version,
            "Description: What Confluent's packages have in common; in the local stack, that they need it\n",
        ),
        _Package(
            "confluent-kafka",
            version,
            f"Depends: confluent-common (= {version})\n"
            "Description: Apache Kafka with Connect, for the local stack of ccloud-logexporter\n",
            partial(_fill_with_kafka, line, version),
        ),
        _Package(
            "confluent-platform",
            version,
            f"Depends: confluent-kafka (= {version})\n"
            "Description: Everything of the platform that the local stack has: confluent-kafka\n",
        ),
    )


# Debian's ca-certificates-java accepts nothing older than 8u382.
_JAVA_8_VERSION = "8u999-2"

_PACKAGES = (
    *(package for line in LINES for version in line.versions for package in _confluents(line, version)),
    _Package(
        "openjdk-8-jre-headless",
        _JAVA_8_VERSION,
        "Depends: openjdk-17-jre-headless\n"
        "Description: Java 17 where the distributions' package of Java 8 has its own, which Debian 12 lacks\n",
        _link_java,
    ),
    _Package(
        "openjdk-8-jdk-headless",
        _JAVA_8_VERSION,
        "Depends: openjdk-8-jre-headless, openjdk-17-jdk-headless\n"
        "Description: The compiler of Java 17, as above\n",
        _link_compiler,
    ),
)


def _build_all(directory: Path) -> None:
    for package in _PACKAGES:
        with tempfile.TemporaryDirectory() as temporary:
            root = Path(temporary)
            root.chmod(0o755)
            (root / "DEBIAN").mkdir()
            package.fill(root)
            size = sum(file.stat().st_size for file in root.rglob("*") if file.is_file())
            (root / "DEBIAN" / "control").write_text(
                f"Package: {package.name}\nVersion: {package.version}\nArchitecture: all\n"
                "Maintainer: ccloud-logexporter <local@localhost>\n"
                f"Installed-Size: {size // 1024 + 1}\n{package.fields}"
            )
            deb = directory / f"{package.name}_{package.version}_all.deb"
            # Jars are compressed already.
            command = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(root), str(deb)]
            java.run(command, needs="dpkg")
