"""TLS for a day: an authority that can vouch for this machine only, and no key of which is legible on a disk."""

from __future__ import annotations

import os
import secrets
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFE = timedelta(days=1)
_PURPOSES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")


@dataclass(frozen=True, slots=True)
class Identity:
    """What a server shows, and what its clients must trust to believe it."""

    context: ssl.SSLContext
    authority: bytes
    """The authority's certificate, PEM. Public; its key is gone."""


def throw_away_identity(now: datetime | None = None) -> Identity:
    """Make an authority, have it sign one certificate for loopback names, and forget its key."""
    now = now or datetime.now(UTC)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = _name("tokenguard sandbox, throw-away authority")
    authority = (
        _builder(authority_name, authority_name, authority_key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(_loopback_only(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    leaf = (
        _builder(_name("tokenguard sandbox"), authority_name, key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_loopback_names(), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    return Identity(_context(leaf, key), authority.public_bytes(Encoding.PEM))


def _context(leaf: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> ssl.SSLContext:
    """A server's context. OpenSSL's door in Python takes a file only.

    Where the system has one that exists in memory alone, it is that; else one that is gone at once, with the key in it
    encrypted with a password that nobody is told.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def chain(sealed: KeySerializationEncryption) -> bytes:
        return leaf.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed)

    if hasattr(os, "memfd_create"):
        file = os.memfd_create("tokenguard-sandbox")
        try:
            os.write(file, chain(NoEncryption()))
            context.load_cert_chain(f"/proc/self/fd/{file}")
        finally:
            os.close(file)
    else:
        password = secrets.token_urlsafe(32)
        with tempfile.TemporaryDirectory(prefix="tokenguard-sandbox-") as folder:
            path = Path(folder) / "server.pem"
            path.write_bytes(chain(BestAvailableEncryption(password.encode())))
            context.load_cert_chain(path, password=password)
    return context


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))  # clocks of containers differ a little
        .not_valid_after(now + _LIFE)
    )


def _usage(*granted: str) -> x509.KeyUsage:
    every = (*_PURPOSES, "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{purpose: purpose in granted for purpose in every})


def _loopback_names() -> x509.SubjectAlternativeName:
    addresses = [x509.IPAddress(ip_address(each)) for each in ("127.0.0.1", "::1")]
    return x509.SubjectAlternativeName([x509.DNSName("localhost"), *addresses])


def _loopback_only() -> x509.NameConstraints:
    networks = [x509.IPAddress(ip_network(each)) for each in ("127.0.0.1/32", "::1/128")]
    return x509.NameConstraints([x509.DNSName("localhost"), *networks], None)
