"""What is JSON and no report can hold, in a saved answer, is unknown; everything around it is evaluated."""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from command import PROGRAM
from saved_tenant import CALLS, FOUND, HALF, LISTS, Files, guid, save, scanned
from tokenguard.documents import parse_document
from tokenguard.errors import DocumentError

LISTED = {**LISTS, "calls.json": CALLS}
HALVES = ["\ud800", "a\udfffb", "\udc00\ud800"]
BEYOND = [str(2**64), str(-(2**63) - 1), "1" + "0" * 5000, "1e999"]
FORMATS = ("text", "json", "sarif", "markdown", "html", "junit", "csv", "ocsf", "github")


def run(folder: Path, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([PROGRAM, command, *arguments], capture_output=True, text=True, check=False, cwd=folder)
    assert "Traceback" not in done.stderr
    assert done.returncode != 70
    return done


def dumped(document: Any) -> bytes:
    """`document` as JSON; Python would not write integers so long."""
    return json.dumps(document).replace('"10**5000"', "1" + "0" * 5000).encode()


def changed(name: str, row: int, **properties: Any) -> Files:
    """The tenant with `properties` in one row of the file `name`."""
    rows = [dict(each) for each in LISTS[name]["value"]]
    rows[row].update(properties)
    return {**LISTED, name: dumped({**LISTS[name], "value": rows})}


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("name", ["policies.json", "principals-2.json", "applications.json", "holders-1.json"])
def test_a_name_with_half_a_surrogate_pair_is_unknown_and_nothing_else(name: str, half: str, tmp_path: Path) -> None:
    without = {name: [{key: each for key, each in row.items() if key != "displayName"} for row in LISTS[name]["value"]]}
    save(tmp_path, {**LISTED, name: {**LISTS[name], "value": without[name]}})
    expected = scanned(tmp_path)
    save(tmp_path, changed(name, 0, displayName=half))
    report = scanned(tmp_path)
    assert {each.rule.id for each in report.rules if each.failed} == {
        each.rule.id for each in expected.rules if each.failed
    }
    assert {each.rule.id for each in report.rules if each.passed} >= {
        each.rule.id for each in expected.rules if each.passed
    }
    assert not any(each.failures for each in report.types.values())


def test_the_reason_names_the_property(tmp_path: Path) -> None:
    save(tmp_path, changed("policies.json", 0, displayName="\ud800"))
    done = run(tmp_path, "scan", "--snapshot", ".", "--rules", "all")
    assert done.returncode == 3
    assert "displayName is text with half a surrogate pair" in done.stdout


@pytest.mark.parametrize("encoding", ["escaped", "utf-8", "utf-16", "utf-16-be"])
def test_a_half_counts_in_every_encoding_that_shells_write(encoding: str, tmp_path: Path) -> None:
    document = LISTS["policies.json"]
    text = json.dumps(
        {**document, "value": [{**document["value"][0], "displayName": "\ud800"}, document["value"][1]]},
        ensure_ascii=encoding == "escaped",
    )
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    data = (mark + text).encode("utf-8" if encoding == "escaped" else encoding, "surrogatepass")
    save(tmp_path, {**LISTED, "policies.json": data})
    report = scanned(tmp_path)
    assert report.types["tokenLifetimePolicy"].count == 2
    assert not report.types["tokenLifetimePolicy"].failures
    assert any("half a surrogate pair" in each.reason for each in report.not_evaluated)


def test_a_whole_pair_is_a_character(tmp_path: Path) -> None:
    save(tmp_path, changed("policies.json", 0, displayName="\U0001f600"))
    assert scanned(tmp_path).exit_status == 0


PROPERTIES = [
    ("policies.json", "id"),
    ("policies.json", "displayName"),
    ("policies.json", "description"),
    ("policies.json", "definition"),
    ("policies.json", "isOrganizationDefault"),
    ("policies.json", "deletedDateTime"),
    ("policies.json", "@odata.type"),
    ("holders-1.json", "id"),
    ("holders-1.json", "appId"),
    ("holders-1.json", "@odata.type"),
    ("holders-1.json", "servicePrincipalType"),
    ("principals-2.json", "id"),
    ("principals-2.json", "appId"),
    ("principals-2.json", "servicePrincipalType"),
    ("principals-2.json", "appOwnerOrganizationId"),
    ("principals-2.json", "accountEnabled"),
    ("principals-2.json", "servicePrincipalNames"),
    ("principals-2.json", "tags"),
    ("applications.json", "id"),
    ("applications.json", "appId"),
    ("applications.json", "keyCredentials"),
    ("applications.json", "createdDateTime"),
    ("organization.json", "id"),
    ("organization.json", "displayName"),
    ("organization.json", "verifiedDomains"),
]
VALUES = ["\ud800", ["\ud800"], [2**70], 2**70, "10**5000"]
AROUND = [{"\ud800": 1}, {"name": "\ud800"}, [{"keyId": "\ud800"}]]
"""Such a value within one that can be read, and is another than Graph sends."""


@pytest.mark.parametrize(("name", "key"), PROPERTIES)
def test_no_value_ends_the_run_wherever_it_stands(name: str, key: str, tmp_path: Path) -> None:
    save(tmp_path, LISTED)
    assert scanned(tmp_path).exit_status == 0
    for value in VALUES:
        save(tmp_path, changed(name, 0, **{key: value}))
        assert scanned(tmp_path).exit_status in (0, 3)
    for value in AROUND:
        save(tmp_path, changed(name, 0, **{key: value}))
        with suppress(DocumentError):  # the two files that tell of one object contradict each other, or one was cut
            # a policy that may be deleted counts as not there too, and then Microsoft's 90 minutes are a finding
            assert scanned(tmp_path).exit_status in ((1, 3) if key == "deletedDateTime" else (0, 3))


@pytest.mark.parametrize("value", ["\ud800", 2**70, "10**5000"])
@pytest.mark.parametrize("key", ["@odata.context", "@odata.nextLink", "value", "@odata.count", "\ud800"])
def test_an_annotation_that_cannot_be_read_never_makes_a_list_whole(key: str, value: Any, tmp_path: Path) -> None:
    save(tmp_path, {**LISTED, "applications.json": dumped({**LISTS["applications.json"], key: value})})
    assert scanned(tmp_path).exit_status == (0 if key == "\ud800" else 3)


@pytest.mark.parametrize("number", BEYOND)
def test_a_number_beyond_64_bits_is_no_count(number: str, tmp_path: Path) -> None:
    save(tmp_path, {**LISTED, "count.txt": number.encode()})
    assert scanned(tmp_path).exit_status == 0


def test_a_refusal_counts_whatever_its_message(tmp_path: Path) -> None:
    refusal = {"error": {"code": "Authorization_RequestDenied", "message": "\ud800"}}
    save(tmp_path, {**LISTED, "applications.json": refusal})
    report = scanned(tmp_path)
    assert "Authorization_RequestDenied" in report.types["application"].failures[0].reason


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_holds_the_report(format_: str, tmp_path: Path) -> None:
    files = {**changed("policies.json", 0, displayName="\ud800"), "principals-2.json": None}
    files |= {"principals-2.json": changed("principals-2.json", 0, displayName="\udfff")["principals-2.json"]}
    save(tmp_path, files)
    done = run(tmp_path, "scan", "--snapshot", ".", "--rules", "all", "--ignore", FOUND, "--format", format_)
    assert done.returncode == 3


def test_a_snapshot_holds_what_was_read(tmp_path: Path) -> None:
    save(tmp_path, changed("policies.json", 0, displayName="\ud800", description="\ud800"))
    assert run(tmp_path, "collect", "--from", ".", "--output", "../tenant.jsonl").returncode == 0
    lines = [json.loads(line) for line in (tmp_path.parent / "tenant.jsonl").read_text().splitlines()]
    (policy,) = [each for each in lines if each.get("id") == LISTS["policies.json"]["value"][0]["id"]]
    assert policy["unknown"].keys() >= {"displayName", "description"}


def test_explain_finds_an_application_whose_name_is_unknown(tmp_path: Path) -> None:
    save(tmp_path, changed("principals-1.json", 0, displayName="\ud800"))
    done = run(tmp_path, "explain", "--snapshot", ".", guid(0x20 + 0x100))
    assert done.returncode == 0
    assert done.stdout.startswith(guid(0x20))
    done = run(tmp_path, "explain", "--snapshot", ".", "App 20")
    assert done.returncode == 3
    assert "not every servicePrincipal that was read holds its displayName" in done.stderr


def test_what_one_file_cannot_say_another_may(tmp_path: Path) -> None:
    """The holder of a policy stands in two answers."""
    save(tmp_path, changed("holders-1.json", 0, displayName="\ud800"))
    report = scanned(tmp_path)
    assert report.exit_status == 0
    assert HALF  # the other policy is evaluated as ever
    save(tmp_path, changed("holders-1.json", 0, displayName="Another"))
    with pytest.raises(DocumentError, match="different things"):
        scanned(tmp_path)


def test_what_people_write_is_refused_as_ever(tmp_path: Path) -> None:
    save(tmp_path, {**LISTED, "calls.json": {**CALLS, "\ud800.json": "/organization"}})
    with pytest.raises(DocumentError, match="surrogates not allowed"):
        scanned(tmp_path)
    for text in (b'{"a": "\\ud800"}', b'{"a": NaN}', b'{"a": 1, "a": 2}'):
        with pytest.raises(DocumentError):
            parse_document(text, "x.json")
    for text in (b'{"a": NaN}', b'{"a": 1, "a": 2}', b"[" * 100 + b"]" * 100):
        with pytest.raises(DocumentError):
            parse_document(text, "x.json", str)
