"""The real Pulumi engine: the one on PATH if it fits, else built from its Go module and kept.

A build comes without a Python language host (no package registry has it). bin/ has one, which goes beside the
built engine and nowhere else, so that it never shadows the host of a Pulumi installation.
"""

import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from local.base import golang, paths, progress
from local.base.files import locked, partial_folder, write_atomically
from local.base.golang import Go, ToolchainError

HERE = Path(__file__).resolve().parent
VERSION = re.findall(r"github\.com/pulumi/pulumi/pkg/v3 v(\S+)", (HERE / "go.mod").read_text())[0]
"""The engine that is built. Its only pin is the one in go.mod; `make lock` raises it."""

FITTING = (tuple(int(part) for part in importlib.metadata.version("pulumi").split(".")[:2]), (4, 0))
"""Versions of an installed engine that are used: from the first, the SDK's, to before the second."""

PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
FLAGS = (
    "-trimpath",
    "-ldflags",
    f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{VERSION}",
)
PASSPHRASE = "local"  # noqa: S105  # the local stack's keys are made up and die with it
SDK_DEBUG = "SDK_DEBUG_MESSAGES"
"""Environment variable with which `pulumi --debug` also shows the debug messages of the Python SDK."""

STAND_INS = {"aws": "pulumi-aws", "confluentcloud": "pulumi-confluentcloud"}
"""Plugins that stand-ins answer for, and the Python package whose version the engine will ask for."""


class EngineError(RuntimeError):
    """The engine cannot be had; the message says what is missing and what to do."""


@dataclass(frozen=True)
class Engine:
    """An engine that runs Python programs: the folder to put on PATH first, and the version ("3.258.0")."""

    folder: Path
    version: str

    @property
    def executable(self) -> Path:
        """The `pulumi` command."""
        return self.folder / "pulumi"

    def environment(self, state: Path) -> dict[str, str]:
        """What a `pulumi` of a local stack needs, with everything it keeps in `state/pulumi`.

        The caller puts it over an environment without settings of real accounts. PATH is the present one
        with the engine's folder first. The stand-ins are installed as plugins of the engine: it
        warns about each one that it finds on PATH.
        """
        home = state / "pulumi"
        backend = home / "backend"
        backend.mkdir(parents=True, exist_ok=True)
        for name, package in STAND_INS.items():
            _install(home / "plugins" / f"resource-{name}-v{importlib.metadata.version(package)}", name)
        return {
            "PATH": os.pathsep.join([str(self.folder), *_path_without(self.folder)]),
            "PULUMI_HOME": str(home),
            "PULUMI_BACKEND_URL": f"file://{backend}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            # Commands of seconds, on a machine with memory to spare: Go's garbage collector takes a tenth of their CPU.
            "GOGC": "400",
            "CCLOUD_LOCAL_PYTHON": sys.executable,
            "CCLOUD_LOCAL_ROOT": str(paths.ROOT),
        }


def ensure() -> Engine:
    """The installed engine if it fits, else the built one; builds it if the cache has none (about 6 minutes).

    Raises:
        EngineError: there is none and it cannot be built.
    """
    return _installed() or _built()


def _installed() -> Engine | None:
    found = shutil.which("pulumi")
    if found is None:
        return None
    folder = Path(found).parent
    version = _version_of(Path(found))
    host = shutil.which("pulumi-language-python", path=os.pathsep.join([*_path_without(), str(folder)]))
    if version is None or host is None or not _fits(version):
        return None
    return Engine(folder, version)


def _fits(version: str) -> bool:
    number = tuple(int(part) for part in version.split(".")[:2])
    return FITTING[0] <= number < FITTING[1]


def _version_of(executable: Path) -> str | None:
    """What `pulumi version` says ("v3.258.0"), without the v; None if it does not run."""
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1"}
    try:
        done = subprocess.run(
            [str(executable), "version"], capture_output=True, check=False, text=True, env=environment
        )
    except OSError:
        return None
    match = re.match(r"v?(\d+\.\d+\.\d+)", done.stdout)
    return match.group(1) if done.returncode == 0 and match else None


def _built() -> Engine:
    folder = paths.CACHE / f"engine-{_fingerprint()}"
    with locked(paths.CACHE / "engine.lock"):
        if not (folder / "pulumi").exists():
            _build(folder)
    for script in sorted((HERE / "bin").iterdir()):
        _place(script, folder)
    return Engine(folder, VERSION)


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for content in ((HERE / "go.mod").read_bytes(), (HERE / "go.sum").read_bytes(), " ".join(FLAGS).encode()):
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]


def _build(folder: Path) -> None:
    # One name for every version: a build that was killed leaves up to 3 GB there.
    with partial_folder(paths.CACHE / "engine.partial") as partial:
        go = _go(partial)
        built = partial / "pulumi"
        try:
            with progress.step(f"building the Pulumi engine {VERSION} (once, about 6 minutes)"):
                golang.build(go, HERE, PACKAGE, built, FLAGS)
        except ToolchainError as problem:
            raise EngineError(f"the Pulumi engine is missing: {problem}") from None
        folder.mkdir(exist_ok=True)
        built.rename(folder / "pulumi")


def _go(folder: Path) -> Go:
    try:
        return golang.ensure(HERE, folder)
    except ToolchainError as problem:
        raise EngineError(
            "the Pulumi engine is missing: there is no `pulumi` with its Python language host on PATH, "
            f"and it cannot be built: {problem}\n"
            "Install Pulumi (https://www.pulumi.com/docs/install/) or Go."
        ) from None


def _place(script: Path, folder: Path) -> None:
    """Copies an executable, at once, if its content is new: another run may be starting it right now."""
    target = folder / script.name
    if target.exists() and target.read_bytes() == script.read_bytes():
        return
    write_atomically(target, script.read_bytes(), mode=0o755)


def _install(folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _place(paths.ROOT / "local" / "systems" / "plugins" / "bin" / f"pulumi-resource-{name}", folder)


def _path_without(folder: Path | None = None) -> list[str]:
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return [entry for entry in entries if entry != str(folder)]
