"""The certificate of the brokers and the authority that signed it."""

import datetime
import ipaddress
import shutil
import ssl
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local.base.files import write_atomically

_LIFETIME = datetime.timedelta(days=365)
_FILES = ("ca.pem", "trusted.pem", "broker.pem")


def ensure(directory: Path) -> None:
    """Writes `ca.pem`, `trusted.pem` and `broker.pem` (key and certificate, 0600) unless they are there.

    The authority's key is not kept: it signs nothing else.
    """
    ca_file, broker_file = directory / "ca.pem", directory / "broker.pem"
    if ca_file.exists() and broker_file.exists():
        return
    ca_key, broker_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name, broker_name = _name("Local stack's Kafka authority"), _name("localhost")
    ca = (
        _builder(ca_name, ca_name, ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]
    broker = (
        _builder(broker_name, ca_name, broker_key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    key = broker_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_atomically(broker_file, key + broker.public_bytes(serialization.Encoding.PEM), mode=0o600)
    ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    (directory / "trusted.pem").write_bytes(_trusted_anyway() + ca_file.read_bytes())


def share(source: Path, destination: Path) -> None:
    """Gives another broker of this machine the files of the first one, so that who trusts that one trusts it, too."""
    destination.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        shutil.copy(source / name, destination)


def _trusted_anyway() -> bytes:
    """This machine's certificate authorities; those of certifi if it names none."""
    file = ssl.get_default_verify_paths().cafile
    return Path(file or certifi.where()).read_bytes().rstrip() + b"\n"


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        # A machine whose clock is slow must accept it too.
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + _LIFETIME)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
