"""What makes a saved list doubtful beside its context: its links, its count, its rows, and what other files tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from saved_tenant import (
    CALLS,
    ENTITIES,
    GRAPH,
    HALF,
    HOUR,
    LISTS,
    POLICIES,
    Files,
    answer,
    guid,
    principal,
    save,
    scanned,
)
from tokenguard.errors import DocumentError

NAMED: Files = {**LISTS, "calls.json": CALLS}
APPLICATIONS = LISTS["applications.json"]


def status(folder: Path, files: Files, pack: str = "all") -> int:
    save(folder, files)
    return scanned(folder, pack).exit_status


def test_a_first_page_as_long_as_asked_for_is_doubtful_beside_another_page_too(tmp_path: Path) -> None:
    calls = {name: call for name, call in CALLS.items() if not name.startswith("principals")}
    for size, expected in ((1, 3), (2, 0)):
        named = {**calls, "principals-2.json": f"/servicePrincipals?$top={size}"}
        assert status(tmp_path, {**LISTS, "calls.json": named}) == expected


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        (2, 0),
        ("2", 0),
        (None, 0),
        (3, 3),
        ("3", 3),
        ("x", 3),
        ("", 3),
        (3.0, 3),
        (True, 3),
        (-1, 3),
        ([2], 3),
        (10**30, 3),
    ],
)
def test_a_count_beside_the_rows_is_heeded_as_text_too_and_must_be_a_number(
    counted: Any, expected: int, tmp_path: Path
) -> None:
    assert status(tmp_path, {**NAMED, "applications.json": {**APPLICATIONS, "@odata.count": counted}}) == expected


@pytest.mark.parametrize("name", ["nextLink", "OdataNextLink", "value@odata.nextLink", "@odata.nextLink"])
def test_a_link_to_a_next_page_is_one_under_any_name(name: str, tmp_path: Path) -> None:
    link = f"{GRAPH}/applications?$skiptoken=b"
    assert status(tmp_path, {**NAMED, "applications.json": {**APPLICATIONS, name: link}}) == 3


@pytest.mark.parametrize("file", ["policies.json", "principals-2.json", "applications.json"])
@pytest.mark.parametrize(
    "mark",
    [
        {"@odata.type": "#microsoft.graph.organization"},
        {"@odata.context": f"{GRAPH}/$metadata#users/$entity"},
        {"@odata.context": f"{GRAPH}/$metadata#policies/claimsMappingPolicies/$entity"},
    ],
)
def test_a_row_that_says_it_is_something_else_makes_its_list_doubtful(
    file: str, mark: dict[str, str], tmp_path: Path
) -> None:
    rows = [{**row, **mark} for row in LISTS[file]["value"]]
    assert status(tmp_path, {**NAMED, file: {**LISTS[file], "value": rows}}) == 3


def test_a_row_of_policies_is_of_no_other_type(tmp_path: Path) -> None:
    for type_, expected in (("tokenLifetimePolicy", 0), ("claimsMappingPolicy", 3)):
        rows = [{**row, "@odata.type": f"#microsoft.graph.{type_}"} for row in LISTS["policies.json"]["value"]]
        assert status(tmp_path, {**NAMED, "policies.json": {**LISTS["policies.json"], "value": rows}}) == expected


def test_an_organization_that_says_it_is_something_else_is_none(tmp_path: Path) -> None:
    (row,) = LISTS["organization.json"]["value"]
    for type_, expected in (("organization", 0), ("user", 3)):
        marked = answer("organization", {**row, "@odata.type": f"#microsoft.graph.{type_}"})
        assert status(tmp_path, {**NAMED, "organization.json": marked}) == expected


def test_a_holder_that_only_the_expanded_list_tells_of_is_missing_from_the_other(tmp_path: Path) -> None:
    held = [{"@odata.type": "#microsoft.graph.servicePrincipal", **principal(number)} for number in (0x21, 0x20)]
    for holders, expected in ((held[:1], 0), (held, 3)):
        rows = [{**row, "appliesTo": holders} for row in LISTS["policies.json"]["value"] if row["id"] == HOUR]
        half = [row for row in LISTS["policies.json"]["value"] if row["id"] == HALF]
        assert status(tmp_path, {**NAMED, "policies.json": answer(POLICIES, *rows, *half)}) == expected


def test_objects_in_a_list_without_a_context_are_of_the_version_and_the_cloud_that_they_name(tmp_path: Path) -> None:
    def files(root: str) -> Files:
        row = {**principal(0x21), "@odata.context": f"{root}/$metadata#servicePrincipals/$entity"}
        return {
            **{name: each for name, each in ENTITIES.items() if name != "holder-21.json"},
            "rows.json": {"value": [row]},
        }

    save(tmp_path, files("https://graph.microsoft.com/beta"))
    report = scanned(tmp_path, "token-lifetime")
    assert report.exit_status == 0
    assert any("of Microsoft Graph beta" in notice and "rows.json" in notice for notice in report.notices)
    save(tmp_path, files("https://graph.microsoft.us/v1.0"))
    with pytest.raises(DocumentError, match="two clouds"):
        scanned(tmp_path, "token-lifetime")


def below(folder: Path, files: Files) -> None:
    """Save `files` in a folder of their own below `folder`."""
    (folder / "tenant").mkdir(exist_ok=True)
    save(folder / "tenant", files)


def test_a_calls_json_in_a_folder_below_counts_for_the_files_beside_it(tmp_path: Path) -> None:
    below(tmp_path, NAMED)
    assert scanned(tmp_path).exit_status == 0
    below(tmp_path, {**NAMED, "calls.json": {**CALLS, "applications.json": "/applications?$filter=x"}})
    assert scanned(tmp_path).exit_status == 3
    below(tmp_path, {**NAMED, "calls.json": {**CALLS, "other.json": "/applications"}})
    with pytest.raises(DocumentError, match=r"tenant.calls\.json: names 'other.json', which is not there"):
        scanned(tmp_path)


def test_two_calls_json_that_name_two_calls_for_one_file_are_refused(tmp_path: Path) -> None:
    below(tmp_path, NAMED)
    for call, agreed in (("/applications?$top=999", True), ("/applications", False)):
        (tmp_path / "calls.json").write_text(json.dumps({"tenant/applications.json": call}))
        if agreed:
            assert scanned(tmp_path).exit_status == 0
        else:
            with pytest.raises(DocumentError, match="of which another call was said before"):
                scanned(tmp_path)


def test_that_a_part_of_a_list_was_refused_is_no_refusal_of_the_list(tmp_path: Path) -> None:
    refused = {"error": {"code": "Request_UnsupportedQuery", "message": "As Graph words it"}}
    without = {name: each for name, each in LISTS.items() if name != "applications.json"}
    for call, said in (("/applications", True), ("/applications?$search=x", False)):
        calls = {name: each for name, each in CALLS.items() if name in without}
        save(tmp_path, {**without, "refused.json": refused, "calls.json": {**calls, "refused.json": call}})
        report = scanned(tmp_path)
        assert report.exit_status == 3
        reasons = {failure.reason for part in report.types.values() for failure in part.failures}
        assert any("refused.json holds Graph's refusal" in reason for reason in reasons) is said
        assert any("save its answer there" in reason for reason in reasons) is not said


def test_an_object_without_an_id_is_named_where_its_call_was_wanted(tmp_path: Path) -> None:
    nameless = {key: value for key, value in ENTITIES["holder-21.json"].items() if key != "id"}
    save(tmp_path, {**ENTITIES, "holder-21.json": nameless})
    reasons: list[Any] = []
    assert scanned(tmp_path, "token-lifetime", not_evaluated=reasons).exit_status == 3
    assert any(
        f"GET /servicePrincipals/{guid(0x21)}" in each.reason and "holder-21.json an object has no id" in each.reason
        for each in reasons
    )
