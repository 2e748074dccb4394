"""Maven and the JDK for the local stack: the jars of a pom, classes of a few sources."""

import hashlib
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from local.base import paths, progress
from local.base.files import locked, partial_folder

# Java 8 byte code, as the jars of Kafka 3.9 and of the vendor's connector are.
# "options": JDK 17 warns that 8 is an old source level, and 8 is intended here.
JAVAC_OPTIONS = ["--release", "8", "-encoding", "UTF-8", "-Xlint:all,-options", "-Werror"]

DEBIAN_PACKAGES = {"javac": "openjdk-17-jdk-headless", "mvn": "maven"}
"""Commands that this module runs, and the Debian package of each. A command that comes from elsewhere is as good."""

FIRST_COMPILER_ONLY = "-XX:TieredStopAtLevel=1"
"""A JVM that lives for minutes on few cores spends more on the second compiler than it gets back."""

SHORT_LIVED = ("-XX:+UseSerialGC", FIRST_COMPILER_ONLY)
"""Options of a JVM that runs for minutes at most."""


class ToolError(RuntimeError):
    """A tool is missing or failed; the message says which, and what to do."""


def missing_packages() -> list[str]:
    """The Debian packages of the commands that are not on PATH."""
    return [package for command, package in DEBIAN_PACKAGES.items() if shutil.which(command) is None]


def version() -> str:
    """What `java -version` says.

    Raises:
        ToolError: Java is missing.
    """
    try:
        shown = subprocess.run(["java", "-version"], check=True, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError:
        raise ToolError(
            f"java is not installed: install the Debian package {DEBIAN_PACKAGES['javac']}"
        ) from None
    return shown.stderr


def ensure(name: str, inputs: Iterable[Path | str], build: Callable[[Path], None], *, text: str) -> Path:
    """A folder of the cache that `build` fills once: `CACHE/<name>-<hash of the inputs>`.

    It is built in a temporary folder and moved as a whole: a failed build leaves nothing behind, and what a killed one
    left is removed by the next. Builds of one name wait for each other.
    """
    digest = hashlib.sha256()
    for item in inputs:
        digest.update(item.read_bytes() if isinstance(item, Path) else item.encode())
        digest.update(b"\0")
    directory = paths.CACHE / f"{name}-{digest.hexdigest()[:12]}"
    with locked(paths.CACHE / f"{name}.lock"):
        if not directory.exists():
            with progress.step(text), partial_folder(paths.CACHE / f"{name}.partial") as partial:
                build(partial)
                partial.rename(directory)
    return directory


def dependencies(name: str, pom: Path, *, text: str) -> Path:
    """A folder of the cache with the jars of a pom, and all that they depend on, from Maven's repository.

    Raises:
        ToolError: Maven is missing or failed.
    """

    def copy(directory: Path) -> None:
        command = ["mvn", "-B", "-q", "-f", str(pom), "dependency:copy-dependencies"]
        options = [f"-DoutputDirectory={directory}", "-DincludeScope=runtime"]
        run([*command, *options], needs=DEBIAN_PACKAGES["mvn"])

    return ensure(name, [pom], copy, text=text)


def compile_jar(sources: Path, class_path: Sequence[Path], jar: Path, *, entries: Path | None = None) -> None:
    """Compiles the `.java` files under `sources` into `jar`; `entries` holds further files for it."""
    with tempfile.TemporaryDirectory() as temporary:
        classes = Path(temporary)
        files = [str(file) for file in sorted(sources.rglob("*.java"))]
        joined = os.pathsep.join(f"{directory}/*" for directory in class_path)
        command = ["javac", *JAVAC_OPTIONS, "-cp", joined, "-d", str(classes), *files]
        run(command, needs=DEBIAN_PACKAGES["javac"])
        if entries is not None:
            shutil.copytree(entries, classes, dirs_exist_ok=True)
        with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as out:
            for file in sorted(classes.rglob("*")):
                out.write(file, file.relative_to(classes))


def run(command: Sequence[str], *, needs: str) -> None:
    """Runs a tool to its end.

    Raises:
        ToolError: it is missing (the message names the Debian package `needs`), or failed (the message has the end of
            its output).
    """
    try:
        subprocess.run(
            command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except FileNotFoundError:
        raise ToolError(f"{command[0]} is not installed: install the Debian package {needs}") from None
    except subprocess.CalledProcessError as error:
        output = error.stdout.decode(errors="replace")[-3000:]
        raise ToolError(f"{command[0]} failed with {error.returncode}:\n{output}") from None
