"""The report for GitHub Actions: what the runner makes of each line, and the summary of the job."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden_file import assert_golden
from sample_report import COMPLIANT, NOT_KNOWN, REPORT, rendered, with_display_name, with_findings
from tokenguard.errors import UsageError
from tokenguard.hookspecs import Style
from tokenguard.model import Severity
from tokenguard.reporters.github import SHOWN, SUMMARY_LIMIT, GithubReporter
from tokenguard.reporters.markdown import MarkdownReporter

REPORTER = GithubReporter()
COMMAND = re.compile(r"::(\w+) title=([^:,]*)::(.*)")


def undo(text):
    """As the runner undoes the escapes of a command."""
    for escape, character in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(escape, character)
    return text


def commands(report):
    """The commands in the output as (level, title, text), and the one line that is none."""
    *lines, last = rendered(REPORTER, report).decode().splitlines()
    found = [COMMAND.fullmatch(line) for line in lines]
    assert all(found)
    return [tuple(map(undo, match.groups())) for match in found if match], last


def test_the_whole_report():
    assert_golden("report.github.txt", rendered(REPORTER, REPORT))


def test_findings_are_errors_and_what_is_not_evaluated_warns():
    found, last = commands(REPORT)

    assert [level for level, _, _ in found] == ["error"] * 4 + ["warning"] * 2 + ["notice"]
    assert found[1][1] == "high: access-token-lifetime-too-long"
    assert found[1][2].splitlines()[1] == "accessTokenLifetimeSeconds: 8 h, at most 1 h 30 min allowed"
    assert "(needs the permission Application.Read.All)" in found[-2][2]
    assert last == (
        "tokenguard: NOT COMPLIANT: 4 findings (1 critical, 2 high, 1 medium); 6 rules, 2 not evaluated in full;"
        " read 1 d 1 h before this scan"
    )


def test_what_does_not_fail_the_scan_is_no_error():
    found, _ = commands(replace(REPORT, fail_on=Severity.CRITICAL))

    assert [level for level, _, _ in found] == ["error"] + ["warning"] * 2 + ["notice"] * 4


@pytest.mark.parametrize(("report", "said"), [(COMPLIANT, "COMPLIANT"), (NOT_KNOWN, "COMPLIANCE NOT KNOWN")])
def test_the_verdict_stands_at_the_end(report, said):
    assert commands(report)[1].startswith(f"tokenguard: {said}: ")


@pytest.mark.parametrize(("number", "more"), [(SHOWN, ""), (SHOWN + 1, "; 1 more than are annotated")])
def test_no_more_are_annotated_than_github_shows(number, more):
    found, last = commands(with_findings(number))

    assert len(found) == SHOWN
    assert last.endswith(f"each evaluated in full; read 1 d 1 h before this scan{more}")


@settings(max_examples=100)
@given(st.text(st.characters(exclude_categories=())))
def test_no_display_name_can_add_a_command(name):
    found, _ = commands(with_display_name(name))

    assert [level for level, _, _ in found] == ["error"] * 4 + ["warning"] * 2 + ["notice"]


@pytest.mark.parametrize("name", ["100%", "%0A::error::x", "a\n::error::x", ":::,"])
def test_names_are_read_back_as_they_are_shown(name):
    found, _ = commands(with_display_name(name))

    assert f"Long lets tokens for {name} live".replace("\n", "\\n") in found[1][2]


def test_the_summary_is_the_markdown_report(tmp_path):
    path = tmp_path / "summary"
    path.write_text("of somebody else\n")

    output = rendered(REPORTER, REPORT, Style(summary=path))

    assert path.read_bytes() == b"of somebody else\n" + rendered(MarkdownReporter(), REPORT)
    assert output == rendered(REPORTER, REPORT)


def test_a_summary_that_fits_exactly_is_whole_and_one_byte_more_is_cut(tmp_path):
    whole = rendered(MarkdownReporter(), with_findings(3))
    sizes = {}
    for spare in range(200):
        path = tmp_path / str(spare)
        path.write_bytes(b"x" * (SUMMARY_LIMIT - len(whole) - spare))
        rendered(REPORTER, with_findings(3), Style(summary=path))
        text = path.read_bytes()
        assert len(text) <= SUMMARY_LIMIT
        sizes[spare] = text.endswith(whole)

    assert not sizes[0]
    assert sizes[199]
    assert sorted(sizes.values()) == [sizes[spare] for spare in range(200)]


def test_a_summary_of_many_findings_says_that_it_is_cut_off(tmp_path):
    path = tmp_path / "summary"

    rendered(REPORTER, with_findings(10_000), Style(summary=path))

    assert SUMMARY_LIMIT - 2000 < path.stat().st_size <= SUMMARY_LIMIT
    assert "Cut off here" in path.read_text().splitlines()[-1]


def test_a_summary_that_is_full_stays_as_it_is_and_the_log_says_so(tmp_path):
    path = tmp_path / "summary"
    path.write_bytes(b"x" * SUMMARY_LIMIT)

    output = rendered(REPORTER, REPORT, Style(summary=path))

    assert path.read_bytes() == b"x" * SUMMARY_LIMIT
    *others, last = output.splitlines(keepends=True)
    assert b"".join(others) == rendered(REPORTER, REPORT)
    assert last.startswith(b"tokenguard: the summary of this step is full")


def test_a_summary_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(UsageError, match="summary of the job cannot be written"):
        rendered(REPORTER, REPORT, Style(summary=tmp_path))
