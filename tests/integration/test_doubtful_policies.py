"""Policies that Entra may ignore, in a saved tenant, as the built command judges, explains and snapshots them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tenants import TENANT, definition

PROGRAM = str(Path(sys.executable).with_name("tokenguard"))
GRAPH = "https://graph.microsoft.com/v1.0"
CONTEXT = f"{GRAPH}/$metadata#"
APP_ID = "0000aaaa-0000-4000-8000-000000000001"
APPLICATION = {
    "id": "0000cccc-0000-4000-8000-000000000001",
    "appId": APP_ID,
    "displayName": "Ledger API",
    "signInAudience": "AzureADMyOrg",
    "createdDateTime": None,
    "passwordCredentials": [],
    "keyCredentials": [],
}
PRINCIPAL = {
    "id": "0000bbbb-0000-4000-8000-000000000001",
    "appId": APP_ID,
    "displayName": "Ledger API",
    "servicePrincipalType": "Application",
    "signInAudience": "AzureADMyOrg",
    "appOwnerOrganizationId": TENANT,
    "accountEnabled": True,
    "passwordCredentials": [],
    "keyCredentials": [],
}
DAY = definition("24:00:00")
LONG = definition("23:00:00")


def tokenguard(*arguments: str | Path, status: int) -> str:
    command = [PROGRAM, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == status, result.stdout + result.stderr
    return result.stdout


def save(folder: Path, *policies: dict[str, Any]) -> Path:
    """A tenant of one application with its principal; ``holds`` of a policy: whether the application does."""
    folder.mkdir()
    calls = {}

    def answer(name: str, call: str, context: str, *rows: dict[str, Any]) -> None:
        (folder / name).write_text(json.dumps({"@odata.context": CONTEXT + context, "value": rows}))
        calls[name] = f"{GRAPH}/{call}"

    answer(
        "organization.json", "organization", "organization", {"id": TENANT, "displayName": "Us", "verifiedDomains": []}
    )
    answer("applications.json", "applications", "applications", APPLICATION)
    answer("principals.json", "servicePrincipals", "servicePrincipals", PRINCIPAL)
    rows = []
    for number, given in enumerate(policies):
        id_ = f"0000dddd-0000-4000-8000-00000000000{number}"
        rows.append({"id": id_, "displayName": f"P{number}", "description": None, **given})
        holders = (
            [{"@odata.type": "#microsoft.graph.application", **APPLICATION}] if rows[-1].pop("holds", False) else []
        )
        answer(
            f"appliesTo-{number}.json", f"policies/tokenLifetimePolicies/{id_}/appliesTo", "directoryObjects", *holders
        )
    answer("policies.json", "policies/tokenLifetimePolicies", "policies/tokenLifetimePolicies", *rows)
    (folder / "calls.json").write_text(json.dumps(calls))
    return folder


def row(text: str, default: bool | None = False, **more: Any) -> dict[str, Any]:
    return {"definition": [text], "isOrganizationDefault": default, **more}


PRINCIPALS = ("application-token-lifetime-too-long", "service-principal-token-lifetime-too-long")


@pytest.mark.parametrize(
    ("text", "status"), [(DAY, 0), (definition("00:05:00"), 0), (definition("01:00:00").replace('"', '\\"'), 3)]
)
def test_a_default_that_entra_may_ignore_hides_nothing_behind_it(tmp_path, text, status):
    """The application's 23 hours passed both rules, and its policy was to be removed as one without effect."""
    folder = save(tmp_path / "saved", row(text, True), row(LONG, holds=True))
    report = json.loads(tokenguard("scan", "--snapshot", folder, "--rules", "all", "-f", "json", status=1))
    messages = {each["rule"]: each["message"] for each in report["findings"]}
    assert set(PRINCIPALS) <= messages.keys()
    assert "token-lifetime-precedence-ambiguous" in messages
    assert "token-lifetime-policy-without-effect" not in messages
    document = json.loads(tokenguard("explain", "--snapshot", folder, APP_ID, "-f", "json", status=status))
    assert [each["basis"] for each in document["inForce"]] == ["organization", "application"]
    assert document["inForce"][1]["accessTokenLongestSeconds"] == 23 * 3600
    assert document["ambiguous"] is True
    said = tokenguard("explain", "--snapshot", folder, APP_ID, status=status)
    assert "* on the application: policy “P1”, 23 h: may decide: only where Entra ignores policy “P0”" in said
    assert "Entra may ignore it" in said


def test_what_fails_in_one_way_and_is_not_known_in_the_other_fails_also_out_of_a_snapshot(tmp_path):
    """P1 may be a second organization default; of two, nobody knows which governs."""
    folder = save(tmp_path / "saved", row(DAY, True), row(definition(), None))
    snapshot = tmp_path / "tenant.jsonl"
    tokenguard("collect", "--from", folder, "--rules", "all", "--output", snapshot, status=0)
    for source in (folder, snapshot):
        report = json.loads(tokenguard("scan", "--snapshot", source, "--rules", "principals", "-f", "json", status=1))
        messages = {each["rule"]: each["message"] for each in report["findings"]}
        assert messages.keys() == set(PRINCIPALS)
        assert all("live up to 1 d, by the policy of the organization" in message for message in messages.values())
    document = json.loads(tokenguard("explain", "--snapshot", folder, APP_ID, "-f", "json", status=3))
    assert "more than one policy is the organization default" in document["unknown"]
    assert [each["basis"] for each in document["inForce"]] == ["organization", "organization", "default"]
    assert document["ambiguous"] is True


def test_a_default_that_is_null_is_no_default_and_one(tmp_path):
    folder = save(tmp_path / "saved", row(definition(), None), row(LONG, holds=True))
    report = json.loads(tokenguard("scan", "--snapshot", folder, "--rules", "all", "-f", "json", status=1))
    assert set(PRINCIPALS) <= {each["rule"] for each in report["findings"]}
    assert {"organization-default-policy", "several-organization-default-policies"} <= {
        each["rule"] for each in report["notEvaluated"]
    }
    said = tokenguard("explain", "--snapshot", folder, APP_ID, status=3)
    assert "Entra may ignore it: isOrganizationDefault is null" in said


def test_the_rules_of_a_policy_do_not_judge_what_is_no_json_as_it_stands(tmp_path):
    folder = save(tmp_path / "saved", row(LONG.replace('"', '\\"'), holds=True))
    report = json.loads(tokenguard("scan", "--snapshot", folder, "--rules", "all", "-f", "json", status=1))
    failed = {each["rule"] for each in report["findings"]}
    assert failed == {*PRINCIPALS, "unreadable-token-lifetime-definition", "token-lifetime-precedence-ambiguous",
                      "token-lifetime-policy-on-unlisted-principal"}  # fmt: skip
    assert "access-token-lifetime-too-long" in {each["rule"] for each in report["notEvaluated"]}


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ('"version":1,"accesstokenlifetime":"01:00:00"', '"accesstokenlifetime":"01:00:00","version":1'),
        ('"Version":1,"MaxInactiveTime":"1","B":1,"A":2', '"A":2,"Version":1,"B":1,"MaxInactiveTime":"1"'),
        ('"Version":2,"AccessTokenLifetime":"01:00:00","A":2', '"A":2,"AccessTokenLifetime":"01:00:00","Version":2'),
    ],
)  # fmt: skip
def test_the_order_of_keys_is_no_change_of_what_is_said_of_a_doubt(tmp_path, before, now):
    """Why the application's policy may be in force named the doubts in the order of the default's keys."""
    names = []
    for name, settings in (("before", before), ("now", now)):
        folder = save(tmp_path / name, row(f'{{"TokenLifetimePolicy":{{{settings}}}}}', True), row(LONG, holds=True))
        names.append(tmp_path / f"{name}.jsonl")
        tokenguard("collect", "--from", folder, "--rules", "all", "--output", names[-1], status=0)
    select = ("--select", "token-lifetime-policy-without-effect", "--fail-on-change")
    difference = json.loads(tokenguard("diff", *names, *select, "-f", "json", status=3 if '"Version":2' in now else 0))
    assert difference["resources"] == []
