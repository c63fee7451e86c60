"""The report as a test run: JUnit XML, as Jenkins, GitLab, Azure Pipelines and others show it.

A rule is a test suite. Each finding is a test case that fails, or is skipped where it does not fail the scan (exempt,
known, or below the severity that does); what could not be evaluated is an error; all resources that pass are one test
case, since CI services keep every name of every run. Notices are skipped test cases of a suite of their own.

There is no standard; this is the subset that the schema of Jenkins' xunit plugin (``junit-10.xsd``) describes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from typing import BinaryIO, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from tokenguard.configured import in_words
from tokenguard.hookspecs import Style
from tokenguard.model import Finding, FindingStatus, NotEvaluated, Report, RuleResult, Severity
from tokenguard.reporters import wording
from tokenguard.reporters.by_rule import ByRule
from tokenguard.rules.messages import count
from tokenguard.untrusted import visible

_NOTICES = "tokenguard notices"
_NONCHARACTER = re.compile("[\ufffe\uffff]")
"""What XML 1.0 cannot hold beside controls and surrogates, which are made visible everywhere."""


class JunitReporter:
    """Reporter of the format ``junit``."""

    format = "junit"
    title = "JUnit XML, for the test reports of CI services"

    def write(self, report: Report, out: BinaryIO, style: Style) -> None:  # noqa: ARG002  (the same everywhere)
        out.writelines(line.encode() + b"\n" for line in _lines(report))


class _Counts(NamedTuple):
    """Of test cases."""

    tests: int
    failures: int
    errors: int
    skipped: int


def _lines(report: Report) -> Iterator[str]:
    counts = [_counts(result, report.fail_on) for result in report.rules]
    notices = wording.notices(report)
    told = _Counts(len(notices), 0, 0, len(notices))
    total = _Counts(*(sum(column) for column in zip(told, *counts, strict=True)))
    findings, unknown = ByRule(report.findings), ByRule(report.not_evaluated)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield _start("testsuites", name="tokenguard", **_numbers(total), time="0")
    if notices:
        yield from _notices(report, told, notices)
    for result, cases in zip(report.rules, counts, strict=True):
        yield _suite(report, result.rule.id, cases)
        yield from _properties(report, result)
        for finding in findings.of(result.rule.id):
            yield from _finding(finding, report.fail_on)
        for item in unknown.of(result.rule.id):
            yield from _not_evaluated(item)
        yield from _rest(result)
        yield "</testsuite>"
    yield "</testsuites>"


def _suite(report: Report, name: str, cases: _Counts) -> str:
    moment = f"{report.scanned_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
    return _start("testsuite", name=name, **_numbers(cases), time="0", timestamp=moment)


def _notices(report: Report, counts: _Counts, notices: list[str]) -> Iterator[str]:
    """As test cases, since what a suite says beside those is shown by few services."""
    yield _suite(report, _NOTICES, counts)
    for number, notice in enumerate(notices, 1):
        yield _case(_NOTICES, f"notice {number}")
        yield _start("skipped", end="/>", message=notice)
        yield "</testcase>"
    yield "</testsuite>"


def _counts(result: RuleResult, fail_on: Severity) -> _Counts:
    failures = result.failed if result.rule.severity >= fail_on else 0
    errors = result.not_evaluated + bool(result.incomplete)
    skipped = result.failed - failures + result.exempt + result.known + (result.verdict == "nothing to check")
    return _Counts(failures + errors + skipped + bool(result.passed), failures, errors, skipped)


def _numbers(counts: _Counts) -> dict[str, str]:
    return {name: str(number) for name, number in counts._asdict().items()}


def _properties(report: Report, result: RuleResult) -> Iterator[str]:
    values = {
        "tenant": report.header.tenant.id,
        "title": result.rule.title,
        "severity": str(result.rule.severity),
        "verdict": result.verdict,
        "age": wording.age(report),
    }
    values |= {f"configured {number}": line for number, line in enumerate(_configured(report, result), 1)}
    yield "<properties>"
    yield from (_start("property", end="/>", name=name, value=value) for name, value in values.items())
    yield "</properties>"


def _configured(report: Report, result: RuleResult) -> list[str]:
    """What concerns the rule, and what concerns none that has a suite of its own: one that is ignored, too."""
    judged = {each.rule.id for each in report.rules} - {result.rule.id}
    settings = tuple(each for each in report.configured.settings if each.rule not in judged)
    return in_words(replace(report.configured, settings=settings))


def _finding(finding: Finding, fail_on: Severity) -> Iterator[str]:
    yield _case(finding.rule, wording.resource(finding.resource))
    if finding.status is FindingStatus.NEW and finding.severity >= fail_on:
        yield _start("failure", type=str(finding.severity), message=finding.message)
        yield from (_text(wording.violation(each)) for each in finding.violations)
        yield "</failure>"
    else:
        yield _start("skipped", end="/>", message=f"{_excuse(finding, fail_on)}: {finding.message}")
    yield "</testcase>"


def _excuse(finding: Finding, fail_on: Severity) -> str:
    if finding.status is FindingStatus.NEW:
        return f"severity {finding.severity}, and only {fail_on} or graver fails the scan"
    if finding.exemption is None:
        return "known from the baseline"
    return f"exempt until {finding.exemption.expires}, owner {finding.exemption.owner}"


def _not_evaluated(item: NotEvaluated) -> Iterator[str]:
    yield _case(item.rule, "all resources" if item.resource is None else wording.resource(item.resource))
    reason = item.reason + wording.needs(item.permission)
    yield _start("error", end="/>", type="not evaluated", message=f"not evaluated: {reason}")
    yield "</testcase>"


def _rest(result: RuleResult) -> Iterator[str]:
    """What there is to say of a rule without naming a resource."""
    if result.passed:
        yield _case(result.rule.id, f"{count(result.passed, 'resource')} without a finding", end="/>")
    elif result.verdict == "nothing to check":
        yield _case(result.rule.id, "nothing to check")
        yield _start("skipped", end="/>", message="no resource that the rule is about")
        yield "</testcase>"


def _case(rule: str, name: str, end: str = ">") -> str:
    return _start("testcase", end=end, classname=rule, name=name, time="0")


def _start(tag: str, end: str = ">", **attributes: str) -> str:
    return f"<{tag}{''.join(f' {name}={quoteattr(_safe(value))}' for name, value in attributes.items())}{end}"


def _text(text: str) -> str:
    return escape(_safe(text))


def _safe(text: str) -> str:
    return _NONCHARACTER.sub(lambda match: f"\\u{ord(match[0]):04x}", visible(text))
