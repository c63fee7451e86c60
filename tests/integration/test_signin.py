"""Signing in with the unmodified azure-identity: every way that works without a person, and every way to fail."""

import datetime
import http.server
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace

import httpx
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from live import POLICIES, TOKEN_SERVICE, quiet_sdk
from tokenguard.entra.github import fetch_assertion
from tokenguard.entra.live import open_live
from tokenguard.entra.trust import proxy_for
from tokenguard.errors import DocumentError, SourceError, UsageError
from tokenguard.hookspecs import LiveTarget, ReadFailure

pytestmark = quiet_sdk

CERTIFICATE_VARIABLES = {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}
SECRET = {"AZURE_CLIENT_SECRET"}


def target(sandbox, auth="default", without=(), tenant="", progress=None, **changed):
    environment = {name: value for name, value in sandbox.environment.items() if name not in without}
    return LiveTarget(environment | changed, auth=auth, tenant=tenant, progress=progress)


def sign_in_and_read(chosen):
    with open_live(chosen) as source:
        rows = list(source.rows(POLICIES))
        assert rows
        assert not [row for row in rows if isinstance(row, ReadFailure)]
        return source


# --- ways that work -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", ["default", "secret"])
def test_a_client_secret_signs_in(sandbox, auth):
    source = sign_in_and_read(target(sandbox, auth))
    assert source.name == f"tenant {sandbox.variables['AZURE_TENANT_ID']}"
    assert "Policy.Read.All" in source.permissions
    made = [request["path"] for request in sandbox.requests() if request["path"].endswith("/token")]
    assert len(made) == 1


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def certificate(key, tmp_path_factory):
    """A certificate with its key, as an application's credential."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tokenguard test")])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
    path = tmp_path_factory.mktemp("certificate") / "application.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.fixture(scope="module")
def trusting_sandbox(new_sandbox, certificate):
    return new_sandbox("--tenant", "demo", "--trust", str(certificate))


@pytest.mark.parametrize("auth", ["default", "certificate"])
def test_a_certificate_signs_in(trusting_sandbox, certificate, auth):
    sign_in_and_read(target(trusting_sandbox, auth, without=SECRET, AZURE_CLIENT_CERTIFICATE_PATH=str(certificate)))


def assertion(key):
    claims = {"iss": "https://issuer.example", "sub": "job", "aud": "api://AzureADTokenExchange"}
    return jwt.encode(claims | {"exp": int(time.time()) + 600}, key, "RS256")


@pytest.mark.parametrize(
    ("auth", "choice"), [("default", ""), ("federated", ""), ("default", "workloadidentitycredential")]
)
def test_a_federated_token_file_signs_in_without_a_secret(trusting_sandbox, key, tmp_path, auth, choice):
    file = tmp_path / "token"
    file.write_text(assertion(key))
    offered = {"AZURE_FEDERATED_TOKEN_FILE": str(file), "AZURE_TOKEN_CREDENTIALS": choice}
    sign_in_and_read(target(trusting_sandbox, auth, without=SECRET, **offered))


@pytest.fixture
def actions(key):
    """GitHub's identity service, and what it was asked."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers["Authorization"]))
            allowed = self.headers["Authorization"] == "Bearer runner-key"
            self.send_response(200 if allowed else 401)
            self.end_headers()
            self.wfile.write(json.dumps({"value": assertion(key)} if allowed else {}).encode())

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/token?api-version=2.0", asked
        server.shutdown()


def test_a_github_actions_job_signs_in_without_a_secret(trusting_sandbox, actions):
    url, asked = actions
    offered = {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "runner-key"}
    sign_in_and_read(target(trusting_sandbox, "github", without=SECRET, **offered))
    assert {path for path, _ in asked} == {"/token?api-version=2.0&audience=api%3A%2F%2FAzureADTokenExchange"}


def test_a_github_actions_job_without_the_permission_is_told_which_one(trusting_sandbox, actions):
    with pytest.raises(UsageError) as nothing_offered:
        open_it(target(trusting_sandbox, "github", without=SECRET))
    assert "id-token: write" in nothing_offered.value.hint
    offered = {"ACTIONS_ID_TOKEN_REQUEST_URL": actions[0], "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "wrong"}
    with pytest.raises(SourceError, match="401") as refused:
        open_it(target(trusting_sandbox, "github", without=SECRET, **offered))
    assert "wrong" not in refused.value.message


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (503, b"", "no answer that can be used (503)"),
        (302, b"", "no answer that can be used (HTTPStatusError)"),
        (200, b'{"value": null}', "no answer that can be used (it holds no token)"),
        (200, b'{"value": ""}', "no answer that can be used (it holds no token)"),
        (200, b'{"value": {"a": 1}}', "no answer that can be used (it holds no token)"),
        (200, b"{}", "no answer that can be used (KeyError)"),
        (200, b"<html>", "no answer that can be used (JSONDecodeError)"),
        (403, b"", "GitHub refused this job an identity: 403"),
    ],
)
def test_what_github_answers_is_an_identity_or_said_for_what_it_is(monkeypatch, status, content, said):
    def answered(url, **_):
        return httpx.Response(status, content=content, request=httpx.Request("GET", url))

    monkeypatch.setattr(httpx, "get", answered)
    offered = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://g.example", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "runner-key"}
    with pytest.raises(SourceError, match=re.escape(said)):
        fetch_assertion(offered)


@pytest.fixture
def token(sandbox):
    return sandbox.sign_in(scope=f"{sandbox.url}/.default").json()["access_token"]


def test_the_azure_cli_signs_in_and_is_started_once(sandbox, token, monkeypatch, tmp_path):
    answer = {"accessToken": token, "expiresOn": "2099-01-01 00:00:00.000000", "expires_on": 4070908800}
    program, started = tmp_path / "az", tmp_path / "started"
    log = f"with open({str(started)!r}, 'a') as log:\n    log.write('.')"
    program.write_text(f"#!{sys.executable}\n{log}\nprint({json.dumps(answer)!r})\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    sign_in_and_read(target(sandbox, "cli", without=SECRET))
    assert started.read_text() == "."


def test_a_managed_identity_signs_in(sandbox, token, monkeypatch):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            assert self.headers["X-IDENTITY-HEADER"] == "header"
            answer = {"access_token": token, "expires_on": str(int(time.time()) + 3600), "token_type": "Bearer"}
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{server.server_port}/token")
        monkeypatch.setenv("IDENTITY_HEADER", "header")
        sign_in_and_read(target(sandbox, "managed", without=SECRET | {"AZURE_CLIENT_ID"}))
        server.shutdown()


# --- certificates and proxies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", sorted(CERTIFICATE_VARIABLES))
def test_either_certificate_variable_alone_is_enough_for_both_halves(sandbox, monkeypatch, variable):
    for name in CERTIFICATE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    sign_in_and_read(target(sandbox, without=CERTIFICATE_VARIABLES - {variable}))


def test_without_the_certificate_authority_the_hint_names_the_variable(sandbox, monkeypatch):
    for name in CERTIFICATE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SourceError) as failure:
        open_it(target(sandbox, without=CERTIFICATE_VARIABLES))
    assert "SSL_CERT_FILE" in failure.value.hint


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_file_that_is_none_is_a_mistake_of_the_user(sandbox, tmp_path, content):
    file = tmp_path / "authorities.pem"
    if content:
        file.write_text(content)
    with pytest.raises(UsageError, match=r"authorities\.pem"):
        open_it(target(sandbox, SSL_CERT_FILE=str(file), without={"REQUESTS_CA_BUNDLE"}))


@pytest.fixture
def proxy():
    """A CONNECT proxy, and the places it was asked for."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_CONNECT(self):
            asked.append(self.path)
            host, _, port = self.path.partition(":")
            with socket.create_connection((host, int(port))) as there:
                self.send_response(200)
                self.end_headers()
                back = threading.Thread(target=pour, args=(there, self.connection), daemon=True)
                back.start()
                pour(self.connection, there)
                back.join(timeout=5)
            self.close_connection = True

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def pour(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def test_a_proxy_carries_both_halves(sandbox, proxy, monkeypatch):
    url, asked = proxy
    monkeypatch.setenv("HTTPS_PROXY", url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    sign_in_and_read(target(sandbox))
    place = sandbox.url.removeprefix("https://")
    assert set(asked) == {place}
    assert len(asked) >= 2


def test_no_proxy_sees_the_token_that_plain_http_to_this_machine_carries(monkeypatch):
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://proxy.example:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert proxy_for("http://127.0.0.1:8080") is None
    assert proxy_for("https://graph.microsoft.com") == "http://proxy.example:1"


# --- ways to fail ---------------------------------------------------------------------------------------------------


def open_it(chosen):
    with open_live(chosen):
        raise AssertionError("it must not open")


@pytest.mark.parametrize(
    ("changed", "says", "hint"),
    [
        ({"AZURE_CLIENT_SECRET": "not-the-secret"}, "AADSTS7000215", "value of the secret"),
        ({"AZURE_CLIENT_ID": "11111111-1111-4111-8111-111111111111"}, "AADSTS700016", "AZURE_CLIENT_ID"),
        ({"AZURE_TENANT_ID": "11111111-1111-4111-8111-111111111111"}, "Unable to get authority", "AZURE_TENANT_ID"),
        ({"AZURE_AUTHORITY_HOST": "https://localhost:9"}, "Unable to get authority|refused", ""),
    ],
)
def test_a_refused_sign_in_says_which_credential_what_was_answered_and_what_to_do(sandbox, changed, says, hint):
    with pytest.raises(SourceError, match=says) as failure:
        open_it(target(sandbox, **changed))
    assert "the client secret in AZURE_CLIENT_SECRET" in failure.value.message
    assert failure.value.exit_status == 3
    assert failure.value.hint
    assert hint in failure.value.hint
    said = f"{failure.value.message} {failure.value.hint}"
    assert "not-the-secret" not in said
    assert sandbox.variables["AZURE_CLIENT_SECRET"] not in said
    assert "\n" not in said


def test_an_expired_secret_is_named_as_such(sandbox):
    sandbox.set(client_secret="expired")
    with pytest.raises(SourceError, match="AADSTS7000222") as failure:
        open_it(target(sandbox))
    assert "expired" in failure.value.hint


@pytest.mark.parametrize(
    ("auth", "without", "missing"),
    [
        ("secret", SECRET, "AZURE_CLIENT_SECRET"),
        ("secret", {"AZURE_CLIENT_ID"}, "AZURE_CLIENT_ID"),
        ("certificate", (), "AZURE_CLIENT_CERTIFICATE_PATH"),
        ("federated", (), "AZURE_FEDERATED_TOKEN_FILE"),
        ("password", (), "password"),
        ("device-code", (), "device code"),
    ],
)
def test_what_a_way_of_signing_in_lacks_is_said_before_anything_is_asked(sandbox, auth, without, missing):
    with pytest.raises(UsageError, match=missing):
        open_it(target(sandbox, auth, without=without))
    assert sandbox.requests() == []


@pytest.mark.parametrize("content", ["", "no key"])
def test_a_certificate_that_cannot_be_read_is_a_mistake_of_the_user(sandbox, tmp_path, content):
    file = tmp_path / "application.pem"
    if content:
        file.write_text(content)
    with pytest.raises(UsageError, match=r"application\.pem"):
        open_it(target(sandbox, "certificate", AZURE_CLIENT_CERTIFICATE_PATH=str(file)))


@pytest.mark.parametrize("auth", ["default", "federated"])
@pytest.mark.parametrize(("made", "said"), [(lambda _: None, "no such file"), (lambda path: path.mkdir(), "a folder")])
def test_a_federated_token_file_that_is_none_is_a_mistake_of_the_user(sandbox, tmp_path, auth, made, said):
    path = tmp_path / "token"
    made(path)
    with pytest.raises(DocumentError, match=said) as mistake:
        open_it(target(sandbox, auth, without=SECRET, AZURE_FEDERATED_TOKEN_FILE=str(path)))
    assert mistake.value.exit_status == 2
    assert "AZURE_FEDERATED_TOKEN_FILE" in mistake.value.message
    assert sandbox.requests() == []


def test_a_federated_token_file_that_holds_none_is_a_failed_sign_in(sandbox, tmp_path):
    path = tmp_path / "token"
    path.write_bytes(b"\xff")
    with pytest.raises(SourceError, match="signing in with the federated token in"):
        open_it(target(sandbox, "federated", without=SECRET, AZURE_FEDERATED_TOKEN_FILE=str(path)))


def test_a_tenant_that_is_not_the_pinned_one_is_refused(sandbox):
    tenant = sandbox.variables["AZURE_TENANT_ID"]
    sign_in_and_read(target(sandbox, tenant=tenant.upper()))
    sign_in_and_read(target(sandbox, tenant=tenant, without={"AZURE_TENANT_ID"}))
    with pytest.raises(UsageError, match=tenant) as refusal:
        open_it(target(sandbox, tenant="11111111-1111-4111-8111-111111111111"))
    assert refusal.value.exit_status == 2


def test_a_foreign_graph_is_refused_before_a_token_is_asked_for(sandbox):
    with pytest.raises(UsageError, match=r"graph\.example"):
        open_it(target(sandbox, TOKENGUARD_GRAPH_URL="https://graph.example"))
    assert sandbox.requests() == []


def test_where_nothing_is_set_up_the_hint_says_what_could_be(sandbox, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "dev")
    with pytest.raises(SourceError, match=r"found nothing to sign in with; tried .*AzureCliCredential") as failure:
        open_it(target(sandbox, without=SECRET))
    assert "az login" in failure.value.hint


@pytest.mark.parametrize("choice", ["prod", "EnvironmentCredential"])
def test_a_chosen_credential_that_is_set_up_fails_for_its_own_reason(sandbox, choice):
    chosen = target(sandbox, AZURE_TOKEN_CREDENTIALS=choice, AZURE_AUTHORITY_HOST="https://localhost:9")
    with pytest.raises(SourceError, match="the client secret in AZURE_CLIENT_SECRET failed") as failure:
        open_it(replace(chosen, patience=0.0))
    assert "check the network" in failure.value.hint


def test_a_chosen_credential_that_is_not_set_up_is_named_with_what_chose_it(sandbox, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "azureclicredential")
    with pytest.raises(SourceError, match="tried AzureCliCredential: Azure CLI not found on path") as failure:
        open_it(target(sandbox, AZURE_TOKEN_CREDENTIALS="azureclicredential"))
    assert failure.value.hint.startswith("AZURE_TOKEN_CREDENTIALS limits it to 'azureclicredential'")


def test_the_azure_cli_that_is_not_there_is_said(sandbox, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="the Azure CLI failed: Azure CLI not found") as failure:
        open_it(target(sandbox, "cli"))
    assert "az login" in failure.value.hint


def test_a_managed_identity_that_is_not_there_is_said(sandbox, monkeypatch):
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:9/token")
    monkeypatch.setenv("IDENTITY_HEADER", "header")
    with pytest.raises(SourceError, match="the managed identity of this machine failed") as failure:
        open_it(target(sandbox, "managed", without=SECRET | {"AZURE_CLIENT_ID"}))
    assert "AZURE_TENANT_ID" not in failure.value.hint


@pytest.mark.parametrize(("patience", "tries"), [(0.0, 1), (900.0, 4)])
def test_a_token_service_that_says_nothing_is_not_waited_for_long(sandbox, monkeypatch, patience, tries):
    monkeypatch.setattr("tokenguard.entra.tokens.SILENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        chosen = replace(target(sandbox, AZURE_AUTHORITY_HOST=url), patience=patience)
        with pytest.raises(SourceError) as failure:
            open_it(chosen)
        silent.settimeout(0.2)
        heard = 0
        with suppress(TimeoutError):
            while True:
                silent.accept()[0].close()
                heard += 1
    assert "check the network" in failure.value.hint
    assert heard == tries


def test_opening_fails_with_the_extra_to_install_where_the_sdk_is_not(sandbox):
    program = """
import sys
sys.modules["msgraph"] = None
from tokenguard.entra.live import open_live
from tokenguard.hookspecs import LiveTarget
try:
    open_live(LiveTarget({})).__enter__()
except Exception as error:
    print(type(error).__name__, error.message, error.hint, sep="; ")
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=True)
    said = "not installed, and needed to read a live tenant: msgraph"
    assert ran.stdout == f"UsageError; {said}; run in a checkout of tokenguard: pip install '.[graph]'\n"


def test_nothing_heavy_is_imported_before_a_tenant_is_opened():
    program = "import sys, tokenguard.entra.live, tokenguard.entra.collector; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {"asyncio", "httpx", "azure", "msgraph", "kiota_abstractions", "requests", "cryptography"}
    assert heavy.isdisjoint(ran.stdout.split())


def test_token_requests_go_to_the_token_service_alone(sandbox):
    sign_in_and_read(target(sandbox))
    paths = [request["path"] for request in sandbox.requests()]
    assert [path for path in paths if any(part in path for part in TOKEN_SERVICE)] == paths[:2]
