"""Which saved answers are of a call for the whole list, by the options in its query."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from saved_tenant import CALLS, GRAPH, LISTS, POLICIES, answer, application, principal, save, scanned
from tokenguard.entra.saved.options import narrowing

WHOLE = [
    "",
    "?",
    "?$select=id,appId,displayName",
    "?$select=id%2CappId",
    "?select=id&%24count=true",
    "?$count=true&$orderby=displayName desc",
    "?$orderby=displayName+desc,id&ConsistencyLevel=eventual",
    "?$expand=owners",
    "?$expand=owners($select=id,appId)",
    "?$format=application/json;odata.metadata=full",
    "?$top=999",
    "?$TOP=2",
    "?$SELECT=id&$Count=FALSE",
]
NARROWED = [
    "?$filter=appId eq 'x'",
    '?$search="displayName:x"',
    "?$skip=1",
    "?$skip=0",
    "?filter=x",
    "?FILTER=x",
    "?%24filter=x",
    "?%24%66ilter=x",
    "?%2524filter=x",
    "?$select=id&$filter",
    "?+$filter=x",
    "?%20filter=x",
    "?$select=id;$filter=x",
    "?$select=id%26$filter=x",
    "?$select=id%3B$filter%3Dx",
    "?$select=id?$filter=x",
    "?$count=true;$filter=x",
    "?$orderby=id;$filter=x",
    "?$expand=owners($filter=x)",
    "?$expand=owners($top=1)",
    "?$expand=owners($select=id;$skip=1)",
    "?$format=json;$filter=x",
    "?$format=json&$format=json",
    "?$select=id&select=id",
    "?$top=999&$top=1",
    "?$top=999&top=1",
    "?$top=0",
    "?$top=1",
    "?$top=-1",
    "?$top=x",
    "?$top=",
    "?$top=1e3",
    "?$top=1_000",
    "?$top=\u0661\u0661",
    f"?$top={'9' * 5000}",
    "?$apply=filter(x)",
    "?$compute=x",
    "?$deltatoken=x",
    "?$skipToken=x",
    "?$levels=1",
    "?$index=0",
    "?$id=x",
    "?\uff04filter=x",
    "?$\u017felect=id",
    "?unheardOf=1",
    "?=x",
    "?$select=id#&$filter=x",
    "?$filter=x&$select=id",
]
"""Of the list of two applications."""

LISTED = {**LISTS, "calls.json": CALLS}


def status(folder: Path, files: dict[str, Any]) -> int:
    save(folder, files)
    return scanned(folder).exit_status


@pytest.mark.parametrize("query", WHOLE)
@pytest.mark.parametrize("root", ["", GRAPH, "v1.0", "https://graph.microsoft.com/beta"])
def test_options_that_leave_the_list_whole_do_not_matter(query: str, root: str, tmp_path: Path) -> None:
    applications = answer("applications", application(0x31))
    calls = {**CALLS, "applications.json": f"{root}/applications{query}"}
    assert status(tmp_path, {**LISTED, "applications.json": applications, "calls.json": calls}) == 0


@pytest.mark.parametrize("query", NARROWED)
def test_every_other_option_makes_the_list_partial(query: str, tmp_path: Path) -> None:
    assert status(tmp_path, LISTED) == 0
    calls = {**CALLS, "applications.json": f"/applications{query}"}
    assert status(tmp_path, {**LISTED, "calls.json": calls}) == 3


@pytest.mark.parametrize("query", [each for each in NARROWED if "top" not in each and "skipToken" not in each])
def test_the_options_of_a_link_count_too(query: str, tmp_path: Path) -> None:
    link = f"{GRAPH}/servicePrincipals{query}&$skiptoken=a" if "?" in query else query
    pages = {
        "principals-1.json": {**LISTS["principals-1.json"], "@odata.nextLink": link},
        "calls.json": {**CALLS, "principals-1.json": "/servicePrincipals", "principals-2.json": link},
    }
    assert status(tmp_path, {**LISTED, **pages}) == 3


def test_a_page_as_large_as_was_asked_for_is_the_last_where_the_list_was_counted(tmp_path: Path) -> None:
    calls = {**CALLS, "applications.json": "/applications?$top=2&$count=true"}
    assert status(tmp_path, {**LISTED, "calls.json": calls}) == 3
    counted = {**LISTS["applications.json"], "@odata.count": 2}
    assert status(tmp_path, {**LISTED, "calls.json": calls, "applications.json": counted}) == 0


def test_an_option_is_named_as_it_was_written() -> None:
    assert narrowing("/applications?$select=id&%24Filter=x") == "$Filter"


@pytest.mark.parametrize("query", ["?$filter=x", "?%24search=x", "?x=1"])
def test_a_count_of_a_part_is_no_count(query: str, tmp_path: Path) -> None:
    calls = {**CALLS, "count.txt": f"/servicePrincipals/$count{query}"}
    assert status(tmp_path, {**LISTED, "count.txt": b"3", "calls.json": calls}) == 0
    calls |= {"count.txt": "/servicePrincipals/$count?ConsistencyLevel=eventual"}
    assert status(tmp_path, {**LISTED, "count.txt": b"3", "calls.json": calls}) == 3


# --- calls for a part, which no rule needs ------------------------------------------------------------------------

SEARCH = answer("servicePrincipals(appId,displayName)", {"appId": "a", "displayName": "A"})
ASKED = "/servicePrincipals?$search=%22displayName:A%22&$select=appId,displayName"


def test_a_search_is_passed_over_where_the_whole_list_was_saved_too(tmp_path: Path) -> None:
    searched = {**LISTED, "search.json": SEARCH, "calls.json": {**CALLS, "search.json": ASKED}}
    assert status(tmp_path, searched) == 0
    found = answer("servicePrincipals", principal(0x21))
    assert status(tmp_path, {**searched, "search.json": found}) == 0
    another = answer("servicePrincipals", principal(0x29))
    assert status(tmp_path, {**searched, "search.json": another}) == 3  # tells of one that is in no page of the list


def test_a_search_alone_makes_only_its_own_list_partial(tmp_path: Path) -> None:
    files = {name: each for name, each in LISTED.items() if not name.startswith("principals")}
    calls = {name: call for name, call in CALLS.items() if not name.startswith("principals")}
    save(tmp_path, {**files, "search.json": SEARCH, "calls.json": {**calls, "search.json": ASKED}})
    report = scanned(tmp_path)
    assert report.exit_status == 3
    incomplete = {each.rule.id for each in report.rules if each.incomplete}
    assert incomplete == {each.rule.id for each in report.rules if each.rule.resource == "servicePrincipal"}
    assert scanned(tmp_path, "token-lifetime").exit_status == 0


def test_the_pages_of_a_search_are_passed_over_with_it(tmp_path: Path) -> None:
    link = f"{GRAPH}/servicePrincipals?$search=x&$skiptoken=s"
    files = {**LISTED, "s-1.json": {**SEARCH, "@odata.nextLink": link}, "s-2.json": answer("servicePrincipals")}
    calls = {**CALLS, "s-1.json": ASKED, "s-2.json": link}
    assert status(tmp_path, {**files, "calls.json": calls}) == 0
    links = [f"{GRAPH}/servicePrincipals?$skiptoken={token}" for token in "st"]
    pages = {f"s-{number}.json": {**SEARCH, "@odata.nextLink": link} for number, link in enumerate(links, 1)}
    pages["s-3.json"] = answer("servicePrincipals")
    calls |= {"s-2.json": links[0], "s-3.json": links[1]}
    assert status(tmp_path, {**files, **pages, "calls.json": calls}) == 0


def test_a_page_that_may_be_the_next_of_a_search_is_not_the_whole_list(tmp_path: Path) -> None:
    """Where no call of it is named, it looks like a list of one page."""
    kept = {name: each for name, each in LISTED.items() if not name.startswith("principals")}
    calls = {name: call for name, call in CALLS.items() if not name.startswith("principals")}
    first = {
        **answer("servicePrincipals", principal(0x20)),
        "@odata.nextLink": f"{GRAPH}/servicePrincipals?$skiptoken=s",
    }
    pages = {"s-1.json": first, "s-2.json": answer("servicePrincipals", principal(0x21))}
    assert status(tmp_path, {**kept, **pages, "calls.json": {**calls, "s-1.json": ASKED}}) == 3


# --- rows without an id -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in LISTS if name != "organization.json"])
@pytest.mark.parametrize("id_", ["missing", None, 7])
def test_a_row_without_an_id_makes_its_own_list_partial(name: str, id_: Any, tmp_path: Path) -> None:
    row = {"displayName": "One more", **({} if id_ == "missing" else {"id": id_})}
    document = {**LISTS[name], "value": [*LISTS[name]["value"], row]}
    save(tmp_path, {**LISTED, name: document})
    report = scanned(tmp_path)
    assert report.exit_status == 3
    said = [failure.reason for each in report.types.values() for failure in each.failures]
    assert any(f"{name} an object has no id: save the answer with the property id" in reason for reason in said)


def test_a_list_without_ids_that_no_rule_needs_is_passed_over(tmp_path: Path) -> None:
    rows = [{"appId": "a", "displayName": "A"}, {"appId": "b", "displayName": "B"}]
    files = {**LISTED, "principals-1.json": answer("servicePrincipals", *rows), "principals-2.json": {}}
    calls = {name: call for name, call in CALLS.items() if name != "principals-2.json"}
    save(tmp_path, {**files, "calls.json": {**calls, "principals-1.json": "/servicePrincipals"}})
    assert scanned(tmp_path, "token-lifetime").exit_status == 0
    assert scanned(tmp_path).exit_status == 3


def test_an_object_without_an_id_is_passed_over(tmp_path: Path) -> None:
    nameless = answer("applications/$entity", {"appId": "a", "displayName": "A"})
    assert status(tmp_path, {**LISTED, "one.json": nameless}) == 0
    assert (
        status(tmp_path, {**LISTED, "one.json": nameless, "calls.json": {**CALLS, "one.json": "/applications/a"}}) == 0
    )


def test_holders_inside_a_policy_need_ids_too(tmp_path: Path) -> None:
    (hour, half) = LISTS["policies.json"]["value"]
    listed = answer(f"{POLICIES}(appliesTo())", {**hour, "appliesTo": [{"displayName": "A"}]}, half)
    files = {name: each for name, each in LISTED.items() if name != "holders-1.json"}
    calls = {name: call for name, call in CALLS.items() if name != "holders-1.json"}
    assert status(tmp_path, {**files, "policies.json": listed, "calls.json": calls}) == 3
