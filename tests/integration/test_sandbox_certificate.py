"""The sandbox's TLS: trusted for loopback alone, for a day, and with no key on a disk."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import verification
from cryptography.x509.oid import NameOID
from tokenguard_sandbox import certificate

from without_posix import hiding

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def served(identity: certificate.Identity, server_name: str) -> x509.Certificate:
    """Shake hands in memory as a client that trusts the authority, and return what was shown."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    trusting = ssl.create_default_context(cadata=identity.authority.decode())
    client = trusting.wrap_bio(to_client, to_server, server_hostname=server_name)
    server = identity.context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return x509.load_der_x509_certificate(client.getpeercert(binary_form=True))


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_a_system_without_files_in_memory_has_the_key_on_a_disk_only_encrypted_and_only_for_a_moment(
    monkeypatch, tmp_path, name
):
    monkeypatch.delattr(certificate.os, "memfd_create")
    monkeypatch.setattr(certificate.tempfile, "tempdir", str(tmp_path))
    written = []
    write = certificate.Path.write_bytes

    def watched(path, content):
        written.append(content)
        return write(path, content)

    monkeypatch.setattr(certificate.Path, "write_bytes", watched)
    assert served(certificate.throw_away_identity(), name)
    [content] = written
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in content
    assert b"BEGIN PRIVATE KEY" not in content
    assert list(tmp_path.iterdir()) == []


def test_a_system_without_what_posix_alone_has_runs_the_sandbox_and_what_runs_in_it():
    command = [sys.executable, "-m", "tokenguard_sandbox", "exec", "--", sys.executable, "-c", "print('ran')"]
    result = subprocess.run(command, env=hiding(os.environ), capture_output=True, text=True, check=False)
    assert (result.stdout, result.returncode) == ("ran\n", 0), result.stderr


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_a_client_that_trusts_the_authority_believes_loopback(name):
    assert served(certificate.throw_away_identity(), name)


@pytest.mark.parametrize("name", ["example.com", "127.0.0.2", "login.microsoftonline.com"])
def test_no_other_name_is_believed(name):
    with pytest.raises(ssl.SSLCertVerificationError):
        served(certificate.throw_away_identity(), name)


def test_the_authority_is_good_for_a_day():
    authority = x509.load_pem_x509_certificate(certificate.throw_away_identity(NOW).authority)
    assert authority.not_valid_after_utc - NOW == timedelta(days=1)
    assert authority.not_valid_before_utc < NOW


@pytest.mark.parametrize(
    ("name", "accepted"), [("localhost", True), ("login.microsoftonline.com", False), ("localhost.example.com", False)]
)
def test_even_a_stolen_authority_can_vouch_for_loopback_alone(monkeypatch, name, accepted):
    """Sign a stranger's certificate with the authority's own key: the constraint is what refuses it."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    remaining = iter(keys)
    monkeypatch.setattr(certificate.ec, "generate_private_key", lambda _curve: next(remaining))
    authority = x509.load_pem_x509_certificate(certificate.throw_away_identity(NOW).authority)
    monkeypatch.undo()
    stranger = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(authority.subject)
        .public_key(keys[1].public_key())
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key()), critical=False)
        .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(keys[0], hashes.SHA256())
    )
    verifier = verification.PolicyBuilder().store(verification.Store([authority])).time(NOW)
    check = verifier.build_server_verifier(x509.DNSName(name)).verify
    if accepted:
        assert check(stranger, [])
    else:
        with pytest.raises(verification.VerificationError):
            check(stranger, [])


def test_no_file_is_opened_for_writing():
    source = """
        import os, sys
        written = []
        def hook(event, arguments):
            if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                written.append(arguments[0])
        from tokenguard_sandbox.certificate import throw_away_identity
        sys.addaudithook(hook)
        throw_away_identity()
        assert not written, written
        open(os.devnull, "w").close()
        assert written  # the hook would have seen it
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(source)], check=True, timeout=60)
