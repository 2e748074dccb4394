"""Fingerprints and versions, without a server."""

import base64
import hashlib

import pytest

from scripts.preflight.packages import fingerprints_in, version_order

BODY = b"\x04" + bytes(range(60))


def fingerprint(body: bytes = BODY) -> str:
    return (
        hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False).hexdigest().upper()
    )


def packet(body: bytes = BODY, tag: int = 6, *, new: bool = True) -> bytes:
    if new:
        length = bytes([len(body)]) if len(body) < 192 else b"\xff" + len(body).to_bytes(4, "big")
        return bytes([0xC0 | tag]) + length + body
    return bytes([0x80 | tag << 2 | 1]) + len(body).to_bytes(2, "big") + body


def armored(raw: bytes) -> bytes:
    text = base64.b64encode(raw)
    return (
        b"-----BEGIN PGP PUBLIC KEY BLOCK-----\nVersion: 1\n\n"
        + text[:64]
        + b"\n"
        + text[64:]
        + b"\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n"
    )


@pytest.mark.parametrize("new", [True, False], ids=["new format", "old format"])
@pytest.mark.parametrize("form", [armored, bytes], ids=["armored", "binary"])
def test_a_key_has_the_fingerprint_of_its_packet(new: bool, form: type[bytes]) -> None:
    assert list(fingerprints_in(form(packet(new=new)))) == [fingerprint()]


def test_a_file_may_have_several_keys_with_subkeys() -> None:
    other = b"\x04" + bytes(300)
    raw = packet() + packet(b"name", tag=13) + packet(BODY, tag=14) + packet(other)

    assert list(fingerprints_in(raw)) == [fingerprint(), fingerprint(other)]
    assert list(fingerprints_in(armored(packet()) + armored(packet(other)))) == [
        fingerprint(),
        fingerprint(other),
    ]


@pytest.mark.parametrize(
    "raw", [b"", b"<html>not found</html>", packet()[:-1], armored(b"")[:40], b"\xc6"], ids=range(5)
)
def test_other_files_have_no_key(raw: bytes) -> None:
    assert list(fingerprints_in(raw)) == []


def test_versions_are_ordered_by_their_numbers() -> None:
    versions = ["7.9.10-1", "7.9.2-1", "7.9.2-10", "7.9.0-1"]

    assert sorted(versions, key=version_order) == ["7.9.0-1", "7.9.2-1", "7.9.2-10", "7.9.10-1"]
