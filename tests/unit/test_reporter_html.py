"""The report as a web page, as far as it can be judged without a browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sample_report import (
    ASSIGNMENT,
    COMPLIANT,
    FINDINGS,
    HOSTILE,
    LIFETIMES,
    NOT_KNOWN,
    REPORT,
    TENANT,
    TOO_LONG,
    peak_memory,
    ref,
    rendered,
    with_display_name,
    with_findings,
)
from tokenguard.hookspecs import Style
from tokenguard.model import FindingStatus, Lifetime, Limit, Severity, fingerprint
from tokenguard.reporters.html import picture
from tokenguard.reporters.html.entries import HELD
from tokenguard.reporters.html.overview import frameworks, severities
from tokenguard.reporters.html.reporter import HtmlReporter
from tokenguard.untrusted import visible

REPORTER = HtmlReporter()


class Page(HTMLParser):
    """A page taken apart: its elements with the names of their attributes, and the text in them."""

    def __init__(self, report=REPORT) -> None:
        super().__init__()
        self.source = rendered(REPORTER, report).decode()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: dict[str, list[str]] = {}
        self._open = ""
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self._open = tag
        self.texts.setdefault(tag, []).append("")
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.attributes.extend((tag, name, value or "") for name, value in attrs)

    def handle_data(self, data):
        if self._open:
            self.texts[self._open][-1] += data

    def handle_endtag(self, tag):
        self._open = ""

    @property
    def text(self) -> str:
        return " ".join(" ".join(" ".join(part) for part in self.texts.values()).split())

    @property
    def data(self):
        return json.loads(self.texts["script"][0])

    @property
    def policy(self) -> str:
        return next(
            value for tag, name, value in self.attributes if (tag, name) == ("meta", "content") and "src" in value
        )


def digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_the_policy_allows_the_one_style_and_the_one_script_and_nothing_else():
    page = Page()

    assert page.policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest(page.texts['style'][0])}'",
        f"script-src 'sha256-{digest(page.texts['script'][-1])}'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]


def test_nothing_is_loaded_and_nothing_runs_or_is_styled_by_an_attribute():
    page = Page()

    names = {name for _, name, _ in page.attributes}
    assert not {name for name in names if name.startswith("on")} | names & {"src", "srcset", "style", "action"}
    assert {value for tag, name, value in page.attributes if name == "href" and not value.startswith("#")} == {
        *TOO_LONG.references
    }


def test_an_address_that_could_be_more_than_an_address_is_no_link():
    rule = replace(
        TOO_LONG, references=("javascript:alert(1)", "https://evil.example/ onclick=x", TOO_LONG.references[0])
    )
    page = Page(replace(REPORT, rules=(replace(REPORT.rules[1], rule=rule),), findings=(), not_evaluated=()))

    assert {value for tag, name, value in page.attributes if name == "href" and not value.startswith("#")} == {
        TOO_LONG.references[0],
        "https://attack.mitre.org/techniques/T1550/001/",
    }


@settings(max_examples=50)
@given(st.text(st.characters(exclude_categories=()), min_size=1))
def test_no_display_name_can_change_the_page(name):
    page, plain = Page(with_display_name(name)), Page(with_display_name("x"))

    assert page.elements == plain.elements
    assert [len(entry) for entry in page.data["entries"]] == [len(entry) for entry in plain.data["entries"]]


@settings(max_examples=50)
@given(st.text(st.characters(exclude_categories=()), min_size=1))
def test_no_display_name_hides_or_reorders_text(name):
    page = Page(with_display_name(name))

    assert [line for line in page.source.split("\n") if visible(line) != line] == []
    assert page.data["entries"][1]["name"] == visible(f"Long on {name}")


def test_the_list_holds_every_finding_with_evidence_in_peoples_units_and_every_unjudged_resource():
    data = Page().data

    assert [entry["fingerprint"] for entry in data["entries"]] == [
        *(finding.fingerprint for finding in FINDINGS),
        fingerprint(TOO_LONG.id, TENANT.id, ASSIGNMENT, ref(6, "").id),
    ]
    assert [entry["status"] for entry in data["entries"]] == [
        "finding", "finding", "finding", "exempt", "known", "finding", "not evaluated",
    ]  # fmt: skip
    payroll, exempt = data["entries"][1], data["entries"][3]
    assert payroll["evidence"] == [["accessTokenLifetimeSeconds", "8 h", "at most 1 h 30 min allowed"]]
    assert data["rules"][payroll["rule"]] == {"id": TOO_LONG.id, "severity": "high", "rank": 3}
    assert exempt["exemption"].startswith(
        "Exempt: owner data-platform@contoso.example, 40 days left (until 2026-12-31)"
    )


def test_what_counts_says_what_would_settle_it_and_what_does_not_count_does_not():
    entries = Page().data["entries"]

    words, exemption = entries[1]["settling"]
    assert words == "would pass with this exemption"
    assert json.loads(exemption)["parameters"] == {"maximum": "PT8H"}
    assert [bool(entry["settling"]) for entry in entries] == [entry["status"] == "finding" for entry in entries]


def test_a_finding_that_an_exemptions_own_limit_judged_names_it():
    judged = replace(FINDINGS[3], status=FindingStatus.NEW)
    (entry,) = Page(replace(REPORT, findings=(judged,), not_evaluated=())).data["entries"]

    assert entry["status"] == "finding"
    assert entry["exemption"].startswith("Judged by an exemption: owner data-platform@contoso.example")


@pytest.mark.parametrize(
    ("report", "word"),
    [
        (REPORT, "Not compliant"),
        (COMPLIANT, "Compliant"),
        (NOT_KNOWN, "Compliance not known"),
        (replace(COMPLIANT, rules=(replace(COMPLIANT.rules[0], selected=0),)), "Nothing to check"),
    ],
)
def test_the_verdict_stands_at_the_top(report, word):
    assert word in Page(report).texts["p"]


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (NOT_KNOWN, "servicePrincipal could not be judged as a whole Needs the permission Application.Read.All"),
        (COMPLIANT, "Everything that was asked could be read and decided."),
    ],
)
def test_what_could_not_be_evaluated_is_said_with_the_permission_that_would_mend_it(report, said):
    text = re.sub(r"<[^>]+>", " ", rendered(REPORTER, report).decode())

    assert said in " ".join(text.split())


@pytest.mark.parametrize(("report", "colour"), [(COMPLIANT, "good"), (NOT_KNOWN, ""), (REPORT, "bad")])
def test_no_findings_look_good_only_where_all_is_known(report, colour):
    assert f'<div class="{colour}">\n        <dt>Findings</dt>' in rendered(REPORTER, report).decode()


def test_exemptions_notices_and_a_rule_that_is_incomplete_are_on_the_page():
    text = Page().text

    assert "40 days left (until 2026-12-31)" in text
    assert REPORT.notices[0] in text
    assert "Not evaluated as a whole: GET /servicePrincipals: 403 Forbidden" in text


def test_how_a_terminal_looks_changes_nothing():
    assert rendered(REPORTER, REPORT, Style(terminal=True, color=True, width=20)) == rendered(REPORTER, REPORT)


def test_a_page_leaves_out_what_a_browser_could_not_hold_and_says_so():
    page = Page(with_findings(HELD + 50))

    assert len(page.data["entries"]) == HELD
    assert "This page leaves out 50 of them" in page.text
    assert "leaves out" not in Page(with_findings(20)).text


def test_large_numbers_can_be_read():
    text = rendered(REPORTER, with_findings(HELD + 1234)).decode()

    assert "<dd>21,234</dd>" in text
    assert "leaves out 1,234 of them" in text


def test_memory_does_not_grow_with_the_findings():
    few, many = (peak_memory(REPORTER, with_findings(number)) for number in (100, 3000))

    assert many < few + 100_000


def test_each_severity_has_its_number_and_its_share():
    assert severities(REPORT.rules) == [
        (Severity.CRITICAL, 1, 50.0),
        (Severity.HIGH, 2, 100.0),
        (Severity.MEDIUM, 1, 50.0),
        (Severity.LOW, 0, 0.0),
        (Severity.INFO, 0, 0.0),
    ]


def test_frameworks_count_rules_findings_and_what_is_unknown_and_link_only_what_they_know():
    own = replace(REPORT.rules[0].rule, frameworks={"house": ("7.3",), "mitre-attack": ("T1550.001", "T1/../x")})
    found = frameworks([replace(REPORT.rules[0], rule=own), *REPORT.rules[1:]])

    assert [(item.framework, item.id, item.rules, item.findings, item.unknown, item.address) for item in found] == [
        ("house", "7.3", 1, 1, 0, ""),
        ("mitre-attack", "T1/../x", 1, 1, 0, ""),
        ("mitre-attack", "T1550.001", 2, 3, 1, "https://attack.mitre.org/techniques/T1550/001/"),
    ]


def drawn(*seconds: int, limit: int = 5400) -> picture.Picture:
    shown = tuple(Lifetime(ref(number, f"app {number}"), length) for number, length in enumerate(seconds))
    lifetimes = replace(
        LIFETIMES, limits=(Limit(TOO_LONG.id, "maximum", limit),), known=len(shown), unknown=0, shown=shown
    )
    result = picture.draw([lifetimes], {})
    assert result is not None
    return result


def test_marks_say_what_was_found_what_is_exempt_and_what_is_not_known():
    result = picture.draw(REPORT.lifetimes, picture.states(REPORT))

    assert result is not None
    (group,) = result.groups
    assert [(mark.name, mark.length, mark.state) for mark in group.marks] == [
        ("Broken on Intranet", "not known", "unknown"),
        ("Long on Payroll", "8 h", "finding"),
        ("Long on Dataverse", "5 h", "exempt"),
        ("Long on Legacy", "2 h", "known"),
        (HOSTILE, "1 h 30 min 1 s", "finding"),
        ("Short on Kiosk", "10 min", ""),
    ]
    assert (group.property, group.counts) == ("access token lifetime", "7 known, 1 not known, 1 without any")
    assert [limit.label for limit in group.limits] == ["at most 1 h 30 min"]
    assert group.marks[1].fingerprint == FINDINGS[1].fingerprint


@pytest.mark.parametrize(
    ("keyword", "beyond"),
    [
        ("maximum", (5401,)),
        ("exclusiveMaximum", (5400, 5401)),
        ("minimum", (5399,)),
        ("exclusiveMinimum", (5399, 5400)),
        ("const", (5399, 5401)),
    ],
)
def test_a_dot_beyond_a_limit_is_explained(keyword, beyond):
    """A dot is no verdict: the rule may not judge it there, or could not."""
    for seconds in (5399, 5400, 5401):
        lifetimes = replace(
            LIFETIMES, limits=(Limit(TOO_LONG.id, keyword, 5400),), shown=(Lifetime(ref(1, "x"), seconds),)
        )
        report = replace(REPORT, lifetimes=(lifetimes,), findings=(), not_evaluated=())
        assert ("A dot beyond a limit:" in Page(report).text) is (seconds in beyond), seconds


def legend(report):
    _, found, rest = rendered(REPORTER, report).decode().partition('<p class="legend')
    assert found
    return rest.partition("</p>")[0]


def test_a_finding_beyond_a_limit_needs_no_explanation_and_only_what_is_drawn_is_in_the_legend():
    known = tuple(each for each in LIFETIMES.shown if each.seconds is not None)

    assert "A dot beyond a limit:" not in Page().text
    assert "not known" in legend(REPORT)
    assert "not known" not in legend(replace(REPORT, lifetimes=(replace(LIFETIMES, unknown=0, shown=known),)))


def test_findings_that_do_not_fail_are_not_counted_as_if_they_did():
    text = rendered(REPORTER, replace(REPORT, fail_on=Severity.HIGH)).decode()

    assert "3 of them high or graver" in text
    mild = replace(REPORT, rules=(REPORT.rules[2],), findings=(), not_evaluated=(), fail_on=Severity.HIGH)
    assert '<div class="">\n        <dt>Findings</dt><dd>1</dd>' in rendered(REPORTER, mild).decode()


@pytest.mark.parametrize(
    ("rationale", "shown"),
    [
        ("before `expires_in` runs out", "<p>before <code>expires_in</code> runs out</p>"),
        ("`<b>`", "<p><code>&lt;b&gt;</code></p>"),
        ("a ` that is alone", "<p>a ` that is alone</p>"),
    ],
)
def test_what_a_rule_puts_between_backticks_is_code(rationale, shown):
    rule = replace(TOO_LONG, rationale=rationale)
    report = replace(with_findings(1), rules=(replace(with_findings(1).rules[0], rule=rule),))

    assert shown in rendered(REPORTER, report).decode()


def test_a_limit_stands_between_what_keeps_it_and_what_does_not():
    (group,) = drawn(5401, 5400, 5399, limit=5400).groups

    over, at, under = (mark.x for mark in group.marks)
    assert under < group.limits[0].x == at < over


@pytest.mark.parametrize("seconds", [0, 1, 600, 86400, 86401, 365 * 86400, 100 * 365 * 86400, 10**400])
def test_the_axis_holds_every_length(seconds):
    result = drawn(seconds, 3600)

    places = [result.groups[0].marks[0].x, *(tick.x for tick in result.ticks)]
    assert all(0 < place < 100 for place in places)
    assert 5 <= len(result.ticks) <= 8
    assert [tick.x for tick in result.ticks] == sorted(tick.x for tick in result.ticks)


def test_limits_of_one_length_are_drawn_once():
    limits = (
        Limit("a", "maximum", 5400),
        Limit("b", "maximum", 5400),
        Limit("c", "minimum", 600),
        Limit("d", "const", 60),
    )
    result = picture.draw([replace(LIFETIMES, limits=limits)], {})

    assert result is not None
    assert [limit.label for limit in result.groups[0].limits] == [
        "exactly 1 min",
        "at least 10 min",
        "at most 1 h 30 min",
    ]


def test_what_is_not_drawn_is_said():
    result = picture.draw([replace(LIFETIMES, known=305, unknown=4)], {})

    assert result is not None
    assert result.groups[0].left_out == "300 resources with 10 min or less not drawn; 3 more not known"
    assert drawn(3600).groups[0].left_out == ""


def test_without_limits_there_is_no_picture():
    assert picture.draw((), {}) is None
    assert "Lifetimes and their limits" not in Page(COMPLIANT).text
