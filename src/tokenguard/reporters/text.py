"""The report that a person reads: what is wrong, what could not be known, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby, islice
from typing import BinaryIO

from tokenguard.configured import in_words
from tokenguard.exit_status import ExitStatus
from tokenguard.hookspecs import Style
from tokenguard.judging.settling import Settlement, settlement
from tokenguard.layout import Page, Paint
from tokenguard.model import (
    Finding,
    FindingStatus,
    NotEvaluated,
    Report,
    ResourceRef,
    RuleResult,
    Severity,
)
from tokenguard.reporters import wording
from tokenguard.reporters.conclusions import Verdict, exemptions, obstacles, verdict
from tokenguard.reporters.table import write_table
from tokenguard.rules.messages import count
from tokenguard.untrusted import json_bytes

SHOWN = 50
"""Findings of one rule that a terminal shows; a file or pipe gets all."""

_SEVERITY = {
    Severity.CRITICAL: Paint.BRIGHT_RED,
    Severity.HIGH: Paint.RED,
    Severity.MEDIUM: Paint.YELLOW,
    Severity.LOW: Paint.BLUE,
    Severity.INFO: Paint.DIM,
}
_VERDICT = {
    Verdict.NOT_COMPLIANT: Paint.BRIGHT_RED,
    Verdict.NOT_KNOWN: Paint.BRIGHT_YELLOW,
    Verdict.NOTHING: Paint.BRIGHT_YELLOW,
    Verdict.COMPLIANT: Paint.BRIGHT_GREEN,
}


class TextReporter:
    """Reporter of the format ``text``."""

    format = "text"
    title = "Text for people, coloured and wrapped on a terminal"

    def write(self, report: Report, out: BinaryIO, style: Style) -> None:
        page = Page(out, style)
        _write_head(page, report)
        _write_findings(page, report)
        _write_not_evaluated(page, report)
        _write_exceptions(page, report)
        _write_notices(page, wording.notices(report))
        write_table(page, report.rules)
        _write_end(page, report)


def _write_head(page: Page, report: Report) -> None:
    word = verdict(report)
    page.line(wording.tenant(report.header.tenant), paint=_VERDICT[word], label=word)
    page.line(wording.conclusion(report), indent=2)
    page.line(f"read from {report.source}", indent=2, paint=Paint.DIM)
    header = report.header
    when = header.collected_at.astimezone(UTC)
    collected = f"collected {when:%Y-%m-%d %H:%M} UTC by {header.producer}; precedence: {header.precedence}"
    page.line(collected, indent=2, paint=Paint.DIM)
    for line in in_words(report.configured):
        page.line(line, indent=2)


def _write_findings(page: Page, report: Report) -> None:
    results = {result.rule.id: result for result in report.rules}
    for rule, findings in groupby(report.findings, key=_rule_of):
        if results[rule].failed:
            new = (item for item in findings if item.status is FindingStatus.NEW)
            _write_rule(page, results[rule], new, report.scanned_at)


def _write_rule(page: Page, result: RuleResult, findings: Iterable[Finding], now: datetime) -> None:
    rule = result.rule
    page.line()
    page.line(rule.id, paint=_SEVERITY[rule.severity], label=str(rule.severity).upper())
    page.line(f"{rule.title}: {count(result.failed, 'finding')}", indent=2, paint=Paint.BOLD)
    if page.style.verbose and rule.rationale:
        page.line(rule.rationale, indent=2)
    for finding in islice(findings, _limit(page.style)):
        _write_finding(page, finding, now)
        if page.style.verbose:
            _write_settling(page, settlement(finding, rule, now.date()))
    _write_more(page, result.failed)
    if rule.remediation is not None:
        how = wording.remediation(rule.remediation, rule.resource)
        page.line(f"How to fix ({rule.remediation.safety}): {how}", indent=2)
    for reference in rule.references:
        page.row([(f"  {reference}", Paint.DIM)])  # not wrapped: terminals open a link only if it is whole


def _limit(style: Style) -> int | None:
    return SHOWN if style.terminal and not style.verbose else None


def _rule_of(item: Finding | NotEvaluated) -> str:
    return item.rule


def _write_finding(page: Page, finding: Finding, now: datetime) -> None:
    lines = [finding.message, *map(wording.violation, finding.violations)]
    if finding.exemption is not None:
        lines.append(f"judged by an exemption: {wording.exemption(finding.exemption, now)}")
    _write_resource(page, finding.resource, lines)


def _write_settling(page: Page, item: Settlement) -> None:
    page.line(f"{wording.would_pass(item)}:", indent=6)
    page.row([("        " + json_bytes(item.exemption).decode(), Paint.NONE)])  # not wrapped: it is there to be copied
    if item.allow is not None:
        page.line(f"{wording.or_listed(item.allow)}:", indent=6)
        page.row([("        " + json_bytes(item.allow.value).decode(), Paint.NONE)])


def _write_resource(page: Page, resource: ResourceRef, lines: Iterable[str]) -> None:
    page.line(resource.name or resource.id, indent=4, paint=Paint.BOLD)
    for line in lines:
        page.line(line, indent=6)
    page.line(f"{resource.type} {resource.id}", indent=6, paint=Paint.DIM)


def _write_more(page: Page, total: int) -> None:
    limit = _limit(page.style)
    if limit is not None and total > limit:
        page.line(f"and {total - limit} more: --verbose, a pipe or --output FILE shows all", indent=4)


def _write_not_evaluated(page: Page, report: Report) -> None:
    if not wording.unknown_rules(report):
        return
    page.line()
    page.line("this is not compliance", paint=Paint.BRIGHT_YELLOW, label="NOT EVALUATED")
    for obstacle, rules in obstacles(report).items():
        reason = f"{obstacle.type}: {obstacle.reason}{wording.needs(obstacle.permission)}"
        page.line(reason, indent=2, paint=Paint.YELLOW)
        for rule in rules:
            page.line(rule, indent=4)
    numbers = {result.rule.id: result.not_evaluated for result in report.rules}
    for rule, items in groupby(report.not_evaluated, key=_rule_of):
        if numbers[rule]:
            _write_unknown_resources(page, rule, numbers[rule], items)


def _write_unknown_resources(page: Page, rule: str, number: int, items: Iterable[NotEvaluated]) -> None:
    page.line(f"{rule}: {count(number, 'resource')}", indent=2, paint=Paint.YELLOW)
    unknown = (
        (item.resource, item.reason + wording.needs(item.permission)) for item in items if item.resource is not None
    )
    for resource, reason in islice(unknown, _limit(page.style)):
        _write_resource(page, resource, [reason])
    _write_more(page, number)


def _write_exceptions(page: Page, report: Report) -> None:
    if not any(result.exempt or result.known for result in report.rules):
        return
    page.line()
    page.line("not counted as findings", paint=Paint.BOLD, label="EXEMPT AND KNOWN")
    for exemption, number in exemptions(report.findings):
        page.line(f"{exemption.rule}: {count(number, 'finding')} exempt", indent=2)
        page.line(wording.exemption(exemption, report.scanned_at), indent=4)
    for result in report.rules:
        if result.known:
            page.line(f"{result.rule.id}: {count(result.known, 'finding')} known from the baseline", indent=2)


def _write_notices(page: Page, notices: Iterable[str]) -> None:
    for number, notice in enumerate(notices):
        if not number:
            page.line()
        page.line(notice, paint=Paint.YELLOW, label="NOTE")


def _write_end(page: Page, report: Report) -> None:
    numbers = Counter(result.verdict for result in report.rules)
    verdicts = ("fail", "not evaluated", "pass", "nothing to check")
    parts = ", ".join(f"{numbers[verdict]} {verdict}" for verdict in verdicts if numbers[verdict])
    page.line()
    page.line(f"{wording.rules(report)}: {parts}" if parts else "no rules")
    page.line(f"{wording.findings_by_severity(report.rules)}; {report.fail_on} or graver fails the scan")
    if not page.style.verbose and any(result.failed for result in report.rules):
        page.line("--verbose prints the lines to copy that would settle a finding: an exemption, or an entry of a list")
    page.line(_ending(report, page.style))


def _ending(report: Report, style: Style) -> str:
    own = ExitStatus(report.exit_status)
    if style.exit_status in (None, own):
        return f"exit status {own}: {own.meaning}"
    why = f"no finding may fail this run; without --exit-zero it is {own}, as {own.meaning}"
    if style.exit_status is not ExitStatus.COMPLIANT:
        why = f"{style.exit_status.meaning}; {why}"
    return f"exit status {style.exit_status}: {why}"
