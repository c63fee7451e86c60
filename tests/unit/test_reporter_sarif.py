"""The report for code scanning."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden_file import assert_golden
from sample_report import (
    COMPLIANT,
    FINDINGS,
    HOSTILE,
    NOT_KNOWN,
    REPORT,
    TOO_LONG,
    peak_memory,
    rendered,
    shape,
    with_display_name,
    with_findings,
)
from tokenguard.model import Severity, Violation
from tokenguard.reporters import sarif
from tokenguard.reporters.sarif import SarifReporter
from tokenguard.reporters.sarif_rules import descriptor
from tokenguard.untrusted import visible

REPORTER = SarifReporter()


def run(report=REPORT) -> dict[str, Any]:
    (only,) = json.loads(rendered(REPORTER, report))["runs"]
    return only


def as_shown(message: str) -> str:
    """What a viewer shows of a SARIF message: a link for every ``[text](destination)``, and braces once."""
    shown = re.sub(r"\[([^\]]*)\]\(([^)]+)\)", "LINK", message)
    return re.sub(r"\{\{|\}\}", lambda match: match[0][0], shown)


def texts(value: Any) -> Iterator[str]:
    """Every text of a log that a viewer shows; property bags are for programs."""
    match value:
        case dict():
            yield from (text for name, item in value.items() if name != "properties" for text in texts(item))
        case list():
            yield from (text for item in value for text in texts(item))
        case str():
            yield value


def taken_apart(text: str) -> str:
    return visible(text).replace("](", "]\\x28")


def test_the_whole_report(monkeypatch):
    monkeypatch.setattr(sarif, "__version__", "0.0.0")  # a release must not change the file

    assert_golden("report.sarif", rendered(REPORTER, REPORT))


def test_each_finding_names_its_rule_resource_and_fingerprint():
    result = run()["results"][1]
    location = result["locations"][0]

    assert run()["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == TOO_LONG.id
    assert location["physicalLocation"]["artifactLocation"]["uri"] == (
        "entra/tokenLifetimePolicyAssignment/00000000-0000-4000-8000-000000000002.json"
    )
    assert location["logicalLocations"][0]["fullyQualifiedName"] == (
        "tokenLifetimePolicyAssignment/00000000-0000-4000-8000-000000000002"
    )
    assert result["partialFingerprints"]["primaryLocationLineHash"] == FINDINGS[1].fingerprint
    assert result["message"]["text"] == (
        "Long lets tokens for Payroll live 8 h\naccessTokenLifetimeSeconds: 8 h, at most 1 h 30 min allowed"
    )


def test_neither_place_nor_fingerprint_depend_on_what_was_observed():
    changed = replace(
        FINDINGS[1], message="other", violations=(Violation("/accessTokenLifetimeSeconds", "maximum", 1, 2),)
    )
    before, after = (run(replace(REPORT, findings=(item,)))["results"][0] for item in (FINDINGS[1], changed))

    assert before["partialFingerprints"] == after["partialFingerprints"]
    assert before["locations"] == after["locations"]
    assert before["message"] != after["message"]


def test_exempt_and_known_findings_are_suppressed_with_the_reason_and_no_other_is():
    suppressions = [result["suppressions"] for result in run()["results"]]

    assert [len(each) for each in suppressions] == [0, 0, 0, 1, 1, 0]
    assert suppressions[3][0] == {
        "kind": "external",
        "status": "accepted",
        "justification": (
            "exempt until 2026-12-31, owner data-platform@contoso.example: The nightly load runs for four hours"
        ),
    }
    assert "baseline" in suppressions[4][0]["justification"]


@pytest.mark.parametrize(
    ("report", "successful", "code"), [(COMPLIANT, True, 0), (NOT_KNOWN, False, 3), (REPORT, False, 1)]
)
def test_a_run_that_left_something_open_was_not_successful(report, successful, code):
    (invocation,) = run(report)["invocations"]

    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (successful, code)
    assert bool(invocation["toolExecutionNotifications"]) is not successful


def test_what_was_not_evaluated_is_notified_with_rule_reason_and_permission():
    one_resource, whole_rule = run()["invocations"][0]["toolExecutionNotifications"]

    assert (one_resource["level"], whole_rule["level"]) == ("warning", "error")
    assert whole_rule["associatedRule"] == {"id": "service-principal-without-owner", "index": 4}
    assert "403 Forbidden (needs the permission Application.Read.All)" in whole_rule["message"]["text"]
    assert one_resource["locations"][0]["logicalLocations"][0]["name"] == "Broken on Intranet"


@pytest.mark.parametrize(
    ("severity", "level", "least", "most"),
    [
        (Severity.CRITICAL, "error", 9.0, 10.0),
        (Severity.HIGH, "error", 7.0, 8.9),
        (Severity.MEDIUM, "warning", 4.0, 6.9),
        (Severity.LOW, "note", 0.1, 3.9),
        (Severity.INFO, "note", 0.0, 0.0),
    ],
)
def test_severities_fall_into_the_ranges_that_github_documents(severity, level, least, most):
    described = descriptor(replace(TOO_LONG, severity=severity))

    assert described["defaultConfiguration"]["level"] == level
    assert least <= float(described["properties"]["security-severity"]) <= most


def test_a_rule_brings_its_help():
    described = descriptor(TOO_LONG)

    assert described["properties"]["tags"] == ["security", "external/mitre-attack/T1550.001"]
    for part in (
        "until it expires",
        "Longest accepted lifetime: PT1H30M",
        "set accessTokenLifetimeSeconds to 1 h 30 min",
    ):
        assert part in described["help"]["text"]
        assert part in described["help"]["markdown"]
    assert f"- <{TOO_LONG.references[1]}>" in described["help"]["markdown"]


def test_only_a_built_in_rule_has_its_help_at_the_project_s_address(monkeypatch):
    monkeypatch.setattr("tokenguard.ADDRESS", "https://code.example/tokenguard")

    assert descriptor(TOO_LONG)["helpUri"].endswith(f"/docs/reference/rules.md#{TOO_LONG.id}")
    assert "helpUri" not in descriptor(replace(TOO_LONG, id="mine-is-wrong"))


@pytest.mark.parametrize("reference", ["javascript:alert(1)", "https://a b", "https://a>b", "RFC 6749"])
def test_only_web_addresses_become_links(reference):
    described = descriptor(replace(TOO_LONG, references=(reference,)))

    assert reference not in described["help"]["markdown"]


def test_markup_in_a_rule_is_shown_not_obeyed():
    described = descriptor(replace(TOO_LONG, rationale="<img src=x> [a](javascript:b) {0}"))

    assert "\\<img src=x\\> \\[a\\](javascript:b) {{0}}" in described["help"]["markdown"]


@pytest.mark.parametrize("id_", ["..", "../../etc/passwd", "a/b", "https://evil.example", "a#b?c"])
def test_an_id_cannot_leave_its_place(id_):
    odd = replace(FINDINGS[0], resource=replace(FINDINGS[0].resource, id=id_))
    (result,) = run(replace(REPORT, findings=(odd,)))["results"]
    folder, type_, name = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].split("/")

    assert (folder, type_) == ("entra", "tokenLifetimePolicy")
    assert name not in ("..", ".")
    assert re.fullmatch(r"[A-Za-z0-9._~%-]+\.json", name)


def test_a_hostile_name_is_shown_as_it_is():
    text = run()["results"][2]["message"]["text"]

    assert "[click]\\x28https://evil.example)" in text
    assert as_shown(text).startswith(f"Long lets tokens for {taken_apart(HOSTILE)} live")


@settings(max_examples=100)
@given(st.text(st.characters(exclude_categories=())))
def test_no_display_name_can_change_the_document(name):
    log = orjson.loads(rendered(REPORTER, with_display_name(name)))
    message = log["runs"][0]["results"][1]["message"]["text"]

    assert shape(log) == shape(orjson.loads(rendered(REPORTER, with_display_name("x"))))
    assert [text for text in texts(log) if any(visible(line) != line for line in text.split("\n"))] == []
    assert as_shown(message).splitlines()[0] == taken_apart(f"Long lets tokens for {name} live 8 h")


def test_memory_does_not_grow_with_the_findings():
    few, many = (peak_memory(REPORTER, with_findings(number)) for number in (100, 3000))

    assert many < few + 50_000
