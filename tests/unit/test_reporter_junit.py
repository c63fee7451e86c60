"""The report as a test run."""

from __future__ import annotations

import warnings
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden_file import assert_golden
from sample_report import COMPLIANT, NOT_KNOWN, REPORT, peak_memory, rendered, with_display_name, with_findings
from tokenguard.model import Severity
from tokenguard.reporters.junit import JunitReporter

REPORTER = JunitReporter()


def tree(report=REPORT):
    return ElementTree.fromstring(rendered(REPORTER, report))


def suite(rule, report=REPORT):
    return tree(report).find(f"testsuite[@name='{rule}']")


def outcomes(rule, report=REPORT):
    """What became of each test case of a rule: the tag of what it holds, or "pass"."""
    return [case[0].tag if len(case) else "pass" for case in suite(rule, report).findall("testcase")]


def test_the_whole_report():
    assert_golden("report.junit.xml", rendered(REPORTER, REPORT))


@pytest.mark.parametrize(
    "report", [REPORT, COMPLIANT, NOT_KNOWN, with_findings(3), replace(REPORT, rules=(), findings=(), not_evaluated=())]
)
def test_a_consumer_counts_what_the_report_says(report):
    junitparser = pytest.importorskip("junitparser", reason="junitparser, a consumer of JUnit XML, is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = junitparser.JUnitXml.fromstring(rendered(REPORTER, report))
    said = (read.tests, read.failures, read.errors, read.skipped)

    read.update_statistics()

    assert (read.tests, read.failures, read.errors, read.skipped) == said
    assert read.failures == sum(result.failed for result in report.rules)
    assert read.errors == len(report.not_evaluated)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("organization-default-policy", ["failure", "pass"]),
        ("access-token-lifetime-too-long", ["failure", "failure", "skipped", "skipped", "error", "pass"]),
        ("retired-token-lifetime-setting", ["pass"]),
        ("service-principal-without-owner", ["error"]),
        ("unassigned-token-lifetime-policy", ["skipped"]),
    ],
)
def test_each_finding_is_a_test_case_and_only_a_pass_passes(rule, expected):
    assert outcomes(rule) == expected


@pytest.mark.parametrize(
    ("fail_on", "expected"),
    [(Severity.HIGH, "failure"), (Severity.CRITICAL, "skipped")],
)
def test_what_does_not_fail_the_scan_fails_no_test(fail_on, expected):
    report = replace(REPORT, fail_on=fail_on)

    assert outcomes("access-token-lifetime-too-long", report)[:2] == [expected] * 2
    found = suite("access-token-lifetime-too-long", report)
    assert int(found.get("failures")) == outcomes("access-token-lifetime-too-long", report).count("failure")


def test_what_was_not_read_says_why():
    error = suite("service-principal-without-owner").find("testcase/error")

    assert "403 Forbidden (needs the permission Application.Read.All)" in error.get("message")


@settings(max_examples=100)
@given(st.text(st.characters(exclude_categories=())))
def test_no_display_name_can_change_the_document(name):
    def shape(element):
        return (element.tag, sorted(element.attrib), [shape(child) for child in element])

    assert shape(tree(with_display_name(name))) == shape(tree(with_display_name("x")))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\x00\x1b[31m", "\\x00\\x1b[31m"),
        ("\ufffe\uffff", "\\ufffe\\uffff"),
        ("]]> <b>&amp;\"'", "]]> <b>&amp;\"'"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_xml_cannot_hold_is_made_visible(name, shown):
    assert any(case.get("name").endswith(f"Long on {shown}") for case in tree(with_display_name(name)).iter("testcase"))


def test_memory_does_not_grow_with_the_findings():
    few, many = (peak_memory(REPORTER, with_findings(number)) for number in (100, 3000))

    assert many < few + 50_000
