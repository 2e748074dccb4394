"""The signed repository on disk, laid out as packages.confluent.io lays out its own."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local.base import java
from local.base.files import link_or_copy
from local.systems.packages import debs
from local.systems.vm import distributions

_ARCHITECTURES = ("amd64", "arm64")
_RELEASE = [
    f"-oAPT::FTPArchive::Release::{name}={value}"
    for name, value in {
        "Origin": "ccloud-logexporter",
        "Label": "ccloud-logexporter",
        "Suite": "stable",
        "Codename": "stable",
        "Architectures": " ".join(_ARCHITECTURES),
        "Components": "main",
    }.items()
]
_USER = "Local package repository"


def ensure(directory: Path) -> str:
    """Creates `directory/deb/<platform>/...` for each line; returns the fingerprint of their key (40 hex digits).

    It keeps what exists. The private key is deleted as soon as the indexes are signed.

    Raises:
        ToolError: gpg, Maven or dpkg-deb is missing or failed.
    """
    built = debs.ensure()
    roots = {directory / "deb" / line.platform: _offered(built, line.platform) for line in debs.LINES}
    offered = [f"{root.name}/{built.name}/{deb.name}" for root, packages in roots.items() for deb in packages]
    record = directory / "repository.json"
    if record.exists():
        known = json.loads(record.read_text())
        if known["debs"] == offered:
            return str(known["key_fingerprint"])
    for root, packages in roots.items():
        shutil.rmtree(root, ignore_errors=True)
        _write_index(root, packages)
    fingerprint = _sign(roots)
    record.write_text(json.dumps({"debs": offered, "key_fingerprint": fingerprint}))
    return fingerprint


def _offered(built: Path, platform: str) -> list[Path]:
    """The packages of a line, without Java where the VM's distribution has its own."""
    own_java = distributions.chosen() != distributions.DEBIAN
    return [
        deb for deb in debs.offered(built, platform) if not (own_java and deb.name.startswith("openjdk-"))
    ]


def _write_index(root: Path, packages: Iterable[Path]) -> None:
    pool = root / "pool" / "main" / "c"
    pool.mkdir(parents=True)
    for deb in packages:
        # No symbolic link: apt-ftparchive may write where it leads instead of the name in the pool.
        link_or_copy(deb, pool / deb.name)
    stable = root / "dists" / "stable"
    listing = _ftparchive(root, "packages", "pool")
    for architecture in _ARCHITECTURES:
        index = stable / "main" / f"binary-{architecture}" / "Packages"
        index.parent.mkdir(parents=True)
        index.write_text(listing)
    (stable / "Release").write_text(_ftparchive(root, *_RELEASE, "release", "dists/stable"))


def _ftparchive(root: Path, *arguments: str) -> str:
    command = ["apt-ftparchive", *arguments]
    return subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout


def _sign(roots: Iterable[Path]) -> str:
    """Signs every line's index with one key, as Confluent does."""
    with _keyring() as gpg:
        java.run([*gpg, "--passphrase", "", "--quick-generate-key", _USER, "ed25519", "sign"], needs="gpg")
        for root in roots:
            stable = root / "dists" / "stable"
            java.run([*gpg, "--output", str(root / "archive.key"), "--armor", "--export", _USER], needs="gpg")
            for mode, signed in (("--clearsign", "InRelease"), ("--detach-sign", "Release.gpg")):
                arguments = ["--armor", "--output", str(stable / signed), mode, str(stable / "Release")]
                java.run([*gpg, *arguments], needs="gpg")
        listing = subprocess.run(
            [*gpg, "--with-colons", "--list-keys"], check=True, stdout=subprocess.PIPE, text=True
        ).stdout
    return next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))


@contextmanager
def _keyring() -> Iterator[list[str]]:
    """gpg with a temporary keyring; its agent ends with the block."""
    # A short path: the agent's socket is in it, and the path of a socket is limited.
    with tempfile.TemporaryDirectory(prefix="gpg") as home:
        try:
            yield ["gpg", "--batch", "--quiet", "--homedir", home, "--pinentry-mode", "loopback"]
        finally:
            environment = {**os.environ, "GNUPGHOME": home}
            if shutil.which("gpgconf"):
                subprocess.run(["gpgconf", "--kill", "gpg-agent"], check=False, env=environment)
