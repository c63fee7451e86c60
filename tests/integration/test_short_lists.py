"""Lists with fewer rows than their own count, and an organization without a row: no verdict, through the command."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command import Result, run
from live import graph_requests
from sandbox import RunningSandbox
from tokenguard.entra.collector import DEMO

POLICIES = "/policies/tokenLifetimePolicies"
LISTS = {"servicePrincipal": "/servicePrincipals", "application": "/applications", "tokenLifetimePolicy": POLICIES}
ROWS = {"servicePrincipal": 1250, "application": 125, "tokenLifetimePolicy": 3}
COUNTED = pytest.mark.parametrize("type_", LISTS)
SCAN = ("scan", "--rules", "all", "--fail-on", "critical", "-f", "json", "-o", "report.json")
"""Of a tenant with no critical finding: 0 says that everything could be evaluated, 3 that something could not."""


@pytest.fixture(scope="module")
def large(new_sandbox) -> RunningSandbox:
    return new_sandbox("--tenant", "generated", "--principals", "1250", "--policies", "3", "--assignments", "6")


@pytest.fixture
def tenant(large) -> Iterator[RunningSandbox]:
    large.mend()
    large.set(**large.first_settings)
    large.forget()
    yield large
    large.mend()
    large.set(**large.first_settings)


def scan(tenant: RunningSandbox, folder: Path, *options: str, patience: str = "0") -> tuple[Result, dict[str, Any]]:
    result = run(tenant, *SCAN, "--patience", patience, *options, folder=folder)
    return result, json.loads((folder / "report.json").read_text())


def unevaluated(report: dict[str, Any]) -> dict[str, set[str]]:
    """Why rules could not be evaluated as a whole, by the type that they are about."""
    types = {rule["id"]: rule["resource"] for rule in report["rules"]}
    found: dict[str, set[str]] = {}
    for each in report["notEvaluated"]:
        if each["resource"] is None:
            found.setdefault(types[each["rule"]], set()).add(each["reason"])
    return found


def short(type_: str, came: int, counted: int) -> str:
    path = LISTS[type_]
    return f"GET {path}: {came} different objects came where GET {path}/$count counts {counted}"


# --- fewer rows than counted ----------------------------------------------------------------------------------------


def test_every_list_is_compared_with_a_count_of_the_first_batch(tenant, tmp_path):
    result, report = scan(tenant, tmp_path)
    assert (result.returncode, report["notices"], report["notEvaluated"]) == (0, [], [])
    assert {each["type"]: each["count"] for each in report["types"]}.items() >= ROWS.items()
    first, *others = [request for request in tenant.requests() if request["path"] == "/$batch"]
    assert [part["path"] for part in first["parts"] if part["path"].endswith("$count")] == [
        f"{path}/$count" for path in LISTS.values()
    ]
    assert "/organization" in [part["path"] for part in first["parts"]]
    assert all("$count" not in part["path"] for other in others for part in other["parts"])


def test_of_lists_that_are_not_read_no_count_is_asked(tenant, tmp_path):
    scan(tenant, tmp_path, "--select", "unassigned-token-lifetime-policy")
    parts = [part["path"] for request in tenant.requests() for part in request.get("parts", ())]
    assert [part for part in parts if part.endswith("$count")] == [f"{POLICIES}/$count"]


@pytest.mark.parametrize(
    "cut",
    [
        ("servicePrincipal", "last", 999),
        ("servicePrincipal", "gap,times=1", 1249),
        ("servicePrincipal", "twice,times=1", 1249),
        ("servicePrincipal", "none", 0),
        ("application", "gap", 124),
        ("application", "twice", 124),
        ("application", "none", 0),
        ("tokenLifetimePolicy", "gap", 2),
        ("tokenLifetimePolicy", "twice", 2),
        ("tokenLifetimePolicy", "none", 0),
    ],
)
@pytest.mark.parametrize("strict", [(), ("--strict",)])
def test_a_list_that_is_cut_is_not_evaluated(tenant, tmp_path, cut, strict):
    type_, fault, came = cut
    tenant.fail(f"GET {LISTS[type_]}={fault}")
    result, report = scan(tenant, tmp_path, *strict)
    assert result.returncode == 3
    assert report["notices"] == []
    found = unevaluated(report)
    assert short(type_, came, ROWS[type_]) in found[type_]
    hangs_on_it = {"tokenLifetimePolicy", "tokenLifetimePolicyAssignment"}
    assert set(found) == (hangs_on_it if type_ in hangs_on_it else {type_})


def test_whatever_hangs_on_policies_is_not_evaluated_where_one_is_missing(tenant, tmp_path):
    tenant.fail(f"GET {POLICIES}=gap")
    _, report = scan(tenant, tmp_path)
    passed = {rule["id"] for rule in report["rules"] if rule["verdict"] in ("pass", "nothing to check")}
    assert passed == set()


@COUNTED
def test_more_rows_than_counted_contradict_nothing(tenant, tmp_path, type_):
    tenant.fail(f"GET {LISTS[type_]}/$count=number,value=1")
    result, report = scan(tenant, tmp_path, "--strict")
    assert (result.returncode, report["notices"]) == (0, [])


# --- a second look --------------------------------------------------------------------------------------------------


@COUNTED
def test_a_count_that_was_ahead_of_its_list_is_asked_once_more(tenant, tmp_path, type_):
    tenant.fail(f"GET {LISTS[type_]}/$count=number,value={ROWS[type_] + 1},times=1")
    result, report = scan(tenant, tmp_path)
    assert (result.returncode, report["notices"]) == (0, [])
    asked = [part["path"] for request in tenant.requests() for part in request.get("parts", ())]
    assert asked.count(f"{LISTS[type_]}/$count") == 2
    assert sum(f"GET {LISTS[type_]} " in request for request in graph_requests(tenant)) == (
        2 if ROWS[type_] > 999 else 1
    )


@pytest.mark.parametrize("type_", ["application", "tokenLifetimePolicy"])
@pytest.mark.parametrize("fault", ["gap", "twice", "none"])
def test_a_list_of_one_page_that_was_behind_its_count_is_read_once_more(tenant, tmp_path, type_, fault):
    tenant.fail(f"GET {LISTS[type_]}={fault},times=1")
    result, report = scan(tenant, tmp_path)
    assert (result.returncode, report["notices"]) == (0, [])
    assert {each["type"]: each["count"] for each in report["types"]}[type_] == ROWS[type_] + (fault == "twice") * (
        type_ == "application"
    )
    assert sum(f"GET {LISTS[type_]} " in request for request in graph_requests(tenant)) == 2


def test_a_list_of_several_pages_is_not_read_again(tenant, tmp_path):
    tenant.fail("GET /servicePrincipals=gap,times=1")
    result, _ = scan(tenant, tmp_path)
    assert result.returncode == 3
    assert sum("GET /servicePrincipals " in request for request in graph_requests(tenant)) == 2


@pytest.mark.parametrize(("patience", "pauses"), [("0", False), ("2", False), ("900", True)])
def test_the_second_look_comes_after_a_pause_that_the_patience_of_the_run_has(tenant, tmp_path, patience, pauses):
    tenant.fail("GET /applications/$count=number,value=126,times=1")
    result, _ = scan(tenant, tmp_path, "-v", patience=patience)
    assert result.returncode == 0
    first, second = (
        request["at"]
        for request in tenant.requests()
        if any(part["path"] == "/applications/$count" for part in request.get("parts", ()))
    )
    assert (second - first >= 3) is pauses
    said = "waiting 3 s: 125 of /applications came where Graph counts 126"
    assert (said in result.stderr) is pauses


def test_a_second_count_that_fails_does_not_undo_the_first(tenant, tmp_path):
    tenant.fail("GET /applications=gap", "GET /applications/$count=403,after=1")
    result, report = scan(tenant, tmp_path)
    assert result.returncode == 3
    assert unevaluated(report) == {"application": {short("application", 124, 125)}}


# --- no count -------------------------------------------------------------------------------------------------------

FATES = {
    "400": "400",
    "403": "403 Authorization_RequestDenied",
    "404": "404",
    "429": "429",
    "429,retry-after=3600": "waits no more",
    "500": "500",
    "missing": "left out of the answer",
    "html": "200 without a number",
    "number,value=many": "200 without a number",
    "number,value=-3": "200 without a number",
    "number,value=3.5": "200 without a number",
}
"""What a count may come to that is no number, and what is said of it."""


@COUNTED
@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("batch_count", ["number", "base64"])
def test_a_count_that_is_none_is_a_notice(tenant, tmp_path, type_, fate, batch_count):
    tenant.set(batch_count=batch_count)
    call = f"GET {LISTS[type_]}/$count"
    tenant.fail(f"{call}={fate},only=batch" if "value" not in fate else f"{call}={fate}")
    result, report = scan(tenant, tmp_path)
    assert result.returncode == 0
    (notice,) = report["notices"]
    assert notice.startswith(f"rows missing from a list do not show without its count: {call}: ")
    assert FATES[fate] in notice


@COUNTED
def test_a_count_that_is_none_is_not_trusted_with_strict_but_of_policies(tenant, tmp_path, type_):
    tenant.fail(f"GET {LISTS[type_]}/$count=400")
    result, report = scan(tenant, tmp_path, "--strict")
    assert result.returncode == (0 if type_ == "tokenLifetimePolicy" else 3)
    assert set(unevaluated(report)) == (set() if type_ == "tokenLifetimePolicy" else {type_})
    assert len(report["notices"]) == 1


def test_a_graph_that_does_not_count_policies_is_no_obstacle(tenant, tmp_path):
    tenant.set(policy_count="refuse")
    result, report = scan(tenant, tmp_path, "--strict", "-f", "text", "-o", "-")
    assert result.returncode == 0
    assert "400 Request_UnsupportedQuery" in report["notices"][0]
    assert result.stdout.count(f"GET {POLICIES}/$count: 400") == 1


def test_counts_that_are_none_for_one_reason_are_one_notice(tenant, tmp_path):
    tenant.fail(*(f"GET {path}/$count=403" for path in LISTS.values()))
    _, report = scan(tenant, tmp_path)
    (notice,) = report["notices"]
    assert ", ".join(f"GET {path}/$count" for path in LISTS.values()) in notice


@COUNTED
def test_of_a_list_that_was_refused_itself_no_count_is_missed(tenant, tmp_path, type_):
    tenant.fail(f"GET {LISTS[type_]}=403", f"GET {LISTS[type_]}/$count=403")
    result, report = scan(tenant, tmp_path)
    assert (result.returncode, report["notices"]) == (3, [])


def test_a_first_batch_that_hangs_is_asked_again(tenant, tmp_path):
    tenant.fail("POST /$batch=hang,seconds=1,times=1")
    result, report = scan(tenant, tmp_path, patience="60")
    assert (result.returncode, report["notices"]) == (0, [])


def test_a_snapshot_keeps_what_could_not_be_compared(tenant, tmp_path):
    tenant.fail("GET /applications/$count=403", f"GET {POLICIES}=gap")
    collected = run(tenant, "collect", "--rules", "all", "--patience", "0", "-o", "tenant.jsonl", folder=tmp_path)
    assert collected.returncode in (0, 3)
    result, report = scan(tenant, tmp_path, "--snapshot", "tenant.jsonl")
    assert result.returncode == 3
    assert short("tokenLifetimePolicy", 2, 3) in unevaluated(report)["tokenLifetimePolicy"]
    assert "GET /applications/$count: 403" in report["notices"][0]


# --- the tenant itself ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strict", [(), ("--strict",)])
def test_a_tenant_without_an_organization_has_no_verdict(tenant, tmp_path, strict):
    tenant.fail("GET /organization=none")
    result, report = scan(tenant, tmp_path, *strict)
    assert result.returncode == 3
    reason = "which tenant was read is not known: GET /organization: the answer holds 0 organizations"
    assert {rule["verdict"] for rule in report["rules"]} <= {"fail", "not evaluated"}
    assert report["header"]["tenant"]["id"] == ""
    assert all(reason in reasons for reasons in unevaluated(report).values())


def test_an_organization_that_may_not_be_read_is_the_one_that_the_token_names(tenant, tmp_path):
    tenant.fail("GET /organization=403")
    assert scan(tenant, tmp_path)[0].returncode == 0


def test_nothing_is_planned_for_a_tenant_without_an_organization(tenant, tmp_path):
    tenant.fail("GET /organization=none")
    result = run(tenant, "fix", "--dry-run", folder=tmp_path)
    assert result.returncode == 2
    assert "which tenant this is could not be read, so nothing can be planned for it" in result.stderr


def test_explain_says_no_lifetime_of_a_tenant_that_it_does_not_know(tenant, tmp_path):
    explain = ("explain", "Microsoft Graph")
    assert run(tenant, *explain, folder=tmp_path).returncode == 0
    tenant.fail("GET /organization=none")
    result = run(tenant, *explain, folder=tmp_path)
    assert result.returncode == 3
    assert "the answer holds 0 organizations" in result.stdout + result.stderr


def test_explain_says_no_lifetime_where_a_policy_is_missing(tenant, tmp_path):
    tenant.fail(f"GET {POLICIES}=gap")
    result = run(tenant, "explain", "Microsoft Graph", "--patience", "0", folder=tmp_path)
    assert result.returncode == 3
    assert short("tokenLifetimePolicy", 2, 3) in result.stdout + result.stderr


# --- saved answers --------------------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path) -> Path:
    """The embedded tenant as a folder, with applications, which it lacks, and every count."""
    folder = tmp_path / "saved"
    shutil.copytree(DEMO, folder)
    rows = [row for path in folder.glob("appliesTo-*") for row in json.loads(path.read_text())["value"]]
    applications = {row["id"]: row for row in rows if row.get("@odata.type") == "#microsoft.graph.application"}
    (folder / "applications.json").write_text(json.dumps({"value": list(applications.values())}))
    (folder / "applications-count.json").write_text(str(len(applications)))
    change_calls(folder, {"applications-count.json": "/applications/$count"})
    return folder


def change_calls(folder: Path, calls: dict[str, str | None]) -> None:
    """Set calls of ``calls.json``; None takes one out, and the file with it."""
    known = json.loads((folder / "calls.json").read_text()) | calls
    for name in [name for name, call in known.items() if call is None]:
        (folder / name).unlink()
        del known[name]
    (folder / "calls.json").write_text(json.dumps(known))


def scan_saved(large: RunningSandbox, folder: Path, *options: str) -> tuple[Result, dict[str, Any]]:
    return scan(large, folder.parent, "--snapshot", folder.name, *options)


COUNT_FILES = {
    "servicePrincipal": "servicePrincipals-count.json",
    "application": "applications-count.json",
    "tokenLifetimePolicy": "tokenLifetimePolicies-count.json",
}


def test_saved_lists_with_saved_counts_are_whole(large, saved):
    _, report = scan_saved(large, saved, "--strict")
    assert (report["notices"], unevaluated(report)) == ([], {})


@COUNTED
def test_a_saved_list_that_is_short_of_its_saved_count_is_not_evaluated(large, saved, type_):
    path = saved / COUNT_FILES[type_]
    counted = int(path.read_text()) + 1
    path.write_text(str(counted))
    result, report = scan_saved(large, saved)
    assert result.returncode == 3
    (reason,) = [each for each in unevaluated(report)[type_] if "$count" not in each or "rows were saved" in each]
    assert f"{counted - 1} rows were saved where saved/{path.name} counts {counted}" in reason


@COUNTED
def test_a_count_that_was_not_saved_is_a_notice_and_with_strict_no_verdict(large, saved, type_):
    change_calls(saved, {COUNT_FILES[type_]: None})
    for strict in ((), ("--strict",)):
        _, report = scan_saved(large, saved, *strict)
        doubted = {type_} if strict and type_ != "tokenLifetimePolicy" else set()
        assert set(unevaluated(report)) == doubted
        (notice,) = report["notices"]
        assert f"GET {LISTS[type_]}/$count: not in the saved answers in saved; save its answer there" in notice
    organization = next(each for each in report["types"] if each["type"] == "organization")
    assert organization["failures"] == []


def test_a_folder_without_any_count_says_so_in_one_line(large, saved):
    change_calls(saved, dict.fromkeys(COUNT_FILES.values()))
    result = run(large, "scan", "--rules", "all", "--snapshot", "saved", folder=saved.parent)
    (line,) = [line for line in result.stdout.splitlines() if "$count" in line]
    assert all(f"GET {path}/$count" in line for path in LISTS.values())


def test_a_saved_organization_without_a_row_leaves_no_verdict(large, saved):
    (saved / "organization.json").write_text('{"value": []}')
    result, report = scan_saved(large, saved)
    assert result.returncode == 3
    assert {rule["verdict"] for rule in report["rules"]} <= {"fail", "not evaluated"}


def test_an_organization_that_was_not_saved_leaves_the_other_verdicts_as_they_are(large, saved):
    over = {rule["id"]: rule["resource"] for rule in scan_saved(large, saved)[1]["rules"]}
    change_calls(saved, {"organization.json": None})
    _, report = scan_saved(large, saved)
    unknown = [rule["id"] for rule in report["rules"] if rule["verdict"] == "not evaluated"]
    assert unknown == [rule for rule, type_ in over.items() if type_ == "organization"]


def test_the_embedded_tenant_lacks_no_count(large, tmp_path):
    for strict in ((), ("--strict",)):
        _, report = scan(large, tmp_path, "--demo", *strict)
        assert report["notices"] == []
