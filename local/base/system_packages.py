"""Debian packages that the local stack needs on the machine itself."""

import os
import shutil
import subprocess
import sys
from collections.abc import Collection

from local.base import progress


class SystemPackagesError(RuntimeError):
    """The machine cannot run the local stack, or apt failed; the message says what to do."""


def ensure(names: Collection[str]) -> None:
    """Installs those of `names` that are missing.

    Raises:
        SystemPackagesError: not Linux, not root, no apt, or apt failed.
    """
    check_machine()
    missing = sorted(name for name in names if not is_installed(name))
    if not missing:
        return
    with progress.step(f"installing Debian packages: {', '.join(missing)}"):
        _apt_get("update")
        _apt_get("install", "--yes", "--no-install-recommends", *missing)


def check_machine() -> None:
    """Checks that this machine can run the local stack.

    Raises:
        SystemPackagesError: not Linux, not root or no apt.
    """
    if sys.platform != "linux":
        raise SystemPackagesError(
            "the local stack boots a Debian VM and runs on Linux only: use a Linux machine or VM"
        )
    if os.geteuid() != 0:
        raise SystemPackagesError(
            "the local stack boots a VM with systemd-nspawn and needs root: run it as root or with sudo"
        )
    if shutil.which("apt-get") is None:
        raise SystemPackagesError("the local stack installs its tools with apt-get: use Debian or Ubuntu")


def is_installed(name: str) -> bool:
    """Whether dpkg has the package, fully installed."""
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", name]
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout == "installed"


def _apt_get(*arguments: str) -> None:
    result = subprocess.run(
        ["apt-get", "--quiet", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        tail = (result.stdout + result.stderr)[-2000:]
        raise SystemPackagesError(f"apt-get {' '.join(arguments)} failed:\n{tail}")
