"""The report as a table."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden_file import assert_golden
from sample_report import (
    COMPLIANT,
    FINDINGS,
    NOT_EVALUATED,
    REPORT,
    peak_memory,
    rendered,
    with_display_name,
    with_findings,
)
from tokenguard.reporters.csv import COLUMNS, CsvReporter

REPORTER = CsvReporter()


def rows(report=REPORT):
    """As a consumer reads them, strictly."""
    text = rendered(REPORTER, report).decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_the_whole_report():
    assert_golden("report.csv", rendered(REPORTER, REPORT))


def test_there_is_a_row_for_each_finding_and_for_each_thing_not_evaluated():
    found = rows()

    statuses = (str(each.status) for each in FINDINGS)
    assert [row["status"] for row in found] == ["notice", *statuses, *["not-evaluated"] * 2]
    assert [row["rule"] for row in found[1:]] == [each.rule for each in (*FINDINGS, *NOT_EVALUATED)]
    assert found[-1]["reason"] == "GET /servicePrincipals: 403 Forbidden (needs the permission Application.Read.All)"


def test_nothing_found_is_a_table_of_no_rows():
    assert rows(COMPLIANT) == []
    assert rendered(REPORTER, COMPLIANT).decode().strip() == ",".join(f'"{name}"' for name in COLUMNS)


def test_values_are_json():
    assert json.loads(rows()[2]["observed"]) == {"/accessTokenLifetimeSeconds": 28800}
    assert json.loads(rows()[2]["expected"]) == {"/accessTokenLifetimeSeconds": {"maximum": 5400}}


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("\t=1", "\\t=1"),
        ("\r=1", "\\r=1"),
        ("\n=1", "\\n=1"),
        ("＝1", "'＝1"),  # noqa: RUF001
        ('",=1', '",=1'),
        ("a;=1;-2", "a;'=1;'-2"),
        ("a; @SUM(A1)", "a;' @SUM(A1)"),
        ("a;b", "a;b"),
        ("a=1", "a=1"),
    ],
)
def test_no_cell_is_a_formula(name, cell):
    assert rows(with_display_name(name))[-2]["resourceName"] == cell


@settings(max_examples=100)
@given(st.text(st.characters(exclude_categories=())))
def test_no_display_name_can_add_a_row_or_begin_a_formula(name):
    found = rows(with_display_name(name))

    assert len(found) == len(rows())
    assert all(row.keys() == set(COLUMNS) for row in found)
    cells = [part for row in found for cell in row.values() for part in cell.split(";")]
    assert not any(cell.lstrip().startswith(tuple("=+-@\t\r")) for cell in cells)


def test_memory_does_not_grow_with_the_findings():
    few, many = (peak_memory(REPORTER, with_findings(number)) for number in (100, 3000))

    assert many < few + 50_000
