"""Asks the package repository and the connector's server for what a new VM would install today."""

import base64
import bz2
import gzip
import hashlib
import lzma
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx

from components.loopback import LOOPBACK
from components.settings import Settings
from scripts.preflight.model import Archive, CheckError, Package, RepositoryKey, State

_TIMEOUT = httpx.Timeout(8.0, connect=4.0)

_OPENED: Mapping[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".xz": lzma.decompress,
    ".bz2": bz2.decompress,
    "": bytes,
}
"""Suffix of an index -> how it is unpacked."""

_NETWORK = "check the network and a proxy; the VM needs the address, too"


def package(settings: Settings, architecture: str) -> Package:
    """The package that apt would install. `architecture`: as Debian names it, `amd64` or `arm64`.

    Source of the files: Debian wiki, "DebianRepository/Format". As apt does, it takes only an index whose SHA-256 the
    release file names; it does not check the release file's own signature, which the VM checks.

    Raises:
        CheckError: there is no such repository, or it does not answer.
    """
    worker = settings.worker
    root = f"{worker.repository_url}/{worker.platform_version}/dists/stable"
    index = _index(root, architecture)
    versions = sorted(_versions(index, worker.package), key=version_order)
    wanted = worker.package_version
    newest = versions[-1] if versions else None
    return Package(worker.package, (wanted if wanted in versions else None) if wanted else newest, newest)


def _index(root: str, architecture: str) -> str:
    release = _text(f"{root}/InRelease") or _text(f"{root}/Release")
    if release is None:
        raise CheckError(
            f"there is no repository at {root}",
            "correct worker.repositoryUrl and worker.platformVersion",
            State.BROKEN,
        )
    name = f"main/binary-{architecture}/Packages"
    sums = {
        path: digest
        for digest, path in re.findall(r"^ ([0-9a-f]{64}) +\d+ (\S+)$", release, re.MULTILINE)
        if path.startswith(name)
    }
    for suffix, opened in _OPENED.items():
        found = _bytes(f"{root}/{name}{suffix}") if name + suffix in sums else None
        if found is not None:
            if hashlib.sha256(found).hexdigest() != sums[name + suffix]:
                raise CheckError(
                    f"{root}/{name}{suffix} is not what the release file names",
                    "a mirror may be in the middle of an update: try again, then ask its owner",
                    State.BROKEN,
                )
            return opened(found).decode()
    raise CheckError(
        f"{root} has no packages for {architecture}", "choose another worker.instanceType", State.BROKEN
    )


def _versions(index: str, name: str) -> Iterator[str]:
    for paragraph in index.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version): (\S+)$", paragraph, re.MULTILINE))
        if fields.get("Package") == name and "Version" in fields:
            yield fields["Version"]


def version_order(version: str) -> list[tuple[int, str]]:
    """A sort key for versions of one package, which all have the same form (7.9.2-1): numbers by their value."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"\d+|\D+", version)]


def repository_key(settings: Settings) -> RepositoryKey:
    """The keys in the file that the VM fetches.

    Raises:
        CheckError: there is no such file, or it holds no OpenPGP key.
    """
    url = settings.worker.key_url
    found = _bytes(url)
    if found is None:
        raise CheckError(f"there is no {url}", "correct worker.repositoryKeyUrl", State.BROKEN)
    fingerprints = tuple(fingerprints_in(found))
    if not fingerprints:
        raise CheckError(f"{url} holds no OpenPGP key", "correct worker.repositoryKeyUrl", State.BROKEN)
    return RepositoryKey(fingerprints)


def fingerprints_in(keys: bytes) -> Iterator[str]:
    """The fingerprints of the primary keys in a file, armored or not: 40 hexadecimal digits each.

    Source: RFC 4880, 4.2 (packets), 6.2 (armor), 12.2 (fingerprint of version 4: SHA-1 of 0x99, two bytes of length and
    the packet).
    """
    blocks = re.findall(
        rb"-----BEGIN PGP PUBLIC KEY BLOCK-----(.*?)-----END PGP PUBLIC KEY BLOCK-----", keys, re.DOTALL
    )
    for raw in [_dearmored(block) for block in blocks] if blocks else [keys]:
        for tag, body in _packets(raw):
            if tag == 6 and body[:1] == b"\x04":
                digest = hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False)
                yield digest.hexdigest().upper()


def _dearmored(block: bytes) -> bytes:
    # Headers end with an empty line; the last line may be a checksum, which begins with `=`.
    body = block.replace(b"\r", b"").partition(b"\n\n")[2]
    lines = [line for line in body.split(b"\n") if line and not line.startswith(b"=")]
    try:
        return base64.b64decode(b"".join(lines), validate=True)
    except ValueError:
        return b""


def _packets(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and body of each packet, up to the first that is not complete."""
    place = 0
    while place < len(raw) and raw[place] & 0x80:
        header = raw[place]
        if header & 0x40:
            tag, size, place = header & 0x3F, *_new_length(raw, place + 1)
        else:
            width = 1 << (header & 3)
            tag, size = (header >> 2) & 0x0F, int.from_bytes(raw[place + 1 : place + 1 + width], "big")
            place += 1 + width
        if size < 0 or place + size > len(raw):
            return
        yield tag, raw[place : place + size]
        place += size


def _new_length(raw: bytes, place: int) -> tuple[int, int]:
    """The length of a packet of the new format and where its body begins; -1 for a partial length, which keys lack."""
    first = raw[place] if place < len(raw) else 255
    if first < 192:
        return first, place + 1
    if first < 224 and place + 1 < len(raw):
        return ((first - 192) << 8) + raw[place + 1] + 192, place + 2
    if first == 255:
        return int.from_bytes(raw[place + 1 : place + 5], "big"), place + 5
    return -1, place


def archive(settings: Settings, *, download: bool) -> Archive:
    """The connector's zip; `download` fetches all of it for its SHA-256.

    Raises:
        CheckError: it is not there, or its server does not answer.
    """
    url = settings.connector.download_url
    digest = hashlib.sha256()
    with _opened(url) as client:
        try:
            # Not HEAD: a server may refuse it where it answers GET.
            with client.stream("GET", url) as response:
                if response.status_code in (403, 404, 410):
                    raise CheckError(
                        f"{url} is not there (HTTP {response.status_code})",
                        "correct connector.version or connector.archiveUrl",
                        State.BROKEN,
                    )
                response.raise_for_status()
                size = int(response.headers.get("content-length") or 0) or None
                if not download:
                    return Archive(size, None)
                count = 0
                for chunk in response.iter_bytes():
                    digest.update(chunk)
                    count += len(chunk)
        except httpx.HTTPError as error:
            raise _unreachable(url, error) from None
    return Archive(count, digest.hexdigest())


def _text(url: str) -> str | None:
    found = _bytes(url)
    return None if found is None else found.decode(errors="replace")


def _bytes(url: str) -> bytes | None:
    """The content; None if it is not there."""
    with _opened(url) as client:
        try:
            response = client.get(url)
            if response.status_code in (403, 404, 410):
                return None
            response.raise_for_status()
        except httpx.HTTPError as error:
            raise _unreachable(url, error) from None
        return response.content


def _opened(url: str) -> httpx.Client:
    options: Any = {"timeout": _TIMEOUT, "follow_redirects": True}
    # A file of the repository must come as it is stored: its SHA-256 is checked.
    headers = {"Accept-Encoding": "identity"}
    return httpx.Client(trust_env=httpx.URL(url).host not in LOOPBACK, headers=headers, **options)


def _unreachable(url: str, error: httpx.HTTPError) -> CheckError:
    answer = (
        f"answers {error.response.status_code}"
        if isinstance(error, httpx.HTTPStatusError)
        else f"does not answer: {type(error).__name__}"
    )
    return CheckError(f"{url} {answer}", _NETWORK)
