"""The packages of the repository, built from Kafka's own jars in the places where Confluent's package has them."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from local.base import java
from local.systems.kafka import jars

PLATFORM = "7.9"
"""The platform version of the repository."""

_REVISION = 7
"""Raised with each change of a package: apt reuses an earlier download of the same version."""

OLDER_VERSION, VERSION = (f"{PLATFORM}.{patch}-{_REVISION}" for patch in (0, 1))
"""The versions of Confluent's packages in the repository; apt installs the later one unless it is pinned."""

_HERE = Path(__file__).parent
FILES = _HERE / "files"

_PLACES = {
    "connect-distributed": ("usr/bin/connect-distributed", 0o755),
    "connect-standalone": ("usr/bin/connect-standalone", 0o755),
    "kafka-console-consumer": ("usr/bin/kafka-console-consumer", 0o755),
    "kafka-consumer-groups": ("usr/bin/kafka-consumer-groups", 0o755),
    "kafka-get-offsets": ("usr/bin/kafka-get-offsets", 0o755),
    "kafka-topics": ("usr/bin/kafka-topics", 0o755),
    "kafka-run-class": ("usr/bin/kafka-run-class", 0o755),
    "connect-standalone.properties": ("etc/kafka/connect-standalone.properties", 0o644),
    "connect-log4j.properties": ("etc/kafka/connect-log4j.properties", 0o644),
}

_CONFFILES = ("/etc/kafka/connect-standalone.properties", "/etc/kafka/connect-log4j.properties")


def ensure() -> Path:
    """A folder with the .deb files, `<package>_<version>_all.deb`, built once.

    Raises:
        ToolError: Maven or dpkg-deb is missing or failed.
    """
    kafka = jars.ensure()
    return java.ensure(
        "debs",
        [kafka.name, Path(__file__), *sorted(FILES.iterdir())],
        lambda directory: _build_all(kafka, directory),
        text="The packages of Kafka Connect",
    )


def _fill_with_kafka(version: str, kafka: Path, root: Path) -> None:
    """Kafka's own jars, the same for every version, with the platform's version in their names."""
    kafkas = next(kafka.glob("connect-runtime-*.jar")).name.removeprefix("connect-runtime")
    platforms = f"-{version.partition('-')[0]}-ccs.jar"
    libraries = root / "usr" / "share" / "java" / "kafka"
    libraries.mkdir(parents=True)
    for jar in sorted(kafka.glob("*.jar")):
        shutil.copyfile(jar, libraries / jar.name.replace(kafkas, platforms))
    for name, (place, mode) in _PLACES.items():
        target = root / place
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(FILES / name, target)
        target.chmod(mode)
    (root / "DEBIAN" / "conffiles").write_text("".join(f"{file}\n" for file in _CONFFILES))


_JAVA_8 = Path("usr/lib/jvm/java-8-openjdk-amd64")
_JAVA_17 = Path("/usr/lib/jvm/java-17-openjdk-amd64")


def _link_java(_kafka: Path, root: Path) -> None:
    """As the package of Java 8 has it: `java` below jre/, and a link to it beside."""
    for folder, target in (
        (root / _JAVA_8 / "jre" / "bin", _JAVA_17 / "bin" / "java"),
        (root / _JAVA_8 / "bin", Path("../jre/bin/java")),
    ):
        folder.mkdir(parents=True)
        (folder / "java").symlink_to(target)


def _link_compiler(_kafka: Path, root: Path) -> None:
    folder = root / _JAVA_8 / "bin"
    folder.mkdir(parents=True)
    for tool in ("javac", "jar"):
        (folder / tool).symlink_to(_JAVA_17 / "bin" / tool)


@dataclass(frozen=True)
class _Package:
    """`fields`: further fields of its control file; `fill` writes its files below a root, given Kafka's jars."""

    name: str
    version: str
    fields: str
    fill: Callable[[Path, Path], None] = lambda _kafka, _root: None


def _confluents(version: str) -> tuple[_Package, ...]:
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
            partial(_fill_with_kafka, version),
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
    *_confluents(OLDER_VERSION),
    *_confluents(VERSION),
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


def _build_all(kafka: Path, directory: Path) -> None:
    for package in _PACKAGES:
        with tempfile.TemporaryDirectory() as temporary:
            root = Path(temporary)
            root.chmod(0o755)
            (root / "DEBIAN").mkdir()
            package.fill(kafka, root)
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
