"""What a local VM can boot: Debian 12 by default, or Ubuntu 24.04, which production's default image is."""

import os
from dataclasses import dataclass

VARIABLE = "VM_DISTRIBUTION"


@dataclass(frozen=True)
class Keyring:
    """A package with the keys of a distribution's archive, for a host that runs another distribution."""

    url: str
    sha256: str
    file: str
    """The path of the keys in the package."""


@dataclass(frozen=True)
class Distribution:
    """A distribution that uses apt.

    `sources` are the suites with its updates, each as (mirror, suite). `java_version` is the Java that the local stack
    installs.
    """

    name: str
    suite: str
    mirror: str
    components: str
    java_version: int
    sources: tuple[tuple[str, str], ...] = ()
    keyring: Keyring | None = None
    script: str | None = None
    """debootstrap's script for the suite, where the host's debootstrap may be too old to know it."""


DEBIAN = Distribution(
    name="debian",
    suite="bookworm",
    mirror="http://deb.debian.org/debian",
    components="main",
    # Debian 12 has no Java 8.
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
    # debootstrap's steps are the same for every later release.
    script="/usr/share/debootstrap/scripts/gutsy",
)

_KNOWN = {distribution.name: distribution for distribution in (DEBIAN, UBUNTU)}


def chosen() -> Distribution:
    """The distribution that `VM_DISTRIBUTION` names; Debian if it is empty.

    Raises:
        RuntimeError: it names an unknown one.
    """
    name = os.environ.get(VARIABLE) or DEBIAN.name
    if name not in _KNOWN:
        raise RuntimeError(f"{VARIABLE} is {name}; accepted: {', '.join(_KNOWN)}")
    return _KNOWN[name]
