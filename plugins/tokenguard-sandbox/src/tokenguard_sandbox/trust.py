"""Whose signature under an assertion signs the sandbox's client in."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from tokenguard.errors import UsageError


def public_key(path: Path) -> RSAPublicKey:
    """The RSA key in a PEM file: a public key, or the first certificate's. Raises `UsageError`."""
    content = path.read_bytes()
    try:
        key = (
            load_pem_x509_certificate(content).public_key()
            if b"-----BEGIN CERTIFICATE-----" in content
            else load_pem_public_key(content)
        )
    except ValueError as error:
        raise UsageError(f"{path} holds neither a certificate nor a public key", hint="write it as PEM") from error
    if not isinstance(key, RSAPublicKey):
        raise UsageError(f"the key in {path} is not RSA", hint="Entra's client assertions are signed RS256 or PS256")
    return key
