"""The report as Markdown, for the summary of a CI job, a pull request or a wiki.

Whatever comes from the tenant or from a rule is escaped, so that it shows what it is and does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC
from itertools import groupby
from typing import BinaryIO

from tokenguard.configured import in_words
from tokenguard.hookspecs import Style
from tokenguard.judging.settling import Settlement, settlement
from tokenguard.model import Finding, FindingStatus, Report, RuleResult
from tokenguard.reporters import wording
from tokenguard.reporters.conclusions import exemptions, obstacles, verdict
from tokenguard.rules.messages import count
from tokenguard.untrusted import json_bytes, markdown


class MarkdownReporter:
    """Reporter of the format ``markdown``."""

    format = "markdown"
    title = "GitHub-flavoured Markdown, for job summaries and pull requests"

    def write(self, report: Report, out: BinaryIO, style: Style) -> None:  # noqa: ARG002  (the same everywhere)
        out.writelines(block.encode() for block in blocks(report))


def blocks(report: Report) -> Iterator[str]:
    """The report in pieces that end with a line; it may be cut off after any of them, so what is short comes first."""
    yield from _head(report)
    yield from _table(report.rules)
    yield from _not_evaluated(report)
    yield from (f"\n> {markdown(notice)}\n" for notice in wording.notices(report))
    results = {result.rule.id: result for result in report.rules}
    for rule, findings in groupby(report.findings, key=lambda finding: finding.rule):
        if results[rule].failed:
            yield from _rule(results[rule], findings, report)
    yield from _unjudged(report)
    yield from _exceptions(report)


def _head(report: Report) -> Iterator[str]:
    name = markdown(f"Tenant: {wording.tenant(report.header.tenant)}")
    collected = f"{report.header.collected_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    yield f"# tokenguard: {verdict(report)}\n\n{name}\n\n"
    yield f"{wording.conclusion(report)}.\n"
    yield f"Read from {markdown(report.source)}, collected {collected} by {markdown(report.header.producer)}.\n"
    lines = in_words(report.configured)
    yield "".join(f"{'' if number else chr(10)}- {markdown(line)}\n" for number, line in enumerate(lines))


def _table(results: Iterable[RuleResult]) -> Iterator[str]:
    yield "\n| rule | severity | fail | exempt | known | not evaluated | pass |\n|---|---|--:|--:|--:|--:|--:|\n"
    for result in results:
        unknown = "**rest**" if result.incomplete else str(result.not_evaluated)
        numbers = [str(result.failed), str(result.exempt), str(result.known), unknown, str(result.passed)]
        yield f"| {markdown(result.rule.id)} | {result.rule.severity} | {' | '.join(numbers)} |\n"


def _rule(result: RuleResult, findings: Iterable[Finding], report: Report) -> Iterator[str]:
    rule = result.rule
    found = count(result.failed, "finding")
    yield f"\n## {str(rule.severity).upper()}: {markdown(rule.title)}\n\n{markdown(rule.id)}: {found}.\n"
    if rule.remediation is not None:
        how = markdown(wording.remediation(rule.remediation, rule.resource))
        yield f"\nHow to fix ({rule.remediation.safety}): {how}\n"
    yield "".join(f"\n<{address}>\n" for address in wording.addresses(rule))
    for finding in findings:
        if finding.status is FindingStatus.NEW:
            yield _finding(finding) + _settling(settlement(finding, rule, report.scanned_at.date()))


def _finding(finding: Finding) -> str:
    resource = finding.resource
    lines = [finding.message, *map(wording.violation, finding.violations), f"{resource.type} {resource.id}"]
    body = "\\\n  ".join(map(markdown, lines))
    return f"\n- **{markdown(resource.name or resource.id)}**: {body}\n"


def _settling(item: Settlement) -> str:
    """As JSON in a fence, on one line: no line of it can end the fence."""
    entry = json_bytes(item.exemption).decode()
    title = wording.would_pass(item)
    text = f"\n  <details><summary>{title}</summary>\n\n  ```json\n  {entry}\n  ```\n"
    if item.allow is not None:
        value = json_bytes(item.allow.value).decode()
        text += f"\n  {markdown(wording.or_listed(item.allow))}\n\n  ```json\n  {value}\n  ```\n"
    return f"{text}\n  </details>\n"


def _not_evaluated(report: Report) -> Iterator[str]:
    if not wording.unknown_rules(report):
        return
    yield "\n## Not evaluated: this is not compliance\n\n"
    for obstacle, rules in obstacles(report).items():
        about = f"{obstacle.type}: {obstacle.reason}{wording.needs(obstacle.permission)}"
        yield f"- {markdown(about)}\\\n  {markdown(', '.join(rules))}\n"
    if number := sum(result.not_evaluated for result in report.rules):
        yield f"- {count(number, 'verdict')} on single resources, listed below\n"


def _unjudged(report: Report) -> Iterator[str]:
    if any(result.not_evaluated for result in report.rules):
        yield "\n## Single resources that could not be judged\n\n"
    for item in report.not_evaluated:
        if item.resource is not None:
            reason = item.reason + wording.needs(item.permission)
            yield f"- {markdown(item.rule)}: {markdown(wording.resource(item.resource))}\\\n  {markdown(reason)}\n"


def _exceptions(report: Report) -> Iterator[str]:
    if not any(result.exempt or result.known for result in report.rules):
        return
    yield "\n## Exempt and known: not counted as findings\n\n"
    for exemption, number in exemptions(report.findings):
        about = f"{exemption.rule}: {count(number, 'finding')} exempt"
        yield f"- {markdown(about)}\\\n  {markdown(wording.exemption(exemption, report.scanned_at))}\n"
    for result in report.rules:
        if result.known:
            known = count(result.known, "finding")
            yield f"- {markdown(result.rule.id)}: {known} known from the baseline\n"
