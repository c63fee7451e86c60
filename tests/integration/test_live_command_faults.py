"""Each request of a scan denied, broken and cut off in turn, through the built command: never a false pass."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command import Result, incomplete_types, run, verdicts
from sandbox import RunningSandbox

TENANT = ("--principals", "60", "--policies", "2", "--assignments", "4", "--setting", "applies-to-rows=bare")
QUIET_RULES = ("--fail-on", "critical")
"""The tenant has findings, none of them critical: what is left for the exit status is what was not read."""
NAMED = {
    "id": "organization-without-a-name",
    "title": "The organization has no name, or no principals",
    "severity": "low",
    "resource": "organization",
    "require": {"properties": {"displayName": {"type": "string"}, "servicePrincipalCount": {"minimum": 1}}},
    "message": "{displayName} has {servicePrincipalCount} principals",
    "rationale": "So that a rule reads what no rule of the pack does.",
    "examples": [
        {"outcome": "pass", "properties": {"displayName": "Contoso", "servicePrincipalCount": 1}},
        {"outcome": "fail", "properties": {"displayName": "Contoso", "servicePrincipalCount": 0}},
        {"outcome": "not-evaluated", "unknown": {"displayName": "refused"}},
    ],
}
POLICIES = "/policies/tokenLifetimePolicies"
ALONE = {
    "401": "401",
    "403": "403 Authorization_RequestDenied",
    "404": "404",
    "500": "500",
    "reset": "no answer",
    "html": "something else than Graph",
    "cut": "no answer",
    "half": "cut off",
}
"""What can become of a request, and what has to be said of it."""
PAGES = {"loop": "leads back", "foreign": "another place"}
PARTS = {"401": "401", "403": "403", "500": "500", "html": "200 with", "missing": "left out"}
"""What can become of a part of a batch."""
REQUESTS = {
    f"GET {POLICIES}": ("", ALONE | PAGES),
    "POST /$batch": ("", ALONE),
    "POST /$batch of appliesTo": ("after=1", ALONE),
    "POST /$batch of details": ("after=2", ALONE),
    "GET /organization": ("only=batch", PARTS),
    "GET /servicePrincipals/$count": ("only=batch", PARTS),
    f"GET {POLICIES}/*/appliesTo": ("only=batch", PARTS | PAGES),
    "GET /servicePrincipals/*-*": ("only=batch", PARTS),
}
"""Every request of a scan: which of its calls are to fail, and how."""
WITHOUT_VERDICT = {f"GET {POLICIES}/$count"}
"""Requests whose failure is a notice: what comes of it is tested with the lists that are short."""
CASES = [(name, fault) for name, (_, faults) in REQUESTS.items() for fault in faults]


@pytest.fixture(scope="module")
def tenant(new_sandbox) -> RunningSandbox:
    return new_sandbox("--tenant", "generated", *TENANT)


@pytest.fixture(autouse=True)
def mended(tenant) -> Iterator[None]:
    yield
    tenant.mend()
    tenant.set(**tenant.first_settings)


def scan(tenant: RunningSandbox, folder: Path, *arguments: str) -> tuple[Result, dict[str, Any]]:
    rule = folder / f"{NAMED['id']}.json"
    rule.write_text(json.dumps(NAMED))
    packs = ("--rules", "token-lifetime", "--rules", rule.name)
    options = (*packs, *QUIET_RULES, "--patience", "0", "-f", "json", "-o", "-")
    result = run(tenant, "scan", *options, *arguments, folder=folder)
    return result, json.loads(result.stdout)


@pytest.fixture(scope="module")
def whole(tenant, tmp_path_factory) -> dict[str, Any]:
    """The report when nothing goes wrong."""
    tenant.forget()
    result, report = scan(tenant, tmp_path_factory.mktemp("whole"))
    assert result.returncode == 0
    return report


def test_the_table_has_every_request_of_a_scan(tenant, tmp_path):
    tenant.forget()
    assert run(tenant, "scan", *QUIET_RULES, folder=tmp_path).returncode == 0
    _configuration, _token, *requests = tenant.requests()
    made = [request for request in requests for request in (request, *request.get("parts", ()))]
    expected = {name.partition(" of ")[0] for name in REQUESTS} | WITHOUT_VERDICT
    assert {template(request) for request in made} == expected
    assert sum(request["path"] == "/$batch" for request in made) == sum("$batch" in name for name in REQUESTS)


def template(request: dict[str, Any]) -> str:
    path = re.sub(r"[\w-]{36}", "*", request["path"].partition("?")[0])
    return f"{request['method']} {'/servicePrincipals/*-*' if path == '/servicePrincipals/*' else path}"


@pytest.mark.parametrize(("name", "fault"), CASES)
def test_no_rule_passes_on_what_was_not_read(tenant, whole, tmp_path, name, fault):
    when, said = REQUESTS[name]
    tenant.fail(f"{name.partition(' of ')[0]}={fault}{',' * bool(when)}{when}")
    result, report = scan(tenant, tmp_path)
    assert result.returncode == 3
    assert_nothing_passes_unread(report, whole)
    reasons = {each["reason"] for each in report["notEvaluated"]}
    assert any(said[fault] in reason for reason in reasons), reasons


def assert_nothing_passes_unread(report: dict[str, Any], whole: dict[str, Any]) -> None:
    """A rule that concludes anything concludes what it does where everything was read, of as many resources."""
    incomplete = incomplete_types(report)
    resources = {rule["id"]: rule["resource"] for rule in report["rules"]}
    expected = verdicts(whole)
    for rule, found in verdicts(report).items():
        if found[0] in ("pass", "nothing to check"):
            assert resources[rule] not in incomplete
            assert found == expected[rule]


@pytest.mark.parametrize(
    ("held", "lacking"),
    [
        ([], {"Policy.Read.All"}),
        (["Policy.Read.All"], {"Application.Read.All"}),
        (["Application.Read.All"], {"Policy.Read.All"}),
        (["Organization.Read.All"], {"Policy.Read.All"}),
        (["Application.Read.All", "Organization.Read.All"], {"Policy.Read.All"}),
    ],
)
def test_a_refusal_names_the_permission_in_every_format(tenant, whole, tmp_path, held, lacking):
    tenant.set(permissions=held)
    result, report = scan(tenant, tmp_path, "-f", "text", "-o", "report.txt")
    assert result.returncode == 3
    assert_nothing_passes_unread(report, whole)
    text = (tmp_path / "report.txt").read_text()
    for permission in lacking:
        assert permission in json.dumps(report["notEvaluated"])
        assert permission in text


def test_a_refusal_of_a_whole_batch_names_the_permission(tenant, tmp_path):
    tenant.set(permissions=["Policy.Read.All"])
    tenant.fail("POST /$batch=403")
    result, report = scan(tenant, tmp_path, "--select", "access-token-lifetime-too-long")
    assert result.returncode == 3
    (unread,) = report["notEvaluated"]
    assert "the batch it was in came to nothing: 403" in unread["reason"]
    assert unread["permission"] == "Application.Read.All"


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        ("GET /*/openid-configuration=403", "AZURE_TENANT_ID"),
        ("GET /*/openid-configuration=reset", "check the network"),
        ("GET /*/openid-configuration=html", "AZURE_TENANT_ID"),
        ("GET /*/openid-configuration=half", "AZURE_AUTHORITY_HOST"),
        ("POST /*/token=401", "AZURE_CLIENT_ID"),
        ("POST /*/token=403", "AZURE_CLIENT_ID"),
        ("POST /*/token=500", "AZURE_AUTHORITY_HOST"),
        ("POST /*/token=html", "AZURE_AUTHORITY_HOST"),
        ("POST /*/token=half", "AZURE_AUTHORITY_HOST"),
    ],
)
def test_a_sign_in_that_breaks_is_no_report(tenant, tmp_path, fault, advice):
    tenant.fail(fault)
    result = run(tenant, "scan", "-f", "json", "-o", "report.json", "--save-snapshot", "tenant.jsonl", folder=tmp_path)
    assert (result.returncode, result.stdout) == (3, "")
    error, hint = result.stderr.splitlines()
    assert error.startswith("Error: signing in with the client secret in AZURE_CLIENT_SECRET failed: ")
    assert hint.startswith("Hint: ")
    assert advice in hint
    assert list(tmp_path.iterdir()) == []
