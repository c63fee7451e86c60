"""`tokenguard doctor` as people run it, against the sandbox."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from live import POLICIES, TOKEN_SERVICE
from sandbox import RunningSandbox
from tokenguard.schemas import schema

PROGRAM = str(Path(sys.executable).with_name("tokenguard"))


def run(sandbox: RunningSandbox, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *arguments],
        env={**sandbox.environment, **changed},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )


def doctor(sandbox: RunningSandbox, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    result = run(sandbox, "doctor", *arguments, **changed)
    assert "Traceback" not in result.stderr
    assert "eyJ" not in result.stdout + result.stderr
    assert sandbox.variables["AZURE_CLIENT_SECRET"] not in result.stdout + result.stderr
    return result


def diagnosed(sandbox: RunningSandbox) -> tuple[int, dict]:
    result = doctor(sandbox, "--format", "json")
    document = json.loads(result.stdout)
    jsonschema.validate(document, schema("doctor"), cls=jsonschema.Draft202012Validator)
    return result.returncode, document


READ = ["Application.Read.All", "Policy.Read.All"]


def test_with_the_two_read_permissions_every_rule_can_be_evaluated(sandbox):
    sandbox.set(permissions=READ)
    result = doctor(sandbox, "--rules", "all")
    assert (result.returncode, result.stderr) == (0, "")
    for said in (
        sandbox.variables["AZURE_TENANT_ID"],
        sandbox.variables["AZURE_CLIENT_ID"],
        "the client secret in AZURE_CLIENT_SECRET",
        "cloud        global",
        "permissions  Application.Read.All, Policy.Read.All",
        "19 of 19 rules could be evaluated.",
    ):
        assert said in result.stdout
    assert "grant" not in result.stdout
    assert "more than" not in result.stdout


def test_it_only_reads_and_only_a_row_of_each(sandbox):
    doctor(sandbox, "--rules", "all")
    made = [entry for entry in sandbox.requests() if not any(part in entry["path"] for part in TOKEN_SERVICE)]
    assert {entry["method"] for entry in made if entry["path"] != "/$batch"} == {"GET"}
    assert len(made) <= 6
    assert all("$top=1" in entry["path"] for entry in made if "/servicePrincipals" in entry["path"])


def test_a_missing_permission_is_named_with_the_rules_that_need_it_and_how_to_grant_it(sandbox):
    sandbox.set(permissions=["Policy.Read.All"], applies_to_rows="bare")
    result = doctor(sandbox)
    assert result.returncode == 3
    lines = {line.split()[0]: line for line in result.stdout.splitlines() if line.strip()}
    assert lines["token-lifetime-policy-without-effect"].endswith("  missing Application.Read.All")
    assert lines["unassigned-token-lifetime-policy"].endswith("  answered although missing Application.Read.All")
    assert lines["token-lifetime-out-of-range"].endswith("  held")
    assert "\nMissing Application.Read.All: GET /servicePrincipals/" in result.stdout
    assert "\nAnswered although missing Application.Read.All: what holds a policy\n" in result.stdout
    assert "To grant Application.Read.All" in result.stdout
    assert "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30" in result.stdout
    assert sandbox.variables["AZURE_CLIENT_ID"] in lines["client=$(az"]
    assert "To grant Policy.Read.All" not in result.stdout


@pytest.mark.parametrize(
    ("permissions", "excess"),
    [
        ([*READ, "Directory.ReadWrite.All"], ["Directory.ReadWrite.All"]),
        (["Directory.Read.All", "Policy.Read.All"], ["Directory.Read.All"]),
        ([*READ, "Organization.Read.All"], []),
    ],
)
def test_more_than_the_rules_need_is_said_and_is_no_failure(sandbox, permissions, excess):
    sandbox.set(permissions=permissions)
    status, document = diagnosed(sandbox)
    assert (status, document["excess"]) == (0, excess)
    text = doctor(sandbox).stdout
    assert ("The token holds more than these rules need" in text) is bool(excess)


@pytest.mark.parametrize(
    ("permissions", "told", "faults"),
    [
        (READ, "bare", []),
        (["Policy.Read.All"], "full", []),
        (["Policy.Read.All"], "bare", []),
        (["Application.Read.All"], "bare", []),
        (["Directory.Read.All", "Policy.ReadWrite.ApplicationConfiguration"], "bare", []),
        ([], "bare", []),
        (READ, "bare", ["GET /policies/*/appliesTo=403"]),
        (READ, "bare", ["GET /policies/*/appliesTo=404"]),
        (READ, "bare", ["GET /servicePrincipals/*-*=404", "GET /applications/*-*=404"]),
    ],
)
def test_what_it_says_of_each_rule_is_what_a_scan_does(sandbox, permissions, told, faults):
    sandbox.set(permissions=permissions, applies_to_rows=told)
    sandbox.fail(*faults)
    status, document = diagnosed(sandbox)
    said = {rule["id"]: rule["evaluable"] for rule in document["rules"]}
    report = json.loads(run(sandbox, "scan", "--format", "json").stdout)
    scanned = {rule["id"]: not (rule["incomplete"] or rule["notEvaluated"]) for rule in report["rules"]}
    doubtful = {
        rule["id"]
        for rule in document["rules"]
        if any(access["state"] == "answered although missing" for access in rule["accesses"])
    }
    assert said == {id_: able and id_ not in doubtful for id_, able in scanned.items()}
    assert status == (0 if all(said.values()) else 3)
    text = doctor(sandbox).stdout
    assert f"\n{sum(said.values())} of {len(said)} rules could be evaluated." in text
    only_doubtful = sum(scanned[id_] for id_ in doubtful)
    assert (f" {only_doubtful} more w" in text) is (only_doubtful > 0)
    states = {line.split()[0]: line for line in text.splitlines() if line.split()[:1] and line.split()[0] in said}
    assert {id_ for id_, line in states.items() if line.endswith(" held")} == {
        id_ for id_, able in said.items() if able
    }


def test_a_permission_that_graph_refuses_all_the_same_is_no_reason_to_grant_it_again(sandbox):
    sandbox.fail("GET /servicePrincipals=403")
    result = doctor(sandbox, "--rules", "all")
    assert result.returncode == 3
    assert "\nRefused: GET /servicePrincipals?$top=1: 403" in result.stdout
    assert "  refused\n" in result.stdout
    assert "not readable" not in result.stdout.lower()
    assert "To grant" not in result.stdout


def test_what_is_no_refusal_is_not_readable_and_says_call_and_answer(sandbox):
    sandbox.fail("GET /policies/*/appliesTo=404")
    result = doctor(sandbox)
    assert result.returncode == 3
    assert "refused" not in result.stdout.lower()
    assert result.stdout.count("  not readable\n") == 7
    [line] = [line for line in result.stdout.splitlines() if line.startswith("Not readable: ")]
    assert line.startswith(f"Not readable: GET {POLICIES}/")
    assert "/appliesTo: 404 " in line
    _, document = diagnosed(sandbox)
    states = {access["what"]: access["state"] for rule in document["rules"] for access in rule["accesses"]}
    assert states["token lifetime policies"] == "held"
    assert states["what holds a policy"] == "not readable"


@pytest.mark.parametrize("fault", ["401", "403"])
def test_a_batch_that_is_refused_as_a_whole_refuses_what_was_in_it(sandbox, fault):
    sandbox.fail(f"POST /$batch={fault}")
    _, document = diagnosed(sandbox)
    states = {access["what"]: access["state"] for rule in document["rules"] for access in rule["accesses"]}
    assert states["what holds a policy"] == "refused"


def test_a_count_that_is_refused_is_said_with_what_strict_makes_of_it(sandbox):
    sandbox.fail(*(f"GET {path}/$count=403" for path in ("/servicePrincipals", "/applications", POLICIES)))
    result = doctor(sandbox, "--rules", "all")
    assert result.returncode == 0
    [line] = [line for line in result.stdout.splitlines() if "$count" in line]
    assert line.startswith("Notice: rows missing from a list do not show without its count: GET /servicePrincipals/$")
    assert line.endswith("; with --strict no rule over application, servicePrincipal is evaluated")
    report = json.loads(run(sandbox, "scan", "--rules", "all", "--strict", "--format", "json").stdout)
    held_back = {rule["resource"] for rule in report["rules"] if rule["incomplete"]}
    assert held_back == {"application", "servicePrincipal"}
    _, document = diagnosed(sandbox)  # by the rules of the default pack, which read one list in full
    [notice] = document["notices"]
    assert f"count: GET {POLICIES}/$count: 403" in notice["text"]
    assert notice["strict"] == []


def test_policies_that_are_fewer_than_their_count_are_not_readable(sandbox):
    sandbox.fail(f"GET {POLICIES}=none")
    result = doctor(sandbox, "--patience", "0")
    assert result.returncode == 3
    came = f"GET {POLICIES}: 0 different objects came where GET {POLICIES}/$count counts 3"
    assert f"Not readable: {came}" in result.stdout


def test_where_no_organization_comes_no_rule_can_be_evaluated(sandbox):
    sandbox.fail("GET /organization=none")
    result = doctor(sandbox, "--rules", "all")
    assert result.returncode == 3
    assert "\nNot readable: GET /organization: the answer holds 0 organizations\n" in result.stdout
    assert "\n0 of 19 rules could be evaluated." in result.stdout
    sandbox.mend()
    sandbox.fail("GET /organization=403")
    assert doctor(sandbox, "--rules", "all").returncode == 0  # the token tells the tenant


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({"AZURE_CLIENT_SECRET": "wrong"}, 3, "AADSTS7000215"),
        ({"AZURE_TENANT_ID": "00000000-1111-2222-3333-444444444444"}, 3, "AZURE_TENANT_ID"),
        ({"AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com"}, 2, "do not belong together"),
        ({"AZURE_AUTHORITY_HOST": "https://elsewhere.example"}, 2, "not trusted"),
    ],
)
def test_a_sign_in_that_fails_says_why(sandbox, changed, status, said):
    result = doctor(sandbox, **changed)
    assert (result.returncode, result.stdout) == (status, "")
    assert said in result.stderr


def test_a_rule_that_there_is_not_is_a_mistake_of_usage(sandbox):
    result = doctor(sandbox, "--select", "no-such-rule")
    assert result.returncode == 2
    assert "no such rule" in result.stderr
