"""The report for programs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema_rs
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden_file import assert_golden
from sample_report import (
    COMPLIANT,
    CONFIGURED_REPORT,
    FINDINGS,
    LIFETIMES,
    NOT_EVALUATED,
    NOT_KNOWN,
    REPORT,
    peak_memory,
    rendered,
    shape,
    with_display_name,
    with_findings,
)
from tokenguard.encoding import finding_from_dict, lifetimes_from_dict, not_evaluated_from_dict
from tokenguard.hookspecs import Style
from tokenguard.reporters.json import JsonReporter
from tokenguard.schemas import schema

REPORTER = JsonReporter()


def closed(document: Any) -> Any:
    """A schema that allows only the keys that it describes."""
    match document:
        case {"properties": dict()}:
            return {name: closed(item) for name, item in document.items()} | {"additionalProperties": False}
        case dict():
            return {name: closed(item) for name, item in document.items()}
        case list():
            return [closed(item) for item in document]
        case _:
            return document


VALIDATOR = jsonschema_rs.Draft202012Validator(closed(schema("report")), validate_formats=True)


def document(report=REPORT) -> dict[str, Any]:
    return json.loads(rendered(REPORTER, report))


def test_the_whole_report():
    assert_golden("report.json", rendered(REPORTER, REPORT))


@pytest.mark.parametrize("report", [REPORT, COMPLIANT, NOT_KNOWN, CONFIGURED_REPORT, with_findings(3)])
def test_it_is_valid_against_its_schema_which_describes_every_key(report):
    assert [error.message for error in VALIDATOR.iter_errors(document(report))] == []


@pytest.mark.parametrize(
    ("key", "value"),
    [("formatVersion", 2), ("scannedAt", "yesterday"), ("failOn", "worst"), ("exitStatus", 2), ("surprise", 1)],
)
def test_the_schema_refuses_what_is_no_report(key, value):
    assert not VALIDATOR.is_valid(document() | {key: value})


@pytest.mark.parametrize("key", sorted(schema("report")["required"]))
def test_the_schema_wants_every_key(key):
    report = document()
    del report[key]

    assert not VALIDATOR.is_valid(report)


def test_what_the_report_lists_reads_back_equal():
    report = document()

    assert tuple(map(finding_from_dict, report["findings"])) == FINDINGS
    assert tuple(map(not_evaluated_from_dict, report["notEvaluated"])) == NOT_EVALUATED
    assert tuple(map(lifetimes_from_dict, report["lifetimes"])) == (LIFETIMES,)


def test_how_it_looks_on_a_terminal_changes_nothing():
    style = Style(terminal=True, color=True, width=20, verbose=True)

    assert rendered(REPORTER, REPORT, style) == rendered(REPORTER, REPORT)


def test_one_finding_is_one_line():
    lines = rendered(REPORTER, with_findings(200)).splitlines()

    assert sum(line.startswith(b'{"rule":"access-token-lifetime-too-long","severity"') for line in lines) == 200


@settings(max_examples=100)
@given(st.text())
def test_every_display_name_reads_back(name):
    report = with_display_name(name)

    assert tuple(map(finding_from_dict, document(report)["findings"])) == report.findings


@settings(max_examples=100)
@given(st.text(st.characters(exclude_categories=())))
def test_no_display_name_can_change_the_document_even_for_strict_parsers(name):
    assert shape(orjson.loads(rendered(REPORTER, with_display_name(name)))) == shape(document(with_display_name("x")))


def test_large_numbers_survive():
    large = replace(FINDINGS[0], violations=(replace(FINDINGS[0].violations[0], observed=10**40),))

    assert document(replace(REPORT, findings=(large,)))["findings"][0]["violations"][0]["observed"] == 10**40


def test_memory_does_not_grow_with_the_findings():
    few, many = (peak_memory(REPORTER, with_findings(number)) for number in (100, 3000))

    assert many < few + 50_000
