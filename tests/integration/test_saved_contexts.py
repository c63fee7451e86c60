"""A saved answer counts only for the call that its own context confirms, whatever else it could be taken for."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from command import PROGRAM
from saved_tenant import CALLS, EMPTY, FOUND, GRAPH, HALF, HOUR, LISTS, POLICIES, TENANTS, Files, answer, save, scanned

KNOWN = ("organization", "servicePrincipals", "applications", POLICIES, "directoryObjects")
OTHERS = re.findall(
    r"\S+",
    """
    users groups devices contacts contracts domains directoryRoles directoryRoleTemplates administrativeUnits
    groupSettings groupSettingTemplates oauth2PermissionGrants appRoleAssignments subscribedSkus schemaExtensions
    certificateBasedAuthConfiguration applicationTemplates servicePrincipal application tokenLifetimePolicy policies
    permissionGrantPolicies agentIdentities invitations sites drives teams me subscriptions places orgContacts
    policies/activityBasedTimeoutPolicies policies/claimsMappingPolicies policies/homeRealmDiscoveryPolicies
    policies/tokenIssuancePolicies policies/appManagementPolicies policies/permissionGrantPolicies
    policies/conditionalAccessPolicies policies/featureRolloutPolicies policies/authenticationStrengthPolicies
    policies/authorizationPolicy policies/identitySecurityDefaultsEnforcementPolicy policies/roleManagementPolicies
    policies/crossTenantAccessPolicy/partners policies/tokenLifetimePolicy policies/tokenLifetimePoliciesOfAnother
    identity/conditionalAccess/policies identity/conditionalAccess/namedLocations conditionalAccess/policies
    identityGovernance/entitlementManagement/catalogs roleManagement/directory/roleAssignments auditLogs/signIns
    auditLogs/directoryAudits reports/credentialUserRegistrationDetails directory/deletedItems
    directory/administrativeUnits directory/customSecurityAttributeDefinitions
    me/memberOf me/ownedObjects users('a')/memberOf groups('a')/members groups('a')/owners
    servicePrincipals('a')/owners servicePrincipals('a')/memberOf servicePrincipals('a')/ownedObjects
    servicePrincipals('a')/appRoleAssignedTo servicePrincipals('a')/tokenLifetimePolicies
    applications('a')/owners applications('a')/tokenLifetimePolicies applications('a')/extensionProperties
    organization('a')/branding/localizations organization('a')/extensions
    policies/claimsMappingPolicies('a')/appliesTo policies/tokenIssuancePolicies('a')/appliesTo
    policies/tokenLifetimePolicies('a')/appliesTo policies/tokenLifetimePolicies('a')/applies
    Collection(microsoft.graph.tokenLifetimePolicy) Collection(microsoft.graph.user) Collection(microsoft.graph.group)
    Collection(microsoft.graph.stsPolicy) microsoft.graph.tokenLifetimePolicy Edm.Boolean Edm.String Edm.Null
    Collection(Edm.String) Collection($ref) $ref $metadata thingsThatNobodyKnows policies/thingsThatNobodyKnows
    """,
)
"""Collections of Graph, and some that are none."""
HOLDERS = (
    "directoryObjects",
    "servicePrincipals",
    "applications",
    "Collection(microsoft.graph.directoryObject)",
    "Collection(microsoft.graph.servicePrincipal)",
    "directoryObjects/microsoft.graph.application",
)


def confirming(name: str, named: bool) -> list[str]:
    """The collections whose context confirms that the file `name` of the tenants answers its call."""
    match name.partition("-")[0].removesuffix(".json"):
        case "organization":
            return ["organization"]
        case "policies":
            return [POLICIES, "tokenLifetimePolicies"]
        case "holders":
            of = HOUR if name == "holders-1.json" else HALF
            return [f"{POLICIES}('{of}')/appliesTo", *(HOLDERS if named else ())]
        case "holder":
            return ["servicePrincipals" if name == "holder-21.json" else "applications"]
        case kind:
            return ["servicePrincipals" if kind == "principals" else kind]


def collection_of(document: Any) -> str:
    return str(document["@odata.context"]).partition("#")[2]


def spellings(collection: str) -> list[str]:
    """Ways to write a whole context of `collection`, all of which OData knows, and one letter case of our own."""
    return [
        f"{GRAPH}/$metadata#{collection}",
        f"{GRAPH}/$metadata#{collection.upper()}",
        f"{GRAPH}/%24metadata#{collection.replace('/', '%2F')}",
        f"$metadata#{collection}",
        f"/v1.0/$metadata#{collection}",
        f"https://graph.microsoft.com/beta/$metadata#{collection}",
        f"{GRAPH}/$metadata#{collection}/$entity",
        f"{GRAPH}/$metadata#{collection}(id,displayName,owners(id,appRoles(value)))",
        f"{GRAPH}/$metadata#{collection}(id)/$entity",
        f"{GRAPH}/$metadata#{collection}(id,%20appId, displayName)",
    ]


def oddities(collection: str) -> list[str]:
    """Contexts that name no collection, though they hold the name of one."""
    names = [
        f"{GRAPH}/$metadata#{collection}/$delta",
        f"{GRAPH}/$metadata#{collection}/",
        f"{GRAPH}/$metadata#/{collection}",
        f"{GRAPH}/$metadata#{collection}#users",
        f"{GRAPH}/$metadata#users#{collection}",
        f"{GRAPH}/$metadata#v1.0/{collection}",
        f"{GRAPH}/$metadata#{collection}?$filter=x",
        f"{GRAPH}/$metadata?$filter=x#{collection}",
        f"{GRAPH}/$metadata#{collection}('a')",
        f"{GRAPH}/$metadata#{collection}(id)/owners",
        f"{GRAPH}/$metadata#{collection}/$links",
        f"{GRAPH}/$metadata#Collection({collection})",
        f"{GRAPH}/$metadata#{collection.replace('i', '%2569')}",
        f"{GRAPH}/$metadata#{collection.replace('s', '%C5%BF')}",
        f"{GRAPH}/$metadata#{collection.replace('k', '%E2%84%AA')}",
        f"{GRAPH}/$metadata#{collection} ",
        f"{GRAPH}#{collection}",
        f"{GRAPH}/{collection}",
        f"#{collection}",
        collection,
        "",
        "https://[",
    ]
    return [name for name in names if name != f"{GRAPH}/$metadata#{collection}"]


def swaps(files: Files, name: str) -> list[Any]:
    """Every context that does not confirm the call which the file `name` answers."""
    named = name in files.get("calls.json", ())
    confirmed = {each.lower() for each in confirming(name, named)}
    foreign = [each for each in (*KNOWN, *OTHERS, *HOLDERS) if each.lower() not in confirmed]
    plain = [f"{GRAPH}/$metadata#{each}" for each in dict.fromkeys(foreign)]
    odd = [each for other in (POLICIES, "users", "servicePrincipals") for each in spellings(other)]
    own = collection_of(files[name]).removesuffix("/$entity").partition("(id")[0].partition("(appliesTo")[0]
    elsewhere = [each for each in odd if not any(f"#{word}" in each.lower().replace("%2f", "/") for word in confirmed)]
    return [*plain, *elsewhere, *oddities(own), None, 7, ["#" + POLICIES]]


@pytest.mark.parametrize("tenant", TENANTS)
def test_no_answer_counts_for_another_call_than_its_context_confirms(tenant: str, tmp_path: Path) -> None:
    files, pack = TENANTS[tenant]
    save(tmp_path, files)
    assert scanned(tmp_path, pack).exit_status == 0
    for name in files.keys() - {"calls.json"}:
        contexts = swaps(files, name)
        assert len(contexts) > len(OTHERS)
        for context in contexts:
            (tmp_path / name).write_text(json.dumps({**files[name], "@odata.context": context}))
            assert (name, context, scanned(tmp_path, pack).exit_status) == (name, context, 3)
        save(tmp_path, files)


@pytest.mark.parametrize("tenant", TENANTS)
def test_an_answer_counts_however_its_context_is_spelt(tenant: str, tmp_path: Path) -> None:
    files, pack = TENANTS[tenant]
    for name in files.keys() - {"calls.json"}:
        for collection in confirming(name, name in files.get("calls.json", ())):
            for context in spellings(collection):
                save(tmp_path, {**files, name: {**files[name], "@odata.context": context}})
                assert (name, context, scanned(tmp_path, pack).exit_status) == (name, context, 0)


@pytest.mark.parametrize("key", ["@context", "@odata.Context", "odata.context"])
def test_a_context_counts_under_each_name_that_odata_has_for_it(key: str, tmp_path: Path) -> None:
    for name in EMPTY:
        document = {key if each == "@odata.context" else each: value for each, value in EMPTY[name].items()}
        save(tmp_path, {**EMPTY, name: document})
        assert scanned(tmp_path).exit_status == 0
        save(tmp_path, {**EMPTY, name: {**document, key: f"{GRAPH}/$metadata#users"}})
        assert scanned(tmp_path).exit_status == 3


def test_of_two_contexts_that_differ_neither_counts(tmp_path: Path) -> None:
    save(tmp_path, {**EMPTY, "policies.json": {**EMPTY["policies.json"], "@context": f"{GRAPH}/$metadata#users"}})
    assert scanned(tmp_path).exit_status == 3


def test_an_expanded_list_counts_for_the_policy_that_its_context_names(tmp_path: Path) -> None:
    def expanded(context: dict[str, str]) -> Files:
        rows = [{**row, **context, "appliesTo": []} for row in LISTS["policies.json"]["value"]]
        kept = {name: document for name, document in LISTS.items() if not name.startswith("holders")}
        return {**kept, "policies.json": answer(f"{POLICIES}(appliesTo())", *rows)}

    def status(context: dict[str, str]) -> int:
        save(tmp_path, expanded(context))
        return scanned(tmp_path, "token-lifetime").exit_status

    unassigned = status({})
    assert unassigned == 1
    assert status({"appliesTo@odata.context": f"{GRAPH}/$metadata#directoryObjects"}) == unassigned
    for collection in ("users", f"{POLICIES}('{HOUR}')/members", POLICIES, "Edm.String"):
        assert status({"appliesTo@odata.context": f"{GRAPH}/$metadata#{collection}"}) == 3
    assert status({"appliesTo@odata.nextLink": ""}) == 3


WITHOUT_CONTEXT = {
    name: {**{key: value for key, value in document.items() if key != "@odata.context"}}
    for name, document in LISTS.items()
}


@pytest.mark.parametrize("name", [name for name in LISTS if name != "holders-2.json"])
def test_rows_without_a_context_count_where_every_one_tells_what_it_is(name: str, tmp_path: Path) -> None:
    files = {**LISTS, "calls.json": CALLS, name: WITHOUT_CONTEXT[name]}
    save(tmp_path, files)
    assert scanned(tmp_path).exit_status == 0
    row = {"id": "99999999-0000-4000-8000-000000000000", "displayName": "One that does not tell"}
    save(tmp_path, {**files, name: {**files[name], "value": [*files[name]["value"] * 25, row]}})
    assert scanned(tmp_path).exit_status == 3
    without = {key: value for key, value in CALLS.items() if key != name}
    save(tmp_path, {**files, "calls.json": without})
    assert scanned(tmp_path).exit_status == (0 if name == "organization.json" else 3)


def test_rows_that_do_not_tell_count_by_their_context_alone(tmp_path: Path) -> None:
    save(tmp_path, {**LISTS, "calls.json": CALLS, "holders-2.json": WITHOUT_CONTEXT["holders-2.json"]})
    assert scanned(tmp_path).exit_status == 3


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_list_without_a_context_is_none(name: str, tmp_path: Path) -> None:
    files, pack = TENANTS["empty, named by calls.json"]
    save(tmp_path, {**files, name: {"value": []}})
    assert scanned(tmp_path, pack).exit_status == 3


# --- by the command that a user runs ------------------------------------------------------------------------------


def scan(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [PROGRAM, "scan", "--snapshot", str(folder), "--rules", "all", "--ignore", FOUND, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize("collection", ["policies/activityBasedTimeoutPolicies", "users", "me/memberOf", "lamps"])
@pytest.mark.parametrize("name", ["policies.json", "principals.json"])
def test_the_command_ends_with_3_for_the_empty_list_of_something_else(
    name: str, collection: str, tmp_path: Path
) -> None:
    named, _ = TENANTS["empty, named by calls.json"]
    for files in (EMPTY, named):
        save(tmp_path, files)
        assert scan(tmp_path).returncode == 0
        save(tmp_path, {**files, name: answer(collection)})
        assert scan(tmp_path).returncode == 3


def test_the_reason_names_the_file_and_what_it_holds(tmp_path: Path) -> None:
    save(tmp_path, {**EMPTY, "policies.json": answer("users"), "calls.json": {"policies.json": f"/{POLICIES}"}})
    done = scan(tmp_path)
    assert done.returncode == 3
    assert "policies.json does not count" in done.stdout
    assert "'users'" in done.stdout
    assert f"calls.json says that it answers /{POLICIES}" in done.stdout


FORMATS = ("text", "json", "sarif", "markdown", "html", "junit", "csv", "github", "ocsf")


def counted(files: Files, number: int) -> Files:
    """`files` with a count of principals and of applications, which `--strict` asks for."""
    counts = {"count-1.txt": "/servicePrincipals/$count", "count-2.txt": "/applications/$count"}
    saved = dict.fromkeys(counts, str(number).encode())
    return {**files, **saved, "calls.json": {**files.get("calls.json", {}), **counts}}


@pytest.mark.parametrize("format_", FORMATS)
def test_an_empty_list_of_policies_is_noticed_where_its_context_alone_tells_it_apart(
    format_: str, tmp_path: Path
) -> None:
    said = "told by its context alone"
    save(tmp_path, counted(EMPTY, 0))
    done = scan(tmp_path, "--format", format_)
    assert done.returncode == 0
    assert said in done.stdout
    assert scan(tmp_path, "--format", format_, "--strict").returncode == 3
    count = {"count.txt": b"0", "calls.json": {"count.txt": f"/{POLICIES}/$count"}}
    for beside in ({"calls.json": {"policies.json": f"/{POLICIES}"}}, count):
        save(tmp_path, counted({**EMPTY, **beside}, 0))
        done = scan(tmp_path, "--format", format_, "--strict")
        assert done.returncode == 0
        assert said not in done.stdout


def test_policies_that_are_counted_and_not_saved_are_missing(tmp_path: Path) -> None:
    save(tmp_path, {**EMPTY, "count.txt": b"1", "calls.json": {"count.txt": f"/{POLICIES}/$count"}})
    assert scan(tmp_path).returncode == 3


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("by", ["context", "call"])
def test_an_answer_of_beta_counts_and_is_named(by: str, format_: str, tmp_path: Path) -> None:
    files: dict[str, Any] = {**LISTS, "calls.json": CALLS}
    if by == "call":
        files["calls.json"] = {**CALLS, "holders-2.json": f"/beta/{POLICIES}/{HALF}/appliesTo"}
    else:
        context = files["holders-2.json"]["@odata.context"].replace("v1.0", "beta")
        files["holders-2.json"] = {**files["holders-2.json"], "@odata.context": context}
    save(tmp_path, {**LISTS, "calls.json": CALLS})
    assert "Graph beta" not in scan(tmp_path, "--format", format_).stdout
    save(tmp_path, counted(files, 2))
    done = scan(tmp_path, "--format", format_, "--strict")
    assert done.returncode == 0
    assert "of Microsoft Graph beta" in done.stdout
    assert "holders-2.json" in done.stdout


def test_a_fixture_of_one_principals_policies_does_not_make_a_tenant_compliant_unsaid(tmp_path: Path) -> None:
    """What a public test fixture answers to ``GET /beta/servicePrincipals/{id}/tokenLifetimePolicies``."""
    fixture = {"@odata.context": f"https://graph.microsoft.com/beta/$metadata#{POLICIES}", "value": []}
    save(tmp_path, {**EMPTY, "policies.json": fixture})
    done = scan(tmp_path)
    assert "of Microsoft Graph beta" in done.stdout
    assert "told by its context alone" in done.stdout
    assert scan(tmp_path, "--strict").returncode == 3
