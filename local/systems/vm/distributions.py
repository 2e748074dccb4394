"""What a local VM can boot: Debian 12 by default, or Ubuntu 24.04, as production's default image is."""

import os
from dataclasses import dataclass

VARIABLE = "VM_DISTRIBUTION"


@dataclass(frozen=True)
class Keyring:
    """A package that holds the keys of a distribution's archive, for a machine that is of another one."""

    url: str
    sha256: str
    file: str
    """Where they stand in it."""


@dataclass(frozen=True)
class Distribution:
    """An apt distribution; `sources` are the suites that hold its updates, each with its mirror.

    `java_version` is the one that the local stack asks for.
    """

    name: str
    suite: str
    mirror: str
    components: str
    java_version: int
    sources: tuple[tuple[str, str], ...] = ()
    keyring: Keyring | None = None
    script: str | None = None
    """debootstrap's, where it may be too old to know the suite."""


DEBIAN = Distribution(
    name="debian",
    suite="bookworm",
    mirror="http://deb.debian.org/debian",
    components="main",
    # It has no Java 8.
    java_version=17,
)

_ARCHIVE = "http://archive.ubuntu.com/ubuntu"
UBUNTU = Distribution(
    name="ubuntu",
    suite="noble",
    mirror=_ARCHIVE,
    components="main universe",
    java_version=8,
    sources=((_ARCHIVE, "noble-updates"), ("http://security.ubuntu.com/ubuntu", "noble-security")),
    keyring=Keyring(
        f"{_ARCHIVE}/pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb",
        "36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8",
        "usr/share/keyrings/ubuntu-archive-keyring.gpg",
    ),
    # Every later release has the same steps.
    script="/usr/share/debootstrap/scripts/gutsy",
)

_KNOWN = {one.name: one for one in (DEBIAN, UBUNTU)}


def chosen() -> Distribution:
    """The one that `VM_DISTRIBUTION` names.

    Raises:
        RuntimeError: it names another one.
    """
    name = os.environ.get(VARIABLE) or DEBIAN.name
    if name not in _KNOWN:
        raise RuntimeError(f"{VARIABLE} is {name}; accepted: {', '.join(_KNOWN)}")
    return _KNOWN[name]
