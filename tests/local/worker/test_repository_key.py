"""Which keys of the repository's key file apt trusts: the installation in the image of the local VMs. Needs root.

Nothing is booted. gpg, curl and apt are real; apt has the local repository only, and installs nothing.
"""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from components.worker import bundle, cloud_config
from components.worker.bundle import INSTALL_SCRIPT
from local.base import http
from local.systems.packages import server
from local.systems.vm import rootfs
from tests.unit.components.worker.test_rendered import config

APT_GET = """#!/bin/sh
case "$*" in
*" update") exec /usr/bin/apt-get -o Dir::Etc::SourceList=/dev/null "$@" ;;
*" ca-certificates "*) exit 0 ;;
*) exit 100 ;;
esac
"""
INSTALLED_KEY = "/etc/apt/keyrings/confluent.asc"
RUN = f"cp -a /mnt/. / && {INSTALL_SCRIPT}; echo exit code $?; gpg --with-colons --show-keys {INSTALLED_KEY}"
REACHED = "install: FAILED in step: Java and Kafka Connect (exit code 1)"
REFUSED = "install: FAILED in step: package repository's key (exit code 1)"


@dataclass(frozen=True)
class Key:
    """A public key."""

    armored: str
    fingerprint: str


@pytest.fixture(scope="module")
def own(packages: Mapping[str, Any]) -> Key:
    """The key that signs the repository."""
    url = f"{packages['repository_url']}/7.9/archive.key"
    return Key(http.get(url).raise_for_status().text, packages["key_fingerprint"])


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Key:
    """A key with a subkey, as a repository's key may have."""
    home = tmp_path_factory.mktemp("g")
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback"]
    subprocess.run([*gpg, "--passphrase", "", "--quick-generate-key", "Other", "ed25519", "sign"], check=True)
    fingerprint = fingerprints(shown([*gpg, "--with-colons", "--list-keys"]))[0]
    subprocess.run([*gpg, "--passphrase", "", "--quick-add-key", fingerprint, "ed25519", "sign"], check=True)
    armored = shown([*gpg, "--armor", "--export", "Other"])
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"], check=True)
    return Key(armored, fingerprint)


def dearmored(key: Key) -> bytes:
    return subprocess.run(
        ["gpg", "--dearmor"], input=key.armored.encode(), check=True, stdout=subprocess.PIPE
    ).stdout


def shown(command: Sequence[str]) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def fingerprints(colons: str) -> list[str]:
    """The fingerprints of the primary keys in a listing of gpg."""
    return re.findall(r"^pub:.*\nfpr:+([0-9A-F]{40}):", colons, re.MULTILINE)


@dataclass
class Vm:
    """An image with the files of the loader and of the bundle."""

    folder: Path
    packages: Mapping[str, Any]

    def install(self, key_file: str | bytes, expected: list[str]) -> str:
        """The output of the installation up to its call of apt, and the fingerprints that apt trusts."""
        served = self.folder / "served"
        served.mkdir()
        (served / "archive.key").write_bytes(key_file if isinstance(key_file, bytes) else key_file.encode())
        with server.bind(served, 0) as keys:
            Thread(target=keys.serve_forever, daemon=True).start()
            worker = {
                "repositoryUrl": self.packages["repository_url"],
                "repositoryKeyUrl": f"http://127.0.0.1:{keys.server_port}/archive.key",
                "repositoryKeyFingerprint": expected,
                "metrics": False,
            }
            output = self._run(config(worker=worker))
            keys.shutdown()
        return output

    def _run(self, settings: Any) -> str:
        made = bundle.files(settings)
        made |= cloud_config.files(settings, bundle.pack(made), number=1)
        files = {path: (file.content, file.permissions) for path, file in made.items()}
        files["/usr/local/sbin/apt-get"] = (APT_GET, "0755")
        files["/usr/local/sbin/sleep"] = ("#!/bin/sh\n", "0755")
        image = self.folder / "files"
        for path, (content, permissions) in files.items():
            target = image / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
            target.chmod(int(permissions, 8))
        return subprocess.run(
            [
                *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--volatile=overlay"),
                f"--directory={rootfs.ensure()}",
                f"--bind-ro={image}:/mnt",
                *("--pipe", "sh", "-c", f"exec 2>&1\n{RUN}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        ).stdout


@pytest.fixture
def vm(tmp_path: Path, packages: Mapping[str, Any]) -> Vm:
    return Vm(tmp_path, packages)


def test_the_expected_key_alone_is_trusted(vm: Vm, own: Key) -> None:
    output = vm.install(own.armored, [own.fingerprint])

    assert REACHED in output
    assert fingerprints(output) == [own.fingerprint]


@pytest.mark.parametrize("first", ["own", "foreign"])
def test_of_two_keys_in_the_file_only_the_expected_one_is_trusted(
    vm: Vm, own: Key, foreign: Key, first: str
) -> None:
    both = [own.armored, foreign.armored] if first == "own" else [foreign.armored, own.armored]

    output = vm.install("".join(both), [own.fingerprint])

    assert REACHED in output
    assert fingerprints(output) == [own.fingerprint]


def test_a_foreign_key_is_refused_and_named(vm: Vm, own: Key, foreign: Key) -> None:
    output = vm.install(foreign.armored, [own.fingerprint])

    assert REFUSED in output
    assert f"archive.key is {foreign.fingerprint}, expected {own.fingerprint}\n" in output
    assert fingerprints(output) == []


def test_a_subkeys_fingerprint_is_not_that_of_the_key(vm: Vm, foreign: Key) -> None:
    listed = subprocess.run(
        ["gpg", "--with-colons", "--show-keys"],
        input=foreign.armored,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    _, subkey = re.findall(r"^fpr:+([0-9A-F]{40}):", listed, re.MULTILINE)

    output = vm.install(foreign.armored, [subkey])

    assert REFUSED in output
    assert fingerprints(output) == []


def test_two_expected_keys_are_both_trusted(vm: Vm, own: Key, foreign: Key) -> None:
    output = vm.install(own.armored + foreign.armored, [foreign.fingerprint, own.fingerprint])

    assert REACHED in output
    assert sorted(fingerprints(output)) == sorted([own.fingerprint, foreign.fingerprint])


def test_one_of_two_expected_keys_is_enough(vm: Vm, own: Key, foreign: Key) -> None:
    output = vm.install(own.armored, [foreign.fingerprint, own.fingerprint])

    assert REACHED in output
    assert fingerprints(output) == [own.fingerprint]


def test_a_key_that_the_vms_gpg_does_not_know_is_ignored_beside_the_expected_key(vm: Vm, own: Key) -> None:
    # OpenPGP packets: a primary key of an algorithm that no version of gpg has, and its user ID.
    material = bytes([4, 0, 0, 0, 1, 99]) + bytes(32)
    unknown = bytes([0xC6, len(material)]) + material + bytes([0xCD, 3]) + b"new"

    output = vm.install(dearmored(own) + unknown, [own.fingerprint])

    assert REACHED in output, output
    assert fingerprints(output) == [own.fingerprint]


def test_a_key_file_that_was_damaged_is_refused(vm: Vm, own: Key) -> None:
    lines = own.armored.splitlines(keepends=True)

    output = vm.install("".join([*lines[:2], *lines[3:]]), [own.fingerprint])

    assert REFUSED in output
    assert fingerprints(output) == []


def test_a_key_file_may_be_binary(vm: Vm, own: Key, foreign: Key) -> None:
    output = vm.install(dearmored(foreign) + dearmored(own), [own.fingerprint])

    assert REACHED in output
    assert fingerprints(output) == [own.fingerprint]


def test_a_file_without_any_key_is_refused(vm: Vm, own: Key) -> None:
    output = vm.install("<html>Not found</html>\n", [own.fingerprint])

    assert REFUSED in output
    assert f"archive.key is none, expected {own.fingerprint}\n" in output
