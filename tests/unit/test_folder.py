"""A folder of saved answers gives what Graph gave, and never takes a part for the whole."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tokenguard.entra.folder import FolderSource
from tokenguard.errors import DocumentError
from tokenguard.hookspecs import ReadFailure

ROOT = "https://graph.microsoft.com/v1.0"
POLICY = "4d2f137b-e8a9-46da-a5c3-cc85b2b840a4"
DATAVERSE = "00000007-0000-0000-c000-000000000000"
PAYMENTS = "2a8f9e7a-af01-413a-9592-c32ec0e5c1a7"
POLICIES = "/policies/tokenLifetimePolicies"
APPLIES_TO = f"{POLICIES}/{POLICY}/appliesTo"
PRINCIPALS = "/servicePrincipals?$select=id,appId&$top=999"


def context(name: str) -> dict[str, str]:
    return {"@odata.context": f"{ROOT}/$metadata#{name}"}


def policy(id_: str = POLICY, **more: Any) -> dict[str, Any]:
    definition = '{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"8:00:00"}}'
    return {"id": id_, "definition": [definition], "displayName": "Long", "isOrganizationDefault": False, **more}


def principal(number: int = 1, **more: Any) -> dict[str, Any]:
    return {"id": f"sp-{number}", "appId": f"app-{number}", "servicePrincipalType": "Application", **more}


def page(name: str, *rows: Any, next_link: str = "", **more: Any) -> dict[str, Any]:
    link = {"@odata.nextLink": f"{ROOT}/{next_link}"} if next_link else {}
    return {**context(name), **link, **more, "value": list(rows)}


LAST = page("servicePrincipals", principal(3))
ORGANIZATION = page("organization", {"id": "0A0A0A0A-0000-0000-0000-000000000001", "displayName": "Contoso"})


@pytest.fixture
def saved(tmp_path):
    """Save documents by file name (text and bytes as they are), and open the folder."""

    def save(files: dict[str, Any]) -> FolderSource:
        for name, document in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(document, bytes):
                path.write_bytes(document)
            else:
                path.write_text(document if isinstance(document, str) else json.dumps(document))
        return FolderSource(tmp_path)

    return save


def answer(source, call):
    ((asked, fate),) = source.answers([call])
    assert asked == call
    return fate


def rows_and_failure(source, call):
    *rows, last = [*source.rows(call), None]
    if rows and isinstance(rows[-1], ReadFailure):
        last = rows.pop()
    return rows, last


# --- what a file is -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["organization.json", "a.JSON", "deep/er/x.json", "noname", "Out-File.txt", "\u00fc b.json"]
)
def test_a_file_may_have_any_name(saved, name):
    assert answer(saved({name: ORGANIZATION}), "/organization") == {"value": ORGANIZATION["value"]}


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(ORGANIZATION).encode(),
        json.dumps(ORGANIZATION).encode("utf-8-sig"),
        json.dumps(ORGANIZATION).encode("utf-16"),
        b"\xfe\xff" + json.dumps(ORGANIZATION).encode("utf-16-be"),
        json.dumps(ORGANIZATION, indent=4).replace("\n", "\r\n").encode(),
    ],
    ids=["utf-8", "utf-8 with mark", "utf-16", "utf-16 big end first", "windows lines"],
)
def test_a_file_may_be_in_any_encoding_that_shells_write(saved, data):
    assert answer(saved({"x.json": data}), "/organization") == {"value": ORGANIZATION["value"]}


@pytest.mark.parametrize(
    ("context_of", "call"),
    [
        ("servicePrincipals/$entity", "/servicePrincipals/SP-1"),
        ("servicePrincipals(id,appId)/$entity", "/servicePrincipals/sp-1?$select=id"),
        ("servicePrincipals/$entity", "/servicePrincipals(appId='APP-1')"),
        ("applications/$entity", "/applications/sp-1"),
        ("applications(id,appId,owners(id))/$entity", "/applications(appId='app-1')?$select=id"),
    ],
)
def test_a_single_object_is_known_by_its_context(saved, context_of, call):
    found = {**context(context_of), "id": "sp-1", "appId": "app-1"}
    assert answer(saved({"x.json": found}), call) == found


@pytest.mark.parametrize(
    ("row", "call"),
    [
        ({"@odata.type": "#microsoft.graph.servicePrincipal"}, "/servicePrincipals/1"),
        ({"@odata.type": "#microsoft.graph.application"}, "/applications/1"),
        ({"servicePrincipalType": None}, "/servicePrincipals/1"),
        ({"identifierUris": []}, "/applications/1"),
    ],
)
@pytest.mark.parametrize("wrap", [lambda row: row, lambda row: [row], lambda row: {"value": [row]}])
def test_an_object_without_context_is_known_by_its_type_or_shape(saved, row, call, wrap):
    found = {"id": "1", **row}
    assert answer(saved({"x.json": wrap(found)}), call) == found


def test_an_object_of_another_type_is_not_taken_for_one_that_it_looks_like(saved):
    user = {"id": "1", "@odata.type": "#microsoft.graph.user", "servicePrincipalType": "x"}
    source = saved({"o.json": ORGANIZATION, "x.json": user})
    assert answer(source, "/servicePrincipals/1").status == 0


@pytest.mark.parametrize(
    "named",
    [
        f"{ROOT}{APPLIES_TO}",
        f"https://microsoftgraph.chinacloudapi.cn/beta{APPLIES_TO}?$select=id",
        APPLIES_TO,
        APPLIES_TO.removeprefix("/").upper(),
        f"v1.0/policies/tokenLifetimePolicies('{POLICY}')/appliesTo",
        f"{ROOT}/policies/tokenLifetimePolicies%28%27{POLICY}%27%29/appliesTo",
    ],
)
def test_calls_json_may_spell_a_call_in_any_way(saved, named):
    source = saved({"x.json": {"value": HOLDERS[:1]}, "calls.json": {"x.json": named}})
    assert answer(source, APPLIES_TO) == {"value": HOLDERS[:1]}


@pytest.mark.parametrize(
    ("host", "cloud"),
    [
        ("graph.microsoft.com", "global"),
        ("graph.microsoft.us", "usgov"),
        ("dod-graph.microsoft.us", "usdod"),
        ("microsoftgraph.chinacloudapi.cn", "china"),
        ("localhost", "unknown"),
    ],
)
def test_the_cloud_is_that_of_the_host(saved, host, cloud):
    source = saved({"x.json": {"@odata.context": f"https://{host}/v1.0/$metadata#organization", "value": []}})
    assert source.cloud == cloud
    assert source.permissions is None


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"x.json": "{"}, "x.json"),
        ({"x.json": ""}, "x.json"),
        ({"x.json": '{"value": [], "value": []}'}, "'value' stands twice"),
        ({"x.json": b'\xff\xfe{\x00"'}, "x.json"),
        ({"x.json": {**context("users/$entity"), "a": "b"}}, "holds no answer"),
        ({"README.md": "[nothing] here"}, "holds no answer"),
        ({".x.json": ORGANIZATION}, "holds no answer"),
        ({"calls.json": {"x.json": APPLIES_TO}}, "'x.json', which is not there"),
        ({"calls.json": ["x.json"]}, "calls.json"),
        ({"calls.json": {"x.json": 1}}, "calls.json"),
        ({"x.json": page("servicePrincipals"), "calls.json": {"x.json": "http://[x"}}, "calls.json"),
        ({"x": "no json", "calls.json": {"x": APPLIES_TO}}, "not JSON"),
        ({"1.txt": "25", "2.txt": "26"}, "different numbers"),
        ({"1.json": page("servicePrincipals", principal(tags=[])), "2.json": principal(tags=["a"])}, "'tags' of sp-1"),
        (
            {"1.json": ORGANIZATION, "2.json": page("organization", {**ORGANIZATION["value"][0], "id": "0b"})},
            "two tenants",
        ),
        (
            {
                "1.json": ORGANIZATION,
                "2.json": {"@odata.context": "https://graph.microsoft.us/v1.0/$metadata#applications", "value": []},
            },
            "two clouds",
        ),
    ],
)
def test_a_folder_that_contradicts_itself_is_refused(saved, files, says):
    with pytest.raises(DocumentError, match=says) as refused:
        saved(files)
    assert refused.value.hint


@pytest.mark.parametrize("call", ["/organization", PRINCIPALS, "/servicePrincipals/sp-1", "/servicePrincipals/$count"])
def test_nothing_counts_where_an_object_may_be_a_second_tenant(saved, call):
    """By its context it is one, and nothing else tells."""
    files = {"1": ORGANIZATION, "2": page("servicePrincipals", principal()), "3": "1"}
    assert not isinstance(answer(saved(files), call), ReadFailure)
    failure = answer(saved({**files, "4": page("organization", {"id": "another"})}), call)
    assert isinstance(failure, ReadFailure)
    assert failure.status == 0
    assert "of two tenants" in failure.reason


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(DocumentError, match="no such folder"):
        FolderSource(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "document",
    [
        page("policies/tokenLifetimePolicies", policy(definition='{"TokenLifetimePolicy":{}}')),
        page("policies/tokenLifetimePolicies", "System.Collections.Hashtable"),
        page("servicePrincipals", "@{id=1; appId=2}"),
        {**context("servicePrincipals"), "value": "System.Object[]"},
        page("servicePrincipals", principal(passwordCredentials=["System.Collections.Hashtable"])),
        page("servicePrincipals", principal(keyCredentials="")),
        page("policies/tokenLifetimePolicies", policy(appliesTo=["System.Collections.Hashtable"])),
        principal(tags="a b"),
    ],
)
def test_what_powershell_cut_is_refused_with_what_to_do(saved, document):
    with pytest.raises(DocumentError, match="cut to text") as refused:
        saved({"x.json": document})
    assert "-Depth" in refused.value.hint


CUT = json.dumps(page("servicePrincipals", principal(1), next_link="servicePrincipals?$skiptoken=a"))[:-60]
MARKS_LAST = json.dumps({"value": [principal(1)], **context("servicePrincipals")})[:-80]


@pytest.mark.parametrize(
    "data",
    [
        CUT.encode(),
        CUT.encode("utf-8-sig"),
        CUT.encode("utf-16"),
        f"\n{MARKS_LAST}".encode(),
        f"WARNING: an update is there\n{json.dumps(LAST)}".encode(),
        f"{json.dumps(LAST)}\n{json.dumps(LAST)}".encode(),
    ],
    ids=["cut", "cut with mark", "cut utf-16", "marks cut off", "a warning before it", "two in one"],
)
def test_a_damaged_answer_is_refused_and_not_passed_over_whatever_it_is_called(saved, data):
    with pytest.raises(DocumentError, match=r"page-1\.txt"):
        saved({"page-1.txt": data, "page-2.txt": LAST})


def test_what_is_no_answer_may_lie_beside(saved):
    others = {
        "save.ps1": '$next = $answer."@odata.nextLink"',
        "notes.md": "[a link](x) to {policies}",
        "tenant.jsonl": '{"kind":"tokenguard-snapshot"}\n{"type":"x"}\n',
        "x.rtf": "{\\rtf1 a}",
    }
    assert answer(saved({**others, "o": ORGANIZATION}), "/organization") == {"value": ORGANIZATION["value"]}


def test_an_answer_in_a_linked_folder_counts(saved, tmp_path, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "1").write_text(json.dumps(FIRST))
    (tmp_path / "more").symlink_to(elsewhere)
    (tmp_path / "loop").symlink_to(tmp_path)
    rows, failure = rows_and_failure(saved({"2": LAST}), PRINCIPALS)
    assert (len(rows), failure) == (2, None)


def test_a_link_to_the_next_page_that_is_null_is_none(saved):
    source = saved({"1": {**LAST, "@odata.nextLink": None}})
    assert rows_and_failure(source, PRINCIPALS) == ([principal(3)], None)


def test_other_answers_of_graph_are_passed_over(saved):
    others = {
        "1.json": page("Collection(Edm.String)", "a", "b"),
        "2.json": page("users", {"id": "1", "tags": "a"}),
        "3.json": {"value": ["x"]},
        "4.json": page("groups('1')/owners", {"id": "2"}),
    }
    source = saved({**others, "o.json": ORGANIZATION})
    assert answer(source, "/organization") == {"value": ORGANIZATION["value"]}
    assert answer(source, "/servicePrincipals/1").status == 0


def test_a_name_that_looks_as_if_powershell_had_cut_it_is_only_a_name(saved):
    found = principal(displayName="System.Collections.Hashtable", notes="@{a=b}")
    assert answer(saved({"x.json": found}), "/servicePrincipals/sp-1") == found


# --- whole lists --------------------------------------------------------------------------------------------------


def test_one_page_without_next_link_is_a_whole_list(saved):
    source = saved({"x.json": page("servicePrincipals(id,appId)", principal(1), principal(2))})
    assert rows_and_failure(source, PRINCIPALS) == ([principal(1), principal(2)], None)


def test_the_length_of_a_list_is_no_count_to_compare_it_with(saved):
    uncounted = page("servicePrincipals", principal(1))
    failure = answer(saved({"1": uncounted}), "/servicePrincipals/$count")
    assert isinstance(failure, ReadFailure)
    assert failure.reason.startswith("GET /servicePrincipals/$count: not in the saved answers")
    assert answer(saved({"2": {**uncounted, "@odata.count": 1}}), "/servicePrincipals/$count") == 1


def test_an_empty_page_is_an_empty_list(saved):
    assert rows_and_failure(saved({"x.json": page("policies/tokenLifetimePolicies")}), POLICIES) == ([], None)


@pytest.mark.parametrize("names", [["1", "2", "3"], ["3", "1", "2"]])
def test_all_pages_make_a_list_in_whatever_order_they_come(saved, names):
    pages = [
        page("servicePrincipals", principal(1), next_link="servicePrincipals?$skiptoken=a"),
        page("servicePrincipals", principal(2), next_link="servicePrincipals?$skiptoken=b"),
        page("servicePrincipals", principal(3)),
    ]
    rows, failure = rows_and_failure(saved(dict(zip(names, pages, strict=True))), PRINCIPALS)
    assert (len(rows), failure) == (3, None)


def test_a_page_that_was_saved_twice_does_no_harm(saved):
    first = page("servicePrincipals", principal(1), next_link="servicePrincipals?$skiptoken=a")
    rows, failure = rows_and_failure(saved({"1": first, "again": first, "2": page("servicePrincipals")}), PRINCIPALS)
    assert (rows, failure) == ([principal(1)], None)


FIRST = page("servicePrincipals", principal(1), next_link="servicePrincipals?$skiptoken=a")
MIDDLE = page("servicePrincipals", principal(2), next_link="servicePrincipals?$skiptoken=b")
CALL, AFTER_A, AFTER_B = (f"{ROOT}/servicePrincipals{query}" for query in ("", "?$skiptoken=a", "?%24skiptoken=b"))


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"1": FIRST}, "1 is not the last page"),
        ({"1": FIRST, "2": MIDDLE}, "2 is not the last page"),
        ({"1": LAST, "2": page("servicePrincipals", principal(4))}, "both look like the last page"),
        ({"1": FIRST, "2": {**MIDDLE, "@odata.nextLink": FIRST["@odata.nextLink"]}, "3": LAST}, "same @odata.nextLink"),
        ({"1": FIRST, "3": LAST, "calls.json": {"1": CALL, "3": AFTER_B}}, "page before .*3 is missing"),
        ({"1": FIRST, "3": LAST, "calls.json": {"3": AFTER_B}}, "page before .*3 is missing"),
        ({"2": MIDDLE, "3": LAST, "calls.json": {"2": AFTER_A, "3": AFTER_B}}, "page before .*2 is missing"),
        ({"3": LAST, "calls.json": {"3": AFTER_B}}, "page before .*3 is missing"),
        ({"3": LAST, "calls.json": {"3": f"{CALL}?skiptoken=b"}}, "page before .*3 is missing"),
        ({"1": FIRST, "3": LAST, "calls.json": {"1": CALL, "3": CALL}}, "not of one list"),
        ({"1": {**FIRST, "@odata.count": 3}, "3": LAST}, "2 rows were saved where Graph counted 3"),
        ({"1": LAST, "count.txt": "2"}, "1 rows were saved where .*count.txt counts 2"),
        ({"1": LAST, "calls.json": {"1": f"{CALL}?$filter=appId eq 'x'"}}, "a part of the list"),
        ({"1": LAST, "calls.json": {"1": f"{CALL}?%24search=%22x%22"}}, "a part of the list"),
        ({"1": LAST, "calls.json": {"1": f"{CALL}?filter=appId eq 'x'"}}, "a part of the list"),
        ({"1": {**FIRST, "@odata.nextLink": f"{AFTER_A}&$filter=x"}, "2": LAST}, "a part of the list"),
        ({"1": {**FIRST, "@odata.nextLink": "http://[x"}}, "1 is not the last page"),
        ({"1": {**LAST, "@odata.nextLink": ""}}, "1 is not the last page"),
        ({"1": {**LAST, "@odata.nextLink": False}}, "1 is not the last page"),
        ({"1": {**LAST, "@nextLink": ""}}, "1 is not the last page"),
        ({"1": {**LAST, "@odata.nextlink": f"{CALL}?$skiptoken=a"}}, "1 is not the last page"),
        ({"1": page("servicePrincipals", principal(1), principal(2)), "calls.json": {"1": f"{CALL}?$top=2"}}, "more"),
        ({"1": [principal(1)], "calls.json": {"1": CALL}}, "a bare list"),
        ({"1": {"value": [principal(1)], "Count": 1}, "calls.json": {"1": CALL}}, "a bare list"),
        ({"1": {**LAST, "@odata.deltaLink": f"{ROOT}/servicePrincipals/delta?$deltatoken=a"}}, "a delta query"),
        ({"1": page("servicePrincipals", principal(deletedDateTime="2026-11-01T00:00:00Z"))}, "a deleted object"),
        ({"1": LAST, "2": {**context("servicePrincipals/$entity"), **principal(1)}}, "2 tells of sp-1"),
        ({"1": LAST, "2": page("directoryObjects", principal(1))}, "2 tells of sp-1"),
        ({"1": [principal(1)]}, "only single objects"),
        ({"1": {"value": [principal(1)]}}, "only single objects"),
        ({"1": principal(1)}, "only single objects"),
        ({"1": ORGANIZATION}, "save its answer there"),
    ],
)
def test_a_part_of_a_list_is_not_taken_for_the_whole(saved, files, says):
    source = saved(files)
    rows, failure = rows_and_failure(source, PRINCIPALS)
    assert isinstance(failure, ReadFailure)
    assert re.search(says, failure.reason)
    assert f"GET {PRINCIPALS}" in failure.reason
    assert isinstance(answer(source, PRINCIPALS), ReadFailure)
    assert len(rows) == sum(len(source_rows(document)) for name, document in files.items() if name.isdigit())


def source_rows(document):
    """The principals in a document of the table above."""
    rows = document if isinstance(document, list) else document.get("value", [document])
    return [row for row in rows if "servicePrincipalType" in row]


def test_pages_that_calls_json_chains_are_a_whole_list(saved):
    calls = {"1": CALL, "2": AFTER_A, "3": AFTER_B}
    rows, failure = rows_and_failure(saved({"1": FIRST, "2": MIDDLE, "3": LAST, "calls.json": calls}), PRINCIPALS)
    assert (len(rows), failure) == (3, None)


def test_what_several_files_say_of_an_object_is_put_together(saved):
    files = {"1.json": page("servicePrincipals", principal()), "2.json": principal(tags=["a"])}
    assert answer(saved(files), "/servicePrincipals/sp-1") == principal(tags=["a"])


def test_a_public_key_that_only_one_answer_holds_is_no_contradiction(saved):
    listed, asked = ({"keyId": "1", "key": key} for key in (None, "MIIB"))
    files = {
        "1.json": page("applications", {"id": "1", "keyCredentials": [listed]}),
        "2.json": {**context("applications/$entity"), "id": "1", "keyCredentials": [asked]},
    }
    assert answer(saved(files), "/applications/1")["keyCredentials"] == [asked]


def test_the_organization_is_one_so_the_object_is_the_list(saved):
    exported = {**context("organization/$entity"), "id": "1", "displayName": "Contoso"}
    assert answer(saved({"Organization/Organization.json": exported}), "/organization") == {"value": [exported]}


# --- who holds a policy -------------------------------------------------------------------------------------------

HOLDERS = [{"id": f"{number}", "@odata.type": "#microsoft.graph.application"} for number in range(25)]
LISTED = page("policies/tokenLifetimePolicies", policy())


@pytest.mark.parametrize(
    "files",
    [
        {"x": page(f"policies/tokenLifetimePolicies('{POLICY}')/appliesTo", *HOLDERS)},
        {"x": page(f"policies/tokenLifetimePolicies('{POLICY.upper()}')/appliesTo(id)", *HOLDERS)},
        {"x": page("directoryObjects", *HOLDERS), "calls.json": {"x": APPLIES_TO}},
        {
            "1": page("directoryObjects", *HOLDERS[:20], next_link=f"{APPLIES_TO[1:]}?$skiptoken=a"),
            "2": page("directoryObjects", *HOLDERS[20:]),
            "calls.json": {"1": APPLIES_TO, "2": f"{APPLIES_TO}?$skiptoken=a"},
        },
        {
            "1": page("policies/tokenLifetimePolicies(appliesTo())", policy(appliesTo=HOLDERS[:20])),
            "x": page(f"policies/tokenLifetimePolicies('{POLICY}')/appliesTo", *HOLDERS),
        },
    ],
    ids=["context", "context with select", "calls.json", "two pages", "saved apart and expanded"],
)
def test_the_holders_of_a_policy_are_known_when_the_policy_is(saved, files):
    assert answer(saved(files), APPLIES_TO) == {"value": HOLDERS}


def test_an_expanded_policy_says_who_holds_it_up_to_where_graph_may_cut(saved):
    source = saved({"x": page("policies/tokenLifetimePolicies(appliesTo())", policy(appliesTo=HOLDERS[:19]))})
    assert answer(source, APPLIES_TO) == {"value": HOLDERS[:19]}


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"x": LISTED}, "not in the saved answers"),
        ({"x": policy(appliesTo=HOLDERS[:20])}, "cuts at 20"),
        (
            {"x": policy(appliesTo=HOLDERS[:3], **{"appliesTo@odata.nextLink": f"{ROOT}{APPLIES_TO}"})},
            "not the last page",
        ),
        ({"x": page("directoryObjects", *HOLDERS)}, "x may be it: if so, say so in calls.json"),
        ({"x": page("directoryObjects")}, "x may be it: if so, say so in calls.json"),
        ({"x": page("Collection(microsoft.graph.directoryObject)", *HOLDERS)}, "not in the saved answers"),
        ({"x": LISTED, "y": HOLDERS, "calls.json": {"y": APPLIES_TO}}, "a bare list"),
        (
            {"x": page("directoryObjects", *HOLDERS, next_link="x"), "calls.json": {"x": APPLIES_TO}},
            "not the last page",
        ),
        ({"x": page("policies/tokenLifetimePolicies('another')/appliesTo", *HOLDERS)}, "not in the saved answers"),
    ],
)
def test_without_all_holders_the_call_to_save_is_named(saved, files, says):
    failure = answer(saved(files), APPLIES_TO)
    assert isinstance(failure, ReadFailure)
    assert says in failure.reason
    assert f"GET {APPLIES_TO}" in failure.reason


def test_the_policies_that_one_principal_holds_are_not_all_policies(saved):
    source = saved({"x": page("Collection(microsoft.graph.tokenLifetimePolicy)", policy())})
    rows, failure = rows_and_failure(source, POLICIES)
    assert [row["id"] for row in rows] == [POLICY]
    assert isinstance(failure, ReadFailure)


# --- single objects, numbers, refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "call", "status"),
    [
        ({"x": page("servicePrincipals", principal())}, f"/servicePrincipals(appId='{DATAVERSE}')", 404),
        ({"x": page("servicePrincipals", {"id": "sp-1"})}, f"/servicePrincipals(appId='{DATAVERSE}')", 0),
        ({"x": FIRST}, f"/servicePrincipals(appId='{DATAVERSE}')", 0),
        ({"x": principal()}, f"/servicePrincipals(appId='{DATAVERSE}')", 0),
        ({"x": page("servicePrincipals", principal())}, "/applications(appId='app-1')", 0),
        ({"x": page("servicePrincipals", principal())}, "/servicePrincipals/sp-2", 0),
        ({"x": page("servicePrincipals", principal())}, "/applications/sp-1", 404),
    ],
)
def test_an_object_is_absent_only_when_everything_that_could_hold_it_was_saved(saved, files, call, status):
    failure = answer(saved(files), call)
    assert isinstance(failure, ReadFailure)
    assert failure.status == status
    assert f"GET {call}" in failure.reason


@pytest.mark.parametrize(
    "files",
    [
        {"count.txt": "26"},
        {"count.txt": b"\xef\xbb\xbf26\r\n"},
        {"count.json": "26".encode("utf-16"), "calls.json": {"count.json": f"{ROOT}/servicePrincipals/$count"}},
        {"a": "26", "b": "893", "calls.json": {"b": "/applications/%24count"}},
    ],
)
def test_a_number_is_the_count_of_principals_unless_calls_json_says_otherwise(saved, files):
    assert answer(saved(files), "/servicePrincipals/$count") == 26


@pytest.mark.parametrize("files", [{}, {"2": policy()}], ids=["by its holders", "by itself"])
def test_policies_are_not_whole_where_an_answer_tells_of_another(saved, files):
    another = page(f"policies/tokenLifetimePolicies('{POLICY}')/appliesTo", *HOLDERS)
    rows, failure = rows_and_failure(
        saved({"1": page("policies/tokenLifetimePolicies", policy("another")), "3": another, **files}), POLICIES
    )
    assert len(rows) == 1 + len(files)
    assert isinstance(failure, ReadFailure)
    assert f"tells of {POLICY}, which is in no saved page" in failure.reason


REFUSED = {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges."}}


@pytest.mark.parametrize(
    ("code", "status"),
    [("Authorization_RequestDenied", 403), ("Request_ResourceNotFound", 404), ("SomethingElse", 0)],
)
def test_a_saved_error_is_the_fate_of_its_call(saved, code, status):
    error = {"error": {"code": code, "message": "Sorry.\r\nTry later."}}
    failure = answer(saved({"x": error, "calls.json": {"x": f"{ROOT}/applications"}}), "/applications?$top=999")
    assert isinstance(failure, ReadFailure)
    assert failure.status == status
    assert f"{code}, Sorry. Try later." in failure.reason


def test_a_saved_error_of_an_unknown_call_is_pointed_at(saved):
    failure = answer(saved({"x": REFUSED}), "/organization")
    assert isinstance(failure, ReadFailure)
    assert failure.status == 0
    assert "x may be it" in failure.reason


def test_of_many_files_that_may_be_it_a_few_are_named(saved):
    """Each of twenty policies would name each of twenty files."""
    failure = answer(saved({name: page("directoryObjects") for name in "abcde"}), APPLIES_TO)
    assert isinstance(failure, ReadFailure)
    assert "/c or one of 2 more may be it" in failure.reason
    assert "/d" not in failure.reason


def test_a_list_that_could_be_saved_later_outweighs_an_older_refusal(saved):
    source = saved({"x": REFUSED, "y": page("applications"), "calls.json": {"x": "/applications"}})
    assert answer(source, "/applications") == {"value": []}


# --- the documentation --------------------------------------------------------------------------------------------

DOCUMENTED = re.findall(
    r"^\| `GET (\S+)` ", (Path(__file__).parents[2] / "docs" / "saved-answers.md").read_text(), re.MULTILINE
)


@pytest.mark.parametrize("call", DOCUMENTED)
def test_every_call_that_the_documentation_says_to_save_is_answered_once_it_is_saved(saved, call):
    call = call.replace("{id}", "sp-1").replace("{appId}", "app-1")
    by_key = call.endswith(("sp-1", ")"))
    kind = re.split(r"[/(?]", call)[1]
    entity = principal() if kind == "servicePrincipals" else {"id": "sp-1", "signInAudience": "AzureADMyOrg"}
    collection = "directoryObjects" if call.endswith("appliesTo") else call.partition("?")[0].removeprefix("/")
    body = 26 if call.endswith("$count") else entity if by_key else page(collection, {"id": "sp-1"})
    assert not isinstance(answer(saved({"x": body, "calls.json": {"x": call}}), call), ReadFailure)


def test_the_documentation_lists_the_calls():
    assert len(DOCUMENTED) == 11
