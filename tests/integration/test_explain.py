"""`tokenguard explain` as people run it: the embedded tenant, and the sandbox over sockets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pytest

from sandbox import RunningSandbox
from tokenguard.schemas import schema

PROGRAM = str(Path(sys.executable).with_name("tokenguard"))
RULES = Path(__file__).parents[1] / "data" / "rules" / "good"
DATAVERSE = "00000007-0000-0000-c000-000000000000"


def run(*arguments: str | Path, environment: Mapping[str, str] = os.environ) -> subprocess.CompletedProcess[str]:
    command = [PROGRAM, "explain", *map(str, arguments)]
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=120
    )
    assert "Traceback" not in result.stderr
    assert "eyJ" not in result.stdout + result.stderr
    return result


def run_scan(*arguments: str, environment: Mapping[str, str]) -> dict:
    command = [PROGRAM, "scan", *arguments]
    return json.loads(subprocess.run(command, env=environment, capture_output=True, check=False).stdout)


def explained(*arguments: str | Path, status: int = 0, **options: Mapping[str, str]) -> dict:
    result = run(*arguments, "--format", "json", **options)
    assert result.returncode == status, result.stderr
    document = json.loads(result.stdout)
    jsonschema.validate(document, schema("explain"), cls=jsonschema.Draft202012Validator)
    return document


@pytest.mark.parametrize(
    ("name", "status"),
    [("Dataverse", 3), ("dataverse", 3), (DATAVERSE, 0), ("2C63888F-28f0-4481-be6d-dce7a7ace732", 0)],
)
def test_the_article_s_case_is_explained_however_it_is_named(name, status):
    """The embedded tenant's registrations could not be read: one of them may be called Dataverse as well."""
    result = run("--demo", name)
    assert result.returncode == status
    assert ("there may be another of that name" in result.stdout) is bool(status)
    assert "save its answer" not in result.stdout
    for said in (
        "policy “Custom CDS Policy”, on the service principal",
        "access tokens        5 h",
        "SAML NotOnOrAfter    5 h 5 min after issue",
        "- on the service principal: policy “Custom CDS Policy”, 5 h: outranked by policy “Everyone, one hour”",
        "every Dataverse environment",
        "high access-token-lifetime-too-long",
    ):
        assert said in result.stdout


def test_the_json_says_the_same_and_keeps_to_its_schema():
    document = explained("--demo", DATAVERSE)
    assert [each["accessTokenLongestSeconds"] for each in document["inForce"]] == [3600, 18000]
    assert document["ambiguous"] is True
    assert document["application"]["appId"] == DATAVERSE
    assert {each["rule"] for each in document["findings"]} >= {"access-token-lifetime-too-long"}
    assert explained("--demo", DATAVERSE, "--precedence", "classic")["inForce"][0]["basis"] == "servicePrincipal"


def test_a_lifetime_that_cannot_be_read_is_not_known_and_gives_3():
    document = explained("--demo", "Customer Data API", status=3)
    assert "is not JSON" in document["unknown"]
    assert [each["basis"] for each in document["inForce"]] == ["organization"]  # if Entra ignores what cannot be read
    assert document["ambiguous"] is True
    assert document["notEvaluated"]
    said = run("--demo", "Customer Data API").stdout
    assert "one of these, or another" in said
    assert said.count("is not JSON") == sum("is not JSON" in line for line in said.splitlines())


def test_names_from_the_tenant_cannot_act():
    result = run("--demo", "Timesheets")
    assert result.returncode == 3
    assert "\x1b" not in result.stdout
    assert "\\x1b[2J" in result.stdout


def test_an_exemption_that_applies_is_said_beside_its_finding(tmp_path):
    exemptions = tmp_path / "exemptions.json"
    decision = {
        "rule": "access-token-lifetime-too-long",
        "resource": DATAVERSE,
        "reason": "the nightly import needs it",
        "owner": "dana",
        "expires": "2099-12-31",
    }
    exemptions.write_text(json.dumps({"exemptions": [decision]}))
    result = run("--demo", "Dataverse", "--exemptions", exemptions)
    assert "exempt by dana" in result.stdout
    assert "the nightly import needs it" in result.stdout


@pytest.mark.parametrize(
    ("resource", "expires", "said"),
    [
        (DATAVERSE, "2099-12-31", 'access-token-lifetime-too-long with maximum "PT5H", by dana, '),
        ("Dataverse", "2099-12-31", 'access-token-lifetime-too-long with maximum "PT5H", by dana, '),
        (DATAVERSE, "2020-12-31", "by dana, expired on 2020-12-31, applies no more: the nightly import"),
    ],
)
def test_an_exemption_that_leaves_no_finding_is_said_all_the_same(tmp_path, resource, expires, said):
    exemptions = tmp_path / "exemptions.json"
    decision = {
        "rule": "access-token-lifetime-too-long",
        "resource": resource,
        "reason": "the nightly import",
        "owner": "dana",
        "expires": expires,
        "parameters": {"maximum": "PT5H"},
    }
    exemptions.write_text(json.dumps({"exemptions": [decision, {**decision, "resource": "Partner Portal"}]}))
    result = run("--demo", DATAVERSE, "--exemptions", exemptions)
    assert result.returncode == 0
    assert said in result.stdout
    found = "high access-token-lifetime-too-long" in result.stdout
    assert (found, "applies no more" in result.stderr) == ((expires < "2021"),) * 2
    document = explained("--demo", DATAVERSE, "--exemptions", exemptions)
    assert [each["resource"] for each in document["exemptions"]] == [resource]
    rules = ("--ignore", "access-token-lifetime-too-long")
    assert explained("--demo", DATAVERSE, "--exemptions", exemptions, *rules)["exemptions"] == []


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """The answers of a small tenant with two applications of one name."""
    row = {"servicePrincipalType": "Application", "signInAudience": "AzureADMyOrg", "displayName": "Twin"}
    rows = [
        {"id": f"{n}" * 8 + "-0000-4000-8000-000000000000", "appId": f"{n}" * 8 + "-1111-4000-8000-000000000000"}
        for n in (1, 2)
    ]
    answers = {
        "organization": ("organization", [{"id": "3" * 8 + "-0000-4000-8000-000000000000", "displayName": "T"}]),
        "policies": ("policies/tokenLifetimePolicies", []),
        "servicePrincipals": ("servicePrincipals", [{**row, **each} for each in rows]),
        "applications": ("applications", []),
    }
    for name, (context, value) in answers.items():
        body = {"@odata.context": f"https://graph.microsoft.com/v1.0/$metadata#{context}", "value": value}
        (tmp_path / f"{name}.json").write_text(json.dumps(body))
    return tmp_path


def test_a_name_that_several_bear_lists_them_and_takes_none(saved):
    result = run("--snapshot", saved, "Twin")
    assert (result.returncode, result.stdout) == (2, "")
    assert "stands for 2 applications" in result.stderr
    assert "11111111-1111-4000-8000-000000000000" in result.stderr
    assert "22222222-1111-4000-8000-000000000000" in result.stderr
    one = explained("--snapshot", saved, "11111111-1111-4000-8000-000000000000")
    assert [each["basis"] for each in one["inForce"]] == ["default"]


def test_an_exemption_of_a_name_that_several_bear_applies_as_little_as_in_a_scan(saved, tmp_path):
    decision = {"rule": "service-principal-token-lifetime-too-long", "resource": "Twin"}
    decision |= {"reason": "it is needed", "owner": "dana", "expires": "2099-12-31"}
    exemptions = tmp_path / "exemptions.txt"
    exemptions.write_text(json.dumps({"exemptions": [decision]}))
    options = ("--snapshot", saved, "--rules", "all", "--select", decision["rule"], "--exemptions", exemptions)
    result = run("11111111-1111-4000-8000-000000000000", *options)
    assert result.returncode == 0
    assert "names 2 resources" in result.stderr


@pytest.mark.parametrize(("absent", "status", "said"), [("fail", 0, "findings"), ("not-evaluated", 3, "notEvaluated")])
def test_what_a_rule_misses_of_the_application_concerns_it(saved, tmp_path, absent, status, said):
    context = "https://graph.microsoft.com/v1.0/$metadata#applications"
    row = {
        "id": "44444444-0000-4000-8000-000000000000",
        "appId": DATAVERSE,
        "displayName": "Alone",
        "signInAudience": "AzureADMyOrg",
    }
    (saved / "applications.json").write_text(json.dumps({"@odata.context": context, "value": [row]}))
    rule = json.loads((RULES / "dataverse-lifetime-not-five-hours.json").read_bytes())
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / f"{rule['id']}.json").write_text(json.dumps(rule | {"absent": absent}))
    document = explained("--snapshot", saved, DATAVERSE, "--rules", tmp_path / "rules", status=status)
    assert [(each["rule"], each["resource"]["id"]) for each in document[said]] == [(rule["id"], DATAVERSE)]


def test_two_organization_defaults_are_a_finding_that_concerns_it(saved):
    settings = [json.dumps({"TokenLifetimePolicy": {"Version": 1, "AccessTokenLifetime": "01:00:00"}})]
    context = "https://graph.microsoft.com/v1.0/$metadata#policies/tokenLifetimePolicies"
    policies = [
        {
            "id": f"{n}" * 8 + "-2222-4000-8000-000000000000",
            "displayName": f"Default {n}",
            "isOrganizationDefault": True,
            "definition": settings,
        }
        for n in (1, 2)
    ]
    (saved / "policies.json").write_text(json.dumps({"@odata.context": context, "value": policies}))
    for policy in policies:
        of = f"{context}('{policy['id']}')/appliesTo"
        (saved / f"appliesTo-{policy['displayName']}.json").write_text(json.dumps({"@odata.context": of, "value": []}))
    document = explained("--snapshot", saved, "11111111-1111-4000-8000-000000000000", status=3)
    assert "more than one policy is the organization default" in document["unknown"]
    assert "several-organization-default-policies" in {each["rule"] for each in document["findings"]}


def test_an_address_that_was_not_saved_of_anything_is_not_said_to_be_unknown_to_the_tenant(saved):
    result = run("--snapshot", saved, "https://twin.example")
    assert (result.returncode, result.stdout) == (3, "")
    assert "holds its servicePrincipalNames" in result.stderr


def test_an_application_that_there_is_not_is_a_mistake_of_usage(saved):
    result = run("--snapshot", saved, "Nobody")
    assert (result.returncode, result.stdout) == (2, "")
    assert "there is no application 'Nobody'" in result.stderr


def test_a_snapshot_file_is_refused_clearly(tmp_path):
    file = tmp_path / "tenant.jsonl"
    subprocess.run([PROGRAM, "collect", "--demo", "--output", file], capture_output=True, check=False)
    result = run("--snapshot", file, "Dataverse")
    assert result.returncode == 2
    assert "is no folder of saved answers" in result.stderr


@pytest.fixture(scope="module")
def demo(new_sandbox):
    return new_sandbox("--tenant", "demo")


@pytest.fixture
def tenant(demo: RunningSandbox) -> RunningSandbox:
    demo.mend()
    demo.set(**demo.first_settings)
    demo.forget()
    return demo


@pytest.mark.parametrize("name", ["Dataverse", DATAVERSE, "https://contoso.crm4.dynamics.com"])
def test_a_live_tenant_is_explained_with_reads_alone(tenant, name):
    document = explained(name, environment=tenant.environment)
    assert [each["accessTokenLongestSeconds"] for each in document["inForce"]] == [3600, 18000]
    assert document["doubts"] == []
    made = [entry for entry in tenant.requests() if entry["path"].startswith("/") and "/oauth2/" not in entry["path"]]
    assert {entry["method"] for entry in made if entry["path"] != "/$batch"} <= {"GET"}
    assert len(made) < 15


def test_rules_over_all_principals_list_none_for_the_sake_of_one(tenant):
    document = explained(DATAVERSE, "--rules", "all", environment=tenant.environment)
    assert [entry["path"] for entry in tenant.requests() if "$top" in entry["path"]] == []
    report = run_scan("--rules", "all", "--format", "json", environment=tenant.environment)
    ids = {each["id"] for each in document["application"]["objects"]}
    scanned = [each for each in report["findings"] if each["resource"]["id"] in ids]
    for each in scanned:
        each.pop("wouldPassIf", None)  # a report's alone
    assert scanned
    assert [each for each in document["findings"] if each["resource"]["id"] in ids] == scanned


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://payments.brackwater.example", "Payments API"),
        ("HTTPS://Payments.Brackwater.example", "Payments API"),
        ("https://brackwater.example/warehouse", "Warehouse Scanner API"),
    ],
)
def test_the_address_of_an_api_of_the_tenant_s_own_is_looked_for_among_the_names(tenant, address, name):
    document = explained(address, environment=tenant.environment)
    assert document["application"]["name"] == name
    assert document["doubts"] == []
    assert any("servicePrincipalNames/any" in entry["path"] for entry in tenant.requests())


def test_an_address_that_nothing_of_the_tenant_goes_by_is_a_mistake_of_usage(tenant):
    result = run("https://nobody.example", environment=tenant.environment)
    assert (result.returncode, result.stdout) == (2, "")
    assert "there is no application" in result.stderr


def test_a_name_that_others_may_bear_that_could_not_be_looked_through_gives_3(tenant):
    tenant.fail("GET /applications=403")
    document = explained("Dataverse", environment=tenant.environment, status=3)
    assert [each["accessTokenLongestSeconds"] for each in document["inForce"]] == [3600, 18000]
    assert "GET /applications" in document["doubts"][0]
    assert explained(DATAVERSE, environment=tenant.environment)["doubts"] == []


def test_a_tenant_that_may_not_be_looked_through_gives_3_not_2(tenant):
    tenant.set(permissions=["Policy.Read.All"])
    result = run("Nobody", environment=tenant.environment)
    assert (result.returncode, result.stdout) == (3, "")
    assert "not all could be looked through" in result.stderr


def test_policies_that_may_not_be_read_leave_the_lifetime_unknown(tenant):
    tenant.fail("GET /policies/*/appliesTo=403")
    said = run("Dataverse", environment=tenant.environment).stdout.partition("Not evaluated\n")[2].splitlines()
    assert len([line for line in said if "access-token-lifetime-too-long, " in line]) == 1
    assert len({line.partition(": ")[2] for line in said}) == len(said)
    document = explained("Dataverse", environment=tenant.environment, status=3)
    assert "403" in document["unknown"]
    assert document["inForce"] == []
