"""The report for people."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden_file import assert_golden
from sample_report import (
    COMPLIANT,
    EXEMPTION,
    FINDINGS,
    NOT_EVALUATED,
    NOT_KNOWN,
    REPORT,
    TOO_LONG,
    ManyFindings,
    peak_memory,
    rendered,
    with_display_name,
    with_findings,
)
from tokenguard.hookspecs import Style
from tokenguard.layout import cells, wrap
from tokenguard.model import Remediation, Safety, Severity, Violation
from tokenguard.reporters import wording
from tokenguard.reporters.text import SHOWN, TextReporter

REPORTER = TextReporter()
PIPE = Style()
COLOR = re.compile("\x1b\\[[0-9;]+m")


def terminal(width: int, *, color: bool = False, verbose: bool = False) -> Style:
    return Style(terminal=True, color=color, width=width, verbose=verbose)


def text(report=REPORT, style=PIPE) -> str:
    return rendered(REPORTER, report, style).decode()


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("report.txt", PIPE),
        ("report-80-columns.txt", terminal(80)),
        ("report-200-columns.txt", terminal(200)),
        ("report-80-columns-color.txt", terminal(80, color=True, verbose=True)),
    ],
)
def test_the_whole_report(name, style):
    assert_golden(name, rendered(REPORTER, REPORT, style))


@pytest.mark.parametrize(
    ("report", "verdict"),
    [
        (REPORT, "NOT COMPLIANT"),
        (NOT_KNOWN, "COMPLIANCE NOT KNOWN"),
        (COMPLIANT, "COMPLIANT"),
        (replace(COMPLIANT, rules=(REPORT.rules[5],)), "NOTHING TO CHECK"),
        (replace(COMPLIANT, rules=()), "NOTHING TO CHECK"),
        (replace(COMPLIANT, rules=REPORT.rules[2:4], findings=FINDINGS[5:], fail_on=Severity.MEDIUM), "NOT COMPLIANT"),
        (replace(COMPLIANT, rules=REPORT.rules[2:4], findings=FINDINGS[5:], fail_on=Severity.HIGH), "COMPLIANT"),
    ],
)
def test_the_verdict_comes_first(report, verdict):
    assert text(report).startswith(f"{verdict}  Contoso 11111111-2222-4333-8444-555555555555\n")


def test_a_verdict_does_not_hide_behind_an_exit_status_that_was_asked_to_be_zero():
    assert text(replace(REPORT, exit_status=0)).startswith("NOT COMPLIANT")


def test_a_finding_that_does_not_fail_is_not_said_to_be_none():
    report = text(replace(COMPLIANT, rules=REPORT.rules[2:4], findings=FINDINGS[5:], fail_on=Severity.HIGH))
    assert report.endswith(
        "exit status 0: everything that was asked could be evaluated, and nothing that fails was found\n"
    )


@pytest.mark.parametrize(
    ("report", "style", "times"),
    [
        (REPORT, PIPE, 1),
        (REPORT, replace(PIPE, verbose=True), 0),
        (COMPLIANT, PIPE, 0),
        (NOT_KNOWN, PIPE, 0),
    ],
)
def test_how_to_see_what_would_settle_a_finding_is_said_once_where_there_is_one(report, style, times):
    assert text(report, style).count("--verbose prints the lines to copy that would settle a finding") == times


def test_findings_stand_gravest_rule_first_with_values_in_peoples_units():
    report = text()

    assert report.index("CRITICAL  organization") < report.index("HIGH  access") < report.index("MEDIUM  token")
    assert "accessTokenLifetimeSeconds: 8 h, at most 1 h 30 min allowed" in report


def test_what_was_not_evaluated_stands_with_reason_and_permission():
    report = text(NOT_KNOWN)

    assert "NOT EVALUATED  this is not compliance" in report
    assert (
        "servicePrincipal: GET /servicePrincipals: 403 Forbidden (needs the permission Application.Read.All)" in report
    )
    assert "each evaluated in full" not in report
    assert report.count("1 rule, 1 not evaluated in full") == 2
    assert "exit status 3: something could not be read or decided" in report


def test_a_rule_that_fails_is_not_thereby_known_in_full():
    one = replace(REPORT.rules[0], incomplete=("GET /policies: 503",))

    assert "1 rule, 1 not evaluated in full: 1 fail" in text(
        replace(REPORT, rules=(one,), findings=FINDINGS[:1], not_evaluated=())
    )


def test_a_type_of_which_nothing_was_read_is_not_nothing_to_check():
    unread = replace(REPORT.rules[4], selected=0)

    report = text(replace(NOT_KNOWN, rules=(unread,)))

    assert report.startswith("COMPLIANCE NOT KNOWN")
    assert "nothing to check" not in report


def test_a_rule_whose_findings_are_all_exempt_is_not_shown_as_failing():
    exempt = replace(REPORT.rules[1], failed=0, known=0, not_evaluated=0)

    report = text(replace(REPORT, rules=(exempt,), findings=FINDINGS[3:4], not_evaluated=()))

    assert report.startswith("COMPLIANT")
    assert "HIGH  access" not in report
    assert "access-token-lifetime-too-long: 1 finding exempt" in report


def test_one_obstacle_to_many_rules_is_told_once():
    first = REPORT.rules[4]
    second = replace(first, rule=replace(first.rule, id="another-rule"))
    missing = (NOT_EVALUATED[1], replace(NOT_EVALUATED[1], rule="another-rule"))

    report = text(replace(NOT_KNOWN, rules=(first, second), not_evaluated=missing))

    assert report.count("403 Forbidden") == 1
    assert "    service-principal-without-owner\n    another-rule\n" in report


@pytest.mark.parametrize(
    ("number", "style", "shown", "more"),
    [
        (SHOWN, terminal(80), SHOWN, False),
        (SHOWN + 1, terminal(80), SHOWN, True),
        (SHOWN + 1, terminal(80, verbose=True), SHOWN + 1, False),
        (SHOWN + 1, PIPE, SHOWN + 1, False),
    ],
)
def test_a_terminal_shows_the_first_fifty_findings_of_a_rule(number, style, shown, more):
    report = text(with_findings(number), style)

    assert report.count("\n    Application ") == shown
    assert ("and 1 more: --verbose, a pipe or --output FILE shows all" in report) is more


@pytest.mark.parametrize("width", [40, 80, 100, 200])
def test_no_line_but_a_link_is_wider_than_the_terminal(width):
    lines = [line for line in text(style=terminal(width)).splitlines() if "https://" not in line]

    assert max(cells(line) for line in lines) <= width


@pytest.mark.parametrize("width", [1, 5, 20])
def test_a_narrow_terminal_gets_everything_too(width):
    squeezed = re.sub(r"\s", "", text(style=terminal(width)))

    assert "accessTokenLifetimeSeconds:8h,atmost1h30minallowed" in squeezed
    assert FINDINGS[0].resource.id in squeezed


def test_nothing_is_cut_where_there_is_no_terminal():
    report = text(with_findings(1))

    assert "\n      tokenLifetimePolicyAssignment 00000000-0000-4000-8000-000000000000\n" in report


def test_color_adds_nothing_but_color():
    colored, plain = text(style=terminal(80, color=True)), text(style=terminal(80))

    assert "\x1b" not in plain
    assert "\x1b[31mHIGH\x1b[0m" in colored
    assert COLOR.sub("", colored) == plain


@settings(max_examples=100)
@given(st.text(st.characters(exclude_categories=())))
def test_no_display_name_can_add_a_line_or_command_a_terminal(name):
    report = text(with_display_name(name))

    assert len(report.splitlines()) == len(text(with_display_name("Payroll")).splitlines())
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in report.replace("\n", ""))


@settings(max_examples=100)
@given(st.text(st.characters(exclude_categories=())))
def test_no_display_name_can_color_or_overflow_a_terminal(name):
    report = text(with_display_name(name), terminal(80, color=True))
    lines = [line for line in COLOR.sub("", report).splitlines() if not line.startswith("  https://")]

    assert "\x1b" not in "".join(lines)
    assert max(map(cells, lines)) <= 80


def test_no_rule_of_others_can_command_a_terminal():
    evil = "\x1b]0;gone\x07\n"
    rule = replace(
        TOO_LONG, id=evil, title=evil, references=(evil,), remediation=Remediation(Safety.SAFE, guidance=evil)
    )
    result = replace(REPORT.rules[1], rule=rule)
    finding = replace(FINDINGS[1], rule=evil)

    report = text(replace(REPORT, rules=(result,), findings=(finding,), not_evaluated=()))

    assert "\x1b" not in report
    assert report.count("\\x1b]0;gone\\x07\\n") == 5


@pytest.mark.parametrize(
    ("day", "left"),
    [
        (datetime(2026, 12, 29, 23, 59, tzinfo=UTC), "2 days left (until 2026-12-31)"),
        (datetime(2026, 12, 30, tzinfo=UTC), "1 day left (until 2026-12-31)"),
        (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), "today is its last day"),
    ],
)
def test_an_exemption_says_who_answers_for_it_and_how_long_yet(day, left):
    expected = f"owner data-platform@contoso.example, {left}: The nightly load runs for four hours"

    assert wording.exemption(EXEMPTION, day) == expected
    assert expected in text(replace(REPORT, scanned_at=day))


def test_a_finding_that_breaks_its_own_exemption_names_it():
    broken = replace(FINDINGS[1], exemption=EXEMPTION)

    assert "judged by an exemption: owner data-platform@" in text(replace(REPORT, findings=(broken,)))


@pytest.mark.parametrize(
    ("violation", "words"),
    [
        (Violation("/aSeconds", "minimum", 600, 599), "aSeconds: 9 min 59 s, at least 10 min required"),
        (Violation("/aSeconds", "const", 18000, None), "aSeconds: none, exactly 5 h required"),
        (Violation("/a/bSeconds", "maximum", 60, 61), "a/bSeconds: 1 min 1 s, at most 1 min allowed"),
        (Violation("/a", "required", "present", None), "a: none, must be there"),
        (Violation("/a", "not", {"const": 1}, 1), "a: 1, does not meet the rule's 'not'"),
        (Violation("", "anyOf", [], {"a": 1}), "the resource: a 1, does not meet the rule's 'anyOf'"),
        (Violation("/a", "enum", list("abcdefghij"), "z"), "a: z, one of a, b, c, d, e, f, g, h, i, j required"),
        (Violation("/a", "enum", list("abcdefghijk"), "z"), "a: z, one of 11 values (a, b, c, …) required"),
        (Violation("/a", "const", "{}", "x{}"), "a: x{}, exactly {} required"),
    ],
)
def test_a_violation_is_told_in_words(violation, words):
    assert wording.violation(violation) == words


@pytest.mark.parametrize(
    ("remediation", "words"),
    [
        (Remediation(Safety.MANUAL, guidance="Ask."), "Ask."),
        (Remediation(Safety.SAFE, remove=True), "remove the application."),
        (
            Remediation(Safety.UNSAFE, set={"aSeconds": 3600, "b": None}, guidance="Mind."),
            "set aSeconds to 1 h. set b to none. Mind.",
        ),
    ],
)
def test_a_remediation_is_told_in_words(remediation, words):
    assert wording.remediation(remediation, "application") == words


@pytest.mark.parametrize(
    ("given_text", "width", "lines"),
    [
        ("one two three", 0, ["one two three"]),
        ("one two three", 7, ["one two", "three"]),
        ("one two three", 6, ["one", "two", "three"]),
        ("abcdefgh ij", 3, ["abc", "def", "gh", "ij"]),
        ("東京東京 a", 5, ["東京", "東京", "a"]),
        ("", 5, [""]),
    ],
)
def test_wrapping_breaks_at_spaces_and_counts_columns(given_text, width, lines):
    assert list(wrap(given_text, width)) == lines


def test_memory_does_not_grow_with_the_findings():
    few, many = (peak_memory(REPORTER, with_findings(number)) for number in (100, 3000))

    assert many < few + 50_000
    assert len(ManyFindings(3000)) == 3000
