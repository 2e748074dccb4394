"""The image of the local VMs: a distribution with systemd and cloud-init, built once."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import httpx
import tenacity

from local.base import progress
from local.base.files import link_or_copy, locked
from local.base.paths import CACHE
from local.systems.vm import distributions
from local.systems.vm.distributions import DEBIAN, Distribution, Keyring

DEBIAN_PACKAGES = (
    "debootstrap",
    "debian-archive-keyring",
    "iproute2",
    "nftables",
    "passt",
    "systemd-container",
)
"""What the VMs need on the host: to build their image, to boot them, and for their network."""

_BOOTSTRAP = ("systemd", "systemd-sysv", "dbus", "ca-certificates", "python3", "curl", "gpg", "iproute2")
# Ubuntu's cloud image has these, too, and the project's user-data relies on them.
_PACKAGES = ("cloud-init", "logrotate", "procps", "util-linux", "xz-utils")

# What the installation fetches from the distribution, but for unattended-upgrades: its timers would start with the VM.
_PREPARED = ("gpg", "python3-boto3", "unzip")

# The host's settings that lead to its mirror. The image keeps its own defaults and index targets.
_APT_SETTINGS = re.compile(
    r"^Acquire::(https?|Check-Valid-Until|Check-Date|Retries|ForceIPv[46]|Languages)\b"
)
_HOST_CERTIFICATES = Path("/usr/local/share/ca-certificates")
_CLOUD_CONFIG = """\
datasource_list: [ NoCloud, None ]
network: {config: disabled}
# The image's sources: Ubuntu's cloud-init would write its own.
apt: {preserve_sources_list: true}
# As in Ubuntu's cloud image. Debian's minimal system has no other locale.
locale: C.UTF-8
"""


class RootfsError(RuntimeError):
    """The image could not be built; the message ends with the last output."""


def _final_commands(packages: Sequence[str]) -> tuple[str, ...]:
    return (
        "apt-get --quiet update",
        f"apt-get --quiet --yes --no-install-recommends install {' '.join(packages)}",
        "update-ca-certificates",
        "apt-get clean",
        # Each VM must make its own.
        "truncate --size 0 /etc/machine-id",
        "rm -f /var/lib/dbus/machine-id",
    )


@dataclass(frozen=True)
class Recipe:
    """All that goes into an image; a different recipe makes a different image.

    Attributes:
        distribution: of the image.
        mirror: URL that debootstrap reads from.
        sources: text of the image's sources.list.
        settings: text of the host's apt settings.
        certificates: PEM texts of the authorities that the host trusts in addition, by file name.
    """

    distribution: Distribution
    mirror: str
    sources: str
    settings: str
    certificates: dict[str, str]

    @property
    def digest(self) -> str:
        """16 hex digits over the recipe and this module's package lists."""
        whole = [asdict(self), _BOOTSTRAP, _CLOUD_CONFIG, _final_commands(_PACKAGES)]
        return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:16]


def ensure() -> Path:
    """The image's folder; builds the image if it is not in the cache (about 90 seconds). Needs root.

    Raises:
        RootfsError: a step failed.
    """
    recipe = _recipe(distributions.chosen())
    image = CACHE / f"rootfs-{recipe.digest}"
    with _lock():
        if not image.exists():
            with progress.step(f"building the VMs' {recipe.distribution.name.title()} image (once)"):
                _build(recipe, image)
    return image


def ensure_prepared() -> Path:
    """A copy of the image that has the distribution's packages of an installation, Java among them.

    A VM with it boots in half the time, as with an organisation's own image.

    Raises:
        RootfsError: a step failed.
    """
    image = ensure()
    packages = (*_PREPARED, *_java(distributions.chosen()))
    digest = hashlib.sha256(json.dumps(packages).encode()).hexdigest()[:8]
    prepared = image.with_name(f"{image.name}-{digest}")
    with _lock():
        if not prepared.exists():
            with progress.step("building the VMs' image with the packages of an installation (once)"):
                _prepare(image, prepared, packages)
    return prepared


# Packages of the local repository. A new build has the name of the old one and often its size, and apt compares no more
# than the size of a file that is there with the index: the VM would run the old build.
_REBUILT = ("confluent-*", "openjdk-8-*_8u999-*")


def link_archives(folder: Path) -> None:
    """Fills `folder`, one VM's apt archive, with the packages that earlier VMs downloaded.

    Each VM has its own, as apt locks the folder.
    """
    (folder / "partial").mkdir(parents=True, exist_ok=True)
    _link_packages(_archives(), folder)


def keep_archives(folder: Path) -> None:
    """Keeps the packages in `folder` for later VMs."""
    _link_packages(folder, _archives())


def _archives() -> Path:
    folder = CACHE / f"vm-apt-archives-{distributions.chosen().name}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _link_packages(source: Path, target: Path) -> None:
    """Makes hard links within one file system, else copies; each file appears as a whole."""
    for package in source.glob("*.deb"):
        place = target / package.name
        if place.exists() or any(package.match(pattern) for pattern in _REBUILT):
            continue
        partial = target / f".{package.name}.{os.getpid()}"
        link_or_copy(package, partial)
        partial.replace(place)


@cache
def _recipe(distribution: Distribution) -> Recipe:
    """A recipe does not change while this process runs."""
    entries = [
        f"deb {mirror} {suite} {distribution.components}"
        for mirror, suite in ((distribution.mirror, distribution.suite), *distribution.sources)
    ]
    if distribution == DEBIAN:
        entries = _host_sources() or entries
    mirror = next(entry.split()[1] for entry in entries if entry.split()[2] == distribution.suite)
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    return Recipe(
        distribution=distribution,
        mirror=mirror,
        sources="\n".join(entries) + "\n",
        settings="".join(f"{line}\n" for line in dump.splitlines() if _APT_SETTINGS.match(line)),
        certificates={file.name: file.read_text() for file in sorted(_HOST_CERTIFICATES.glob("*.crt"))},
    )


def _host_sources() -> list[str]:
    """The host's own Debian mirrors of the suite; empty on another distribution."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    entries = sorted(
        f"deb {line} main"
        for line in set(listed.splitlines())
        if "debian" in line.split()[0] and line.split()[1].startswith(DEBIAN.suite)
    )
    return entries if any(entry.split()[2] == DEBIAN.suite for entry in entries) else []


def _build(recipe: Recipe, image: Path) -> None:
    partial = image.with_name(f"{image.name}.partial")
    _bootstrap(recipe, partial)
    (partial / "etc/apt/sources.list").write_text(recipe.sources)
    (partial / "etc/apt/apt.conf.d/10machine").write_text(recipe.settings)
    for name, text in recipe.certificates.items():
        (partial / "usr/local/share/ca-certificates" / name).write_text(text)
    # NoCloud reads the seed that `machine` writes. Without a seed, cloud-init does nothing.
    datasources = partial / "etc/cloud/cloud.cfg.d/99-local.cfg"
    datasources.parent.mkdir(parents=True, exist_ok=True)
    datasources.write_text(_CLOUD_CONFIG)
    _finish(partial, _PACKAGES)
    partial.rename(image)


def _prepare(image: Path, prepared: Path, packages: Sequence[str]) -> None:
    partial = prepared.with_name(f"{prepared.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    _run("cp", "--archive", "--reflink=auto", str(image), str(partial))
    _finish(partial, packages)
    partial.rename(prepared)


def _java(distribution: Distribution) -> tuple[str, ...]:
    return tuple(f"openjdk-{distribution.java_version}-{part}-headless" for part in ("jre", "jdk"))


def _finish(root: Path, packages: Sequence[str]) -> None:
    """Installs the packages, and removes what belongs to one machine alone."""
    container = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--resolv-conf=copy-host", "-D"]
    for command in _final_commands(packages):
        # The existing configuration files are those written above: dpkg keeps them without a question.
        script = f"export DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1; {command}"
        _run(*container, str(root), "/bin/sh", "-ec", script)
    (root / "etc/hostname").unlink(missing_ok=True)


def _tell_failure(state: tenacity.RetryCallState) -> None:
    if state.outcome is not None:
        progress.say(f"  attempt {state.attempt_number} failed: {state.outcome.exception()}")


# debootstrap ends at whatever goes wrong, also at what passes, such as a connection that breaks off.
@tenacity.retry(
    retry=tenacity.retry_if_exception_type(RootfsError),
    stop=tenacity.stop_after_attempt(3),
    before_sleep=_tell_failure,
    reraise=True,
)
def _bootstrap(recipe: Recipe, root: Path) -> None:
    """Makes the system in the folder `root`, which it empties before each of up to three attempts."""
    shutil.rmtree(root, ignore_errors=True)
    distribution = recipe.distribution
    options = [
        "--variant=minbase",
        f"--components={distribution.components.replace(' ', ',')}",
        f"--include={','.join(_BOOTSTRAP)}",
    ]
    script = [] if distribution.script is None else [distribution.script]
    with tempfile.TemporaryDirectory() as folder:
        if distribution.keyring is not None:
            options.append(f"--keyring={_keys(distribution.keyring, Path(folder))}")
        command = ("debootstrap", *options, distribution.suite, str(root), recipe.mirror, *script)
        _run(*command, log=root / "debootstrap/debootstrap.log")


def _keys(keyring: Keyring, folder: Path) -> Path:
    """Extracts the archive's public keys from their package; returns their file."""
    package = folder / "keyring.deb"
    try:
        package.write_bytes(
            httpx.get(keyring.url, timeout=300, follow_redirects=True).raise_for_status().content
        )
    except httpx.HTTPError as error:
        raise RootfsError(f"{keyring.url} cannot be downloaded: {error}") from None
    if hashlib.sha256(package.read_bytes()).hexdigest() != keyring.sha256:
        raise RootfsError(f"{keyring.url} has another SHA-256 than {keyring.sha256}")
    _run("dpkg-deb", "--extract", str(package), str(folder))
    return folder / keyring.file


def _run(*command: str, log: Path | None = None) -> None:
    """Runs a step to its end. `log`: a file in which the command says why it fails."""
    result = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    if result.returncode != 0:
        told = result.stdout[-3000:]
        if log is not None and log.exists():
            told += f"{log.name}:\n{log.read_text(errors='replace')[-3000:]}"
        raise RootfsError(f"{' '.join(command[:2])} ... ended with {result.returncode}:\n{told}")


def _lock() -> AbstractContextManager[None]:
    return locked(CACHE / "rootfs.lock")
