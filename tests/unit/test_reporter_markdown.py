"""The report as Markdown, looked at as GitHub's own renderer shows it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden_file import assert_golden
from sample_report import (
    COMPLIANT,
    FINDINGS,
    NOT_KNOWN,
    REPORT,
    TOO_LONG,
    peak_memory,
    rendered,
    with_display_name,
    with_findings,
)
from tokenguard.reporters.markdown import MarkdownReporter

REPORTER = MarkdownReporter()


def markdown(report=REPORT):
    return rendered(REPORTER, report).decode()


def html(report=REPORT):
    cmarkgfm = pytest.importorskip("cmarkgfm", reason="cmarkgfm, GitHub's renderer, is not installed")
    from cmarkgfm.cmark import Options

    return cmarkgfm.github_flavored_markdown_to_html(markdown(report), options=Options.CMARK_OPT_UNSAFE)


class Shape(HTMLParser):
    """The elements of a page, with their links, but without its text."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag != "a" or not dict(attrs)["href"].startswith(("mailto:", "xmpp:")):
            self.found.append((tag, attrs))


def test_the_whole_report():
    assert_golden("report.md", rendered(REPORTER, REPORT))


@pytest.mark.parametrize(
    ("report", "verdict"),
    [(REPORT, "NOT COMPLIANT"), (COMPLIANT, "COMPLIANT"), (NOT_KNOWN, "COMPLIANCE NOT KNOWN")],
)
def test_the_verdict_is_the_title(report, verdict):
    assert f"<h1>tokenguard: {verdict}</h1>" in html(report)


def test_what_was_not_evaluated_is_no_pass():
    page = html(NOT_KNOWN)

    assert "<h2>Not evaluated: this is not compliance</h2>" in page
    assert "(needs the permission Application.Read.All)" in page
    assert "<strong>rest</strong>" in page


def test_what_was_not_evaluated_stands_before_findings_that_may_be_cut_off():
    headings = re.findall(r"<h2>(.*?)</h2>", html())

    assert headings[0] == "Not evaluated: this is not compliance"
    assert headings.index("Single resources that could not be judged") > 1
    assert "<li>1 verdict on single resources, listed below</li>" in html()
    assert "Single resources" not in html(NOT_KNOWN)


def test_every_rule_has_a_row_of_the_table():
    rows = re.findall(r"<tr>\n<td>(.*)</td>", html())

    assert rows == [result.rule.id for result in REPORT.rules]


def test_what_would_settle_a_finding_can_be_copied():
    entries = [json.loads(unescape(text)) for text in re.findall(r"<pre[^>]*><code[^>]*>(.*)\n</code>", html())]

    assert [entry["rule"] for entry in entries] == [each.rule for each in FINDINGS if each.status == "new"]
    assert entries[1]["parameters"] == {"maximum": "PT8H"}


def test_only_findings_that_count_are_listed():
    assert "Long on Legacy" not in html()
    assert "1 finding known from the baseline" in html()
    assert "The nightly load runs for four hours" in html()


def test_references_are_links_only_where_they_are_addresses():
    rule = replace(TOO_LONG, references=("https://example.com/a", "javascript:alert(1)", "https://x.example/>[a](b)"))
    report = replace(with_findings(1), rules=(replace(with_findings(1).rules[0], rule=rule),))

    assert [dict(attrs)["href"] for tag, attrs in Shape(html(report)).found if tag == "a"] == ["https://example.com/a"]


@settings(max_examples=150)
@given(
    st.one_of(
        st.text(st.characters(exclude_categories=())),
        st.text("<>[]()!*_`~|\\#-+=.:/&;@www.evil.example \n\t'\"", min_size=1),
    )
)
def test_no_display_name_can_add_anything_but_text(name):
    blank = [each for each in Shape(html(with_display_name("x"))).found if each[0] != "strong"]
    found = [each for each in Shape(html(with_display_name(name))).found if each[0] != "strong"]

    assert found == blank


@pytest.mark.parametrize(
    "name", ["# x", "- x", "1. x", "| a | b |", "```", "---", "<script>alert(1)</script>", "](https://evil.example)"]
)
def test_markup_is_shown_as_it_was_written(name):
    assert f"Long lets tokens for {name} live 8 h" in unescape(html(with_display_name(name)))


def test_memory_does_not_grow_with_the_findings():
    few, many = (peak_memory(REPORTER, with_findings(number)) for number in (100, 3000))

    assert many < few + 50_000
