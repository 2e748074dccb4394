"""FleetCertificate: one self-signed certificate with its key, with which the VMs of a Connect cluster know each other.

Pulumi keeps a dynamic provider in the state as a reference to its class by this module's path, which must therefore stay
importable.
"""

import base64
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider

VALID_DAYS = 3650
"""No authority stands behind the certificate: the VMs trust this one alone, so its age says little about its safety."""


class _Provider(ResourceProvider):
    # The pickled reference contains no secret.
    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        made = make(props["name"], datetime.now(UTC))
        return CreateResult(id_=f"{props['name']}-{props['generation']}", outs={**props, **made})

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        replaces = [name for name in ("name", "generation") if _olds[name] != _news[name]]
        return DiffResult(changes=bool(replaces), replaces=replaces, stables=[], delete_before_replace=False)


class FleetCertificate(Resource, module="logexporter", name="FleetCertificate"):
    """A key pair. Another `generation` is another one.

    Outputs: `archive`, a PKCS #12 file in base64; `password` of that file; `not_after`, the end of the validity, in ISO
    8601. The first two are secret.
    """

    archive: pulumi.Output[str]
    password: pulumi.Output[str]
    not_after: pulumi.Output[str]

    def __init__(
        self, name: str, subject: str, generation: int, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        made = {"archive": None, "password": None, "not_after": None}
        super().__init__(
            _Provider(),
            name,
            {"name": subject, "generation": generation, **made},
            pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(additional_secret_outputs=["archive", "password"])
            ),
        )


def make(subject: str, now: datetime) -> Mapping[str, str]:
    """The outputs of `FleetCertificate`. `subject`: the certificate's common name, cut to the 64 characters of X.520."""
    # Only here: a preview needs none of it, and the import takes long.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12  # noqa: PLC0415
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject[:64])])
    usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    end = now + timedelta(days=VALID_DAYS)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A VM's clock may be behind.
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(end)
        .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
        .sign(key, hashes.SHA256())
    )
    password = secrets.token_urlsafe(32)
    encryption = BestAvailableEncryption(password.encode())
    archive = pkcs12.serialize_key_and_certificates(b"fleet", key, certificate, None, encryption)
    return {
        "archive": base64.b64encode(archive).decode(),
        "password": password,
        "not_after": end.isoformat(timespec="seconds"),
    }
