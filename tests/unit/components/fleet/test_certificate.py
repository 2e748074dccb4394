"""The certificate of the VMs: what is made, and when another one is."""

import base64
import pickle
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from components.fleet import certificate
from components.fleet.certificate import VALID_DAYS, make

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_the_archive_has_a_certificate_for_both_ends_with_its_key() -> None:
    made = make("ccloud-logexporter/prod", NOW)
    key, cert, others = pkcs12.load_key_and_certificates(
        base64.b64decode(made["archive"]), made["password"].encode()
    )

    assert key is not None
    assert cert is not None
    assert others == []
    assert key.public_key() == cert.public_key()
    assert cert.issuer == cert.subject
    (name,) = cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "ccloud-logexporter/prod"
    usage = cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(usage) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert cert.not_valid_after_utc == NOW + timedelta(days=VALID_DAYS)
    assert datetime.fromisoformat(made["not_after"]) == cert.not_valid_after_utc
    assert cert.not_valid_before_utc < NOW


def test_no_two_are_the_same() -> None:
    first, second = make("stack", NOW), make("stack", NOW)

    assert first["archive"] != second["archive"]
    assert first["password"] != second["password"]


def test_a_long_name_of_a_stack_is_cut() -> None:
    made = make("p" * 100, NOW)
    _, cert, _ = pkcs12.load_key_and_certificates(
        base64.b64decode(made["archive"]), made["password"].encode()
    )

    assert cert is not None
    (name,) = cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "p" * 64


def test_only_another_generation_or_stack_replaces_it() -> None:
    provider = certificate._Provider()
    known = {"name": "stack", "generation": 1, "archive": "a", "password": "p", "not_after": "n"}

    same = provider.diff("id", known, {"name": "stack", "generation": 1})
    next_one = provider.diff("id", known, {"name": "stack", "generation": 2})

    assert not same.changes
    assert (next_one.changes, next_one.replaces, next_one.delete_before_replace) == (
        True,
        ["generation"],
        False,
    )


def test_the_state_can_name_the_provider() -> None:
    kept = pickle.dumps(certificate._Provider())

    assert b"components.fleet.certificate" in kept
    assert b"PRIVATE KEY" not in kept
    assert isinstance(pickle.loads(kept), certificate._Provider)  # noqa: S301  # made two lines above
