"""Addresses that the environment sets and nobody can use: refused by name, before anything is asked."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import tokenguard.cli
from command import Result
from command import run as run_command
from live import quiet_sdk
from sandbox import RunningSandbox
from tokenguard.entra.addresses import usable_cloud
from tokenguard.errors import UsageError
from tokenguard.hookspecs import LiveTarget

pytestmark = quiet_sdk

VARIABLES = ("TOKENGUARD_GRAPH_URL", "AZURE_AUTHORITY_HOST")
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
HOSTS = (
    "[::1%25lo]:1", "[::1%lo]:1", "[::1%25lo]", "[v1.x]", "[::1]x", "[:::1]", "[fe80::1%25eth0]:443", "localhost:99999",
    "localhost:-1", "localhost:٣", "localhost:0x1", "xn--\xfc", "xn--a", "a..b", ".", "-", "[]", "a b", "999.1.1.1",
    "l\u00f6calhost", "\u2488.com", "localhost\\@evil.example", "@localhost", "localhost:", "a" * 300, "{a}", "%6c",
    "[::ffff:999.1.1.1]",
)  # fmt: skip


def said(result: Result, *names: str) -> None:
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    for name in names:
        assert name in result.stderr


@pytest.mark.parametrize("command", [["scan"], ["doctor"], ["probe", "--resource", "https://a.example"], ["fix"]])
def test_a_graph_that_only_one_parser_understands_is_refused_before_the_first_request(
    sandbox: RunningSandbox, tmp_path: Path, command: list[str]
) -> None:
    result = run_command(sandbox, *command, folder=tmp_path, TOKENGUARD_GRAPH_URL="http://[::1%25lo]:1")
    said(result, "TOKENGUARD_GRAPH_URL")
    assert sandbox.requests() == []


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("host", HOSTS)
def test_an_address_that_cannot_be_used_is_refused_by_its_variable(variable: str, host: str) -> None:
    places = {"TOKENGUARD_GRAPH_URL": "https://localhost:8443", "AZURE_AUTHORITY_HOST": "https://localhost:8443"}
    trusted = {"TOKENGUARD_TRUSTED_HOSTS": host.rpartition(":")[0] or host}
    with pytest.raises(UsageError) as refused:
        usable_cloud(LiveTarget(places | trusted | {variable: f"https://{host}"}))
    assert variable in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize(
    ("auth", "variable", "value"),
    [
        ("managed", "IDENTITY_ENDPOINT", "http://[::1"),
        ("managed", "MSI_ENDPOINT", "no address"),
        ("default", "AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://a..b"),
        ("managed", "IMDS_ENDPOINT", "ftp://a.example"),
        ("federated", "AZURE_KUBERNETES_TOKEN_PROXY", "https://:1"),
        ("secret", "AZURE_REGIONAL_AUTHORITY_NAME", "[w"),
        ("github", "ACTIONS_ID_TOKEN_REQUEST_URL", "http://[::1"),
        ("github", "ACTIONS_ID_TOKEN_REQUEST_URL", "gopher://a.example"),
        ("secret", "HTTPS_PROXY", "http://[::1"),
        ("secret", "HTTPS_PROXY", "gopher://a.example"),
        ("secret", "https_proxy", "http://:8080"),
        ("secret", "ALL_PROXY", "socks9://a.example"),
        ("github", "HTTP_PROXY", "http://a.example:port"),
        ("managed", "HTTP_PROXY", "gopher://a.example"),
    ],
)
def test_what_else_can_be_set_is_looked_at_before_anything_is_asked(
    sandbox: RunningSandbox, tmp_path: Path, auth: str, variable: str, value: str
) -> None:
    token = {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x", "ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:1"}
    result = run_command(sandbox, "scan", "--auth", auth, folder=tmp_path, **(token | {variable: value}))
    said(result, "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY" if variable.upper() in PROXIES else variable)
    assert sandbox.requests() == []


@pytest.mark.parametrize(
    "resource", ["https://a.example/\udcff", "https://a\x07.example", "https://\u202e.example", "a", "://", "x://", ""]
)
def test_a_resource_that_is_no_address_is_refused_before_anything_is_asked(
    sandbox: RunningSandbox, tmp_path: Path, resource: str
) -> None:
    said(run_command(sandbox, "probe", "--resource", resource, folder=tmp_path), "is neither the address")
    assert sandbox.requests() == []


@pytest.mark.parametrize("name", ["\udcff", "a\udcffb"])
def test_a_name_that_is_no_text_is_refused(sandbox: RunningSandbox, tmp_path: Path, name: str) -> None:
    said(run_command(sandbox, "explain", name, folder=tmp_path), "is no text")
    said(run_command(sandbox, "explain", "--demo", name, folder=tmp_path), "is no text")
    assert sandbox.requests() == []


WORDS = st.one_of(
    st.sampled_from(HOSTS),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20),
    st.text("[]:%.@/\\?#a1-_ \t{}lo\u00f6\u2488", max_size=16),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from((*VARIABLES, "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "IDENTITY_ENDPOINT", "MSI_ENDPOINT")),
    st.sampled_from(["", "http://", "https://", "//", "socks5://"]),
    WORDS,
    st.sampled_from(["secret", "managed"]),
)
@example("TOKENGUARD_GRAPH_URL", "http://", "[::1%25lo]:1", "secret")
def test_no_address_is_an_internal_error_nor_asked_for_before_it_is_refused(
    capsys: pytest.CaptureFixture[str], variable: str, scheme: str, host: str, auth: str
) -> None:
    """In this process, with all that would go out counted where it leaves: a socket that is to connect."""
    places = {"TOKENGUARD_GRAPH_URL": "http://127.0.0.1:1", "AZURE_AUTHORITY_HOST": "https://127.0.0.1:1"}
    client = {"AZURE_TENANT_ID": "11111111-2222-4333-8444-555555555555", "AZURE_CLIENT_ID": "c"}
    secret = {"AZURE_CLIENT_SECRET": "s", "TOKENGUARD_PLUGINS": "", "TOKENGUARD_TRUSTED_HOSTS": host}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TOKENGUARD_", "AZURE_"))}
    kept = {name: value for name, value in kept.items() if not name.lower().endswith("_proxy")}
    connected: list[Any] = []

    def connect(_self: Any, address: Any, *_: Any) -> None:
        connected.append(address)
        raise ConnectionRefusedError(111, "refused")

    with (
        mock.patch.dict(os.environ, kept | places | client | secret | {variable: scheme + host}, clear=True),
        mock.patch("socket.create_connection", lambda address, *a, **k: connect(None, address)),
        mock.patch("urllib3.util.connection.create_connection", lambda address, *a, **k: connect(None, address)),
        suppress(SystemExit),
    ):
        status = tokenguard.cli.run(
            ["scan", "--auth", auth, "--patience", "0", "--select", "organization-default-policy"]
        )
    told = capsys.readouterr().err
    assert status in (2, 3), told
    if status == 2:
        assert connected == [], told
    elif host and variable in VARIABLES:
        address = scheme + host
        taken = httpx.URL(address if "://" in address else f"https://{address}")
        assert taken.host.encode("idna"), told
        assert "%" not in taken.host, "a zone, which Graph's client cannot read"


def test_a_proxy_that_is_not_used_may_be_whatever_it_is(sandbox: RunningSandbox, tmp_path: Path) -> None:
    unused = {"ALL_PROXY": "socks9://a.example", "NO_PROXY": "*"}
    result = run_command(sandbox, "scan", folder=tmp_path, **unused)
    assert result.returncode == 1
