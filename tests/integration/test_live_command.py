"""`tokenguard scan` on a live tenant, as a person meets it: what it costs, what it says, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl
from pathlib import Path
from struct import pack
from termios import TIOCSWINSZ
from threading import Thread
from typing import Any

import pytest
from tokenguard_sandbox.directory import Directory, History, Objects, State
from tokenguard_sandbox.running import running
from tokenguard_sandbox.settings import Settings

from command import NEVER_SAID, PROGRAM, Result, assert_no_secret, environment, run
from live import TOKEN_SERVICE, graph_requests
from sandbox import RunningSandbox

COMPLETE = ("--fail-on", "critical")
"""No rule is critical: 0 says that everything could be evaluated, 3 that something could not."""
NOBODY = "00000000-1111-2222-3333-444444444444"
DATAVERSE = "00000007-0000-0000-c000-000000000000"
READ = ["Application.Read.All", "Policy.Read.All"]
CLEAR = "\r\x1b[K"


@pytest.fixture(scope="module")
def demo_sandbox(new_sandbox) -> RunningSandbox:
    return new_sandbox("--tenant", "demo")


@pytest.fixture
def tenant(demo_sandbox) -> Iterator[RunningSandbox]:
    demo_sandbox.forget()
    yield demo_sandbox
    demo_sandbox.mend()
    demo_sandbox.set(**demo_sandbox.first_settings)


# --- what it costs --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(new_sandbox) -> RunningSandbox:
    """20 policies, 200 assignments, of whose holders `appliesTo` tells no more than the id; 5,000 principals."""
    size = ("--principals", "5000", "--policies", "20", "--assignments", "200")
    return new_sandbox("--tenant", "generated", *size, "--setting", "applies-to-rows=bare")


def traced(tenant: RunningSandbox, folder: Path, *arguments: str) -> list[str]:
    """The requests that ``--verbose`` tells of, which are those that arrived."""
    tenant.forget()
    result = run(tenant, "scan", "--verbose", *COMPLETE, *arguments, "-f", "json", folder=folder)
    assert result.returncode == 0, result.stderr
    said = result.stderr.splitlines()
    arrived = graph_requests(tenant)
    assert Counter(re.sub(r"( of \d+)?:", "", line) for line in said) == Counter(arrived)
    return said


def test_a_scan_costs_what_is_configured_and_not_what_the_tenant_is_large(large, tmp_path):
    said = traced(large, tmp_path)
    assert said[:3] == ["POST /$batch of 3: 200", "GET /policies/tokenLifetimePolicies: 200", "POST /$batch of 20: 200"]
    assert said[3:] == ["POST /$batch of 20: 200"] * 10
    assert len(said) == 1 + 1 + 20 / 20 + 200 / 20


def test_a_rule_over_all_principals_lists_them_by_999_with_what_it_needs(large, tmp_path):
    said = traced(large, tmp_path, "--rules", "principals", "--select", "service-principal-*")
    lists = [line for line in said if "batch" not in line and "policies" not in line]
    assert lists == ["GET /servicePrincipals: 200"] * 6
    first, *further = [each["path"] for each in large.requests() if each["path"].startswith("/servicePrincipals")]
    assert first == (
        "/servicePrincipals?$select=id,appId,displayName,servicePrincipalType,signInAudience,appOwnerOrganizationId,"
        "accountEnabled&$top=999"
    )
    assert all("$skiptoken=" in path for path in further)


def pinned(*app_ids: str) -> dict[str, Any]:
    """A rule about the principals with these appIds."""
    return {
        "id": "pinned-principal-disabled",
        "title": "A principal is disabled",
        "severity": "low",
        "resource": "servicePrincipal",
        "select": {"required": ["appId"], "properties": {"appId": {"enum": app_ids}}},
        "require": {"properties": {"accountEnabled": {"const": True}}},
        "message": "{displayName} is disabled",
        "rationale": "So that a rule names its principals.",
        "examples": [
            {"outcome": "pass", "properties": {"appId": app_ids[0], "accountEnabled": True}},
            {"outcome": "fail", "properties": {"appId": app_ids[0], "accountEnabled": False}},
            {"outcome": "not-evaluated", "properties": {"appId": app_ids[0]}, "unknown": {"accountEnabled": "refused"}},
        ],
    }


def test_a_rule_that_pins_app_ids_asks_for_these_alone(large, tmp_path):
    graph = "00000003-0000-0000-c000-000000000000"
    (tmp_path / "pinned-principal-disabled.json").write_text(json.dumps(pinned(DATAVERSE, graph)))
    said = traced(large, tmp_path, "--rules", "pinned-principal-disabled.json")
    assert said == ["POST /$batch of 1: 200", "POST /$batch of 2: 200"]
    parts = [part["path"].partition("?")[0] for request in large.requests() for part in request.get("parts", ())]
    assert parts == [
        "/organization",
        f"/servicePrincipals(appId='{graph}')",
        f"/servicePrincipals(appId='{DATAVERSE}')",
    ]


# --- the two read permissions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("severity", "status"), [("critical", 0), ("low", 1)])
def test_with_the_two_read_permissions_a_scan_is_complete_but_for_the_tenants_name(large, tmp_path, severity, status):
    large.set(permissions=READ)
    result = run(large, "scan", "--fail-on", severity, "-f", "json", folder=tmp_path)
    large.set(**large.first_settings)
    report = json.loads(result.stdout)
    assert result.returncode == status
    assert report["notEvaluated"] == []
    assert report["header"]["tenant"] == {"id": large.variables["AZURE_TENANT_ID"], "name": ""}
    assert report["header"]["permissions"] == READ


AGENT = {
    "id": "aaaaaaaa-0000-4000-8000-000000000001",
    "@odata.type": "#microsoft.graph.agentIdentity",
    "appId": "aaaaaaaa-0000-4000-8000-000000000002",
    "displayName": "Agent",
    "servicePrincipalType": "Application",
    "signInAudience": "AzureADMyOrg",
    "appOwnerOrganizationId": "aaaaaaaa-0000-4000-8000-000000000003",
    "accountEnabled": True,
}
SHORT = {
    "id": "aaaaaaaa-0000-4000-8000-000000000004",
    "displayName": "One hour",
    "definition": ['{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"01:00:00"}}'],
    "isOrganizationDefault": False,
}


ORDINARY = {
    "id": "aaaaaaaa-0000-4000-8000-000000000005",
    "appId": "aaaaaaaa-0000-4000-8000-000000000006",
    "displayName": "Ordinary",
    "signInAudience": "AzureADMyOrg",
    "createdDateTime": "2026-01-01T00:00:00Z",
}
"""An application that has nothing to do with it."""


@pytest.mark.parametrize("setting", [{}, {"applies_to_rows": "bare"}, {"applies_to_type": "never"}])
def test_a_holder_of_a_derived_type_is_never_called_compliant_and_stands_in_nobodys_way(tmp_path, setting):
    state = State({SHORT["id"]: SHORT}, {each["id"]: SHORT["id"] for each in (AGENT, ORDINARY)})
    organization = {"id": AGENT["appOwnerOrganizationId"], "displayName": "Agents", "verifiedDomains": []}
    objects = Objects("servicePrincipal", [AGENT]), Objects("application", [ORDINARY])
    directory = Directory(organization, *objects, History(state, time.time))
    with running(directory, Settings().changed(setting), [], 0) as here, here.serving():
        command = [PROGRAM, "scan", "--rules", "all", "-f", "json"]
        variables = {**os.environ, **here.variables}
        result = subprocess.run(command, env=variables, cwd=tmp_path, capture_output=True, text=True, check=False)
    report = json.loads(result.stdout)
    assert result.returncode == 3
    verdicts = {rule["id"]: rule["verdict"] for rule in report["rules"]}
    for rule in (
        "token-lifetime-policy-without-effect",
        "token-lifetime-precedence-ambiguous",
        "service-principal-token-lifetime-too-long",
    ):
        assert verdicts[rule] == "not evaluated", rule
        reasons = {each["reason"] for each in report["notEvaluated"] if each["rule"] == rule}
        assert all("#microsoft.graph.agentIdentity" in reason for reason in reasons)
    passed = {rule["id"]: rule["passed"] for rule in report["rules"]}
    assert passed["application-token-lifetime-too-long"] == 1


# --- what is said on a terminal -------------------------------------------------------------------------------------


@contextmanager
def on_a_terminal(
    tenant: RunningSandbox, folder: Path, *arguments: str, columns: int = 100, **changed: str
) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The command with a terminal as its standard error, and everything that arrives there."""
    master, slave = os.openpty()
    ioctl(slave, TIOCSWINSZ, pack("HHHH", 24, columns, 0, 0))
    screen: list[str] = []
    variables = environment(tenant, ("COLUMNS",), **{"TERM": "xterm", **changed})
    child = subprocess.Popen(
        [PROGRAM, *arguments], env=variables, cwd=folder, stdout=subprocess.PIPE, stderr=slave, text=True
    )
    reader = Thread(target=_read, args=(master, screen))
    reader.start()
    os.close(slave)
    with child:
        yield child, screen
        child.wait(timeout=60)
    reader.join(timeout=10)
    os.close(master)


def _read(master: int, screen: list[str]) -> None:
    try:
        while data := os.read(master, 65536):
            screen.append(data.decode())
    except OSError:  # Linux says so when the other side is closed
        pass


def shown(tenant: RunningSandbox, folder: Path, *arguments: str, **options: Any) -> str:
    """Everything that appeared on the terminal."""
    with on_a_terminal(tenant, folder, *arguments, **options) as (child, screen):
        said, _ = child.communicate(timeout=60)
    assert child.returncode in (0, 1, 3)
    text = "".join(screen)
    assert_no_secret(tenant, folder, said, text)
    return text


BUSY = "GET /policies/tokenLifetimePolicies=429,retry-after=1,times=1"


def test_a_line_says_what_is_read_and_waited_for_and_why_and_is_gone_in_the_end(tenant, tmp_path):
    tenant.fail(BUSY)
    text = shown(tenant, tmp_path, "scan", columns=200)
    assert "\n" not in text
    lines = text.split(CLEAR)
    said = "\n".join(lines)
    assert re.search(r"^read 14 of /policies/tokenLifetimePolicies \(\d+ requests\)$", said, re.MULTILINE)
    assert re.search(r"^read (\d+) of \1 single answers \(\d+ requests\)$", said, re.MULTILINE)
    waiting, *later = [line for line in lines if line.startswith("waiting ")]
    assert later[-1] == waiting.replace("waiting 2 s", "waiting 1 s")
    assert re.match(r"waiting 2 s: Graph answered 429 TooManyRequests: .* \(Retry-After: 1 s\)$", waiting)
    assert lines[0] == lines[-1] == ""


def test_a_line_never_wraps_so_that_it_can_be_taken_back(tenant, tmp_path):
    tenant.fail(BUSY)
    lines = shown(tenant, tmp_path, "scan", columns=40).split(CLEAR)
    assert max(map(len, lines)) == 39


@pytest.mark.parametrize(("arguments", "changed"), [(("--quiet",), {}), ((), {"TERM": "dumb"})])
def test_no_line_where_none_is_wanted_or_none_can_be_taken_back(tenant, tmp_path, arguments, changed):
    tenant.fail(BUSY)
    assert shown(tenant, tmp_path, "scan", *arguments, **changed) == ""


def test_nothing_is_said_into_a_pipe_but_when_asked(tenant, tmp_path):
    assert run(tenant, "scan", folder=tmp_path).stderr == ""
    tenant.fail(BUSY)
    lines = run(tenant, "scan", "--verbose", folder=tmp_path).stderr.splitlines()
    assert [line for line in lines if line.startswith("waiting 2 s: Graph answered 429")]
    assert "GET /policies/tokenLifetimePolicies: 429" in lines
    assert CLEAR not in "".join(lines)


@pytest.mark.parametrize("quiet", [(), ("--quiet",)])
def test_a_device_code_stays_on_the_screen_while_reading_goes_on(tenant, tmp_path, quiet):
    text = shown(tenant, tmp_path, "scan", "--auth", "device-code", *quiet)
    prompt = rf"to sign in, open {re.escape(tenant.url)}/\S+ and enter the code [0-9A-F]{{8}}\r\n"
    before, after = re.split(prompt, text)
    assert before in ("", CLEAR)
    assert bool(after) is not bool(quiet)
    assert "\n" not in after


# --- Ctrl-C ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "sign", "read"),
    [
        ("POST /$batch=hang", "", "nothing"),
        ("GET /policies/tokenLifetimePolicies=hang", "read 3 of 3 single answers", "3 single answers"),
        (
            "POST /$batch=429,retry-after=60,after=1",
            "waiting 6",
            "14 of /policies/tokenLifetimePolicies, 3 single answers",
        ),
    ],
)
def test_ctrl_c_ends_at_once_and_says_what_was_read(tenant, tmp_path, fault, sign, read):
    """Once `sign` is on the screen: before, the command may not be where it is to be interrupted."""
    tenant.fail(fault)
    arguments = ("scan", "-o", "report.json", "-f", "sarif", "-o", "report.sarif")
    with on_a_terminal(tenant, tmp_path, *arguments) as (child, screen):
        wanted = 1 + fault.count("after=1")
        while not any(met["met"] >= wanted for met in tenant._control("GET", "faults")):
            assert child.poll() is None
            time.sleep(0.05)
        while sign not in "".join(screen):
            assert child.poll() is None
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=20) == 130
    text = "".join(screen)
    assert text.endswith(f"{CLEAR}Interrupted.\r\nRead until then: {read}.\r\n")
    assert list(tmp_path.iterdir()) == []


# --- what is wrong around it ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "arguments", "expected"),
    [
        ({"AZURE_TENANT_ID": NOBODY}, [], (3, "Unable to get authority", "AZURE_TENANT_ID")),
        ({"AZURE_CLIENT_ID": NOBODY}, [], (3, "AADSTS700016", "AZURE_CLIENT_ID")),
        ({"AZURE_CLIENT_SECRET": "wrong"}, [], (3, "AADSTS7000215", "value of the secret")),
        ({"AZURE_CLIENT_SECRET": ""}, ["--auth", "secret"], (2, "needs AZURE_CLIENT_SECRET", "set AZURE_")),
        ({"AZURE_AUTHORITY_HOST": ""}, [], (2, "do not belong together", "together")),
        ({"TOKENGUARD_GRAPH_URL": ""}, [], (2, "do not belong together", "together")),
        ({"TOKENGUARD_GRAPH_URL": "https://graph.microsoft.com"}, [], (2, "do not belong together", "together")),
        ({"TOKENGUARD_GRAPH_URL": "https://graph.example"}, [], (2, "graph.example", "TOKENGUARD_TRUSTED_HOSTS")),
        ({"TOKENGUARD_GRAPH_URL": "https://localhost:9"}, [], (3, "AADSTS500011", "TOKENGUARD_GRAPH_URL")),
        ({"TOKENGUARD_GRAPH_URL": "ftp://localhost"}, [], (2, "no https address", "https://host")),
        ({}, ["--cloud", "usgov"], (2, "'usgov' is asked for", "leave out --cloud")),
        ({"TOKENGUARD_CLOUD": "china"}, [], (2, "'china' is asked for", "leave out --cloud")),
        ({"HTTPS_PROXY": "http://localhost:9"}, [], (3, "proxy", "HTTPS_PROXY")),
        ({"SSL_CERT_FILE": "missing.pem"}, [], (2, "SSL_CERT_FILE names missing.pem", "correct or unset")),
        ({}, ["--auth", "device-code"], (2, "no terminal", "on a terminal")),
        ({"TOKENGUARD_PATIENCE": "-1"}, [], (2, "--patience", "--help")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_what_to_do_and_nothing_is_written(tenant, tmp_path, changed, arguments, expected):
    result = run(tenant, "scan", "-o", "report.json", *arguments, folder=tmp_path, **changed)
    refused(result, tmp_path, *expected)


def refused(result: Result, folder: Path, status: int, said: str, hint: str) -> None:
    assert (result.returncode, result.stdout) == (status, "")
    assert said in result.stderr
    assert hint in result.stderr
    assert len(result.stderr.splitlines()) <= 4
    assert list(folder.iterdir()) == []


def test_a_secret_that_has_expired_is_said(tenant, tmp_path):
    tenant.set(client_secret="expired")
    refused(run(tenant, "scan", "-o", "report.json", folder=tmp_path), tmp_path, 3, "AADSTS7000222", "add a new one")


def test_no_network_is_said(tenant, tmp_path):
    nowhere = dict.fromkeys(("AZURE_AUTHORITY_HOST", "TOKENGUARD_GRAPH_URL"), "https://localhost:9")
    result = run(tenant, "scan", "-o", "report.json", folder=tmp_path, **nowhere)
    refused(result, tmp_path, 3, "refused", "check the network")


def test_without_the_private_authority_the_variable_is_named(tenant, tmp_path):
    result = run(tenant, "scan", folder=tmp_path, without=("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"))
    refused(result, tmp_path, 3, "certificate verify failed", "SSL_CERT_FILE")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("html", "200 with text/html that is no JSON: a proxy, or something else than Graph, answered"),
        ("404", "404 Request_ResourceNotFound"),
    ],
)
def test_a_graph_root_that_is_no_graph_gives_no_verdict_and_says_why(tenant, tmp_path, fault, said):
    tenant.fail(f"GET /policies/*={fault}", f"POST /$batch={fault}")
    result = run(tenant, "scan", "--patience", "0", folder=tmp_path)
    assert result.returncode == 3
    assert "17 rules, 17 not evaluated" in result.stdout
    assert said in " ".join(result.stdout.split())


# --- proxies and private authorities --------------------------------------------------------------------------------

PROXY = """
import socket, socketserver, sys, threading

def pour(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass

class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        asked = self.rfile.readline().decode()
        while self.rfile.readline().strip():
            pass
        print(asked.strip(), flush=True)
        host, _, port = asked.split()[1].partition(":")
        with socket.create_connection((host, int(port))) as there:
            self.wfile.write(b"HTTP/1.1 200 Connection established\\r\\n\\r\\n")
            threading.Thread(target=pour, args=(there, self.connection), daemon=True).start()
            pour(self.connection, there)

with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()
"""


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_behind_a_proxy_with_a_private_authority_two_variables_are_enough(tenant, tmp_path, variable):
    (other,) = {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"} - {variable}
    with subprocess.Popen([sys.executable, "-c", PROXY], stdout=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdout is not None
        there = f"http://127.0.0.1:{proxy.stdout.readline().strip()}"
        without = (other, "NO_PROXY", "no_proxy", "https_proxy")
        result = run(tenant, "scan", *COMPLETE, "-f", "json", folder=tmp_path, without=without, HTTPS_PROXY=there)
        proxy.terminate()
        tunnels = proxy.stdout.read().splitlines()
    assert len(json.loads(result.stdout)["findings"]) > 20
    assert {tunnel.rpartition(" ")[0] for tunnel in tunnels} == {f"CONNECT {tenant.url.removeprefix('https://')}"}
    assert len(tunnels) >= 2


# --- secrets --------------------------------------------------------------------------------------------------------


def test_nothing_secret_is_said_whatever_is_asked_for(tenant, tmp_path):
    tenant.fail("GET /servicePrincipals=expired,times=1", "GET /applications=403", "GET /organization=500,times=1")
    formats = ("text", "json", "sarif", "junit", "markdown", "csv", "html", "ocsf")
    outputs = [word for name in formats for word in ("-f", name, "-o", f"report.{name}")]
    result = run(
        tenant, "scan", "--rules", "all", "--verbose", *outputs, "--save-snapshot", "tenant.jsonl",
        "--write-baseline", "known.json", folder=tmp_path, TOKENGUARD_DEBUG="1",
    )  # fmt: skip
    assert result.returncode == 1
    assert "GET /servicePrincipals: 401" in result.stderr
    assert len(list(tmp_path.iterdir())) == len(formats) + 2


def test_an_internal_error_says_no_secret_even_when_debugging(tenant, tmp_path):
    program = """
import tokenguard.entra.client
def broken(response):
    raise RuntimeError(f"{response!r} {response.request!r} {response.request.headers!r}")
tokenguard.entra.client._answer = broken
from tokenguard.cli import main
main()
"""
    variables = environment(tenant, TOKENGUARD_DEBUG="1")
    result = subprocess.run(
        [sys.executable, "-c", program, "scan"],
        env=variables,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 70
    assert "RuntimeError: <Response [200 OK]>" in result.stderr
    assert "'authorization': '[secure]'" in result.stderr
    assert_no_secret(tenant, tmp_path, result.stdout, result.stderr.replace("'authorization'", ""))


def test_the_search_for_secrets_finds_them(tenant, tmp_path):
    token = tenant.sign_in().json()["access_token"]
    for said in (token, tenant.variables["AZURE_CLIENT_SECRET"], f"Authorization: {NEVER_SAID[1]}x"):
        with pytest.raises(AssertionError):
            assert_no_secret(tenant, tmp_path, said)
        (tmp_path / "report.txt").write_text(said)
        with pytest.raises(AssertionError):
            assert_no_secret(tenant, tmp_path)


def test_the_token_service_is_asked_once(tenant, tmp_path):
    run(tenant, "scan", "--rules", "all", folder=tmp_path)
    asked = [each["path"] for each in tenant.requests() if any(part in each["path"] for part in TOKEN_SERVICE)]
    assert [path.rpartition("/")[2] for path in asked] == ["openid-configuration", "token"]
