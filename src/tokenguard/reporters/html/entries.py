"""Findings, and resources that could not be judged, as the data that the page's script lists them from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from tokenguard.judging.settling import settlement
from tokenguard.model import Finding, FindingStatus, NotEvaluated, Report, ResourceRef, Rule, fingerprint
from tokenguard.reporters import wording
from tokenguard.untrusted import json_bytes, visible

HELD = 20_000
"""Findings that a page holds, and as many resources that could not be judged: some 12 MB of each."""

NOT_EVALUATED = "not evaluated"
STATUS = {FindingStatus.NEW: "finding", FindingStatus.EXEMPT: "exempt", FindingStatus.BASELINE: "known"}


def rules(report: Report) -> Iterator[str]:
    """The rules, likewise: entries name theirs by its place in this list."""
    for result in report.rules:
        rule = result.rule
        yield _line({"id": rule.id, "severity": str(rule.severity), "rank": int(rule.severity)})


def lines(report: Report) -> Iterator[str]:
    """One JSON object each, safe within a `script` element: no ``<`` is left that could end it."""
    places = {result.rule.id: place for place, result in enumerate(report.rules)}
    tenant = report.header.tenant.id
    for finding in islice(report.findings, HELD):
        yield _line(_finding(finding, places[finding.rule], report))
    unjudged = ((item, item.resource) for item in report.not_evaluated if item.resource is not None)
    for item, resource in islice(unjudged, HELD):
        yield _line(_not_evaluated(item, resource, places[item.rule], tenant))


def left_out(report: Report) -> int:
    """How many findings and unjudged resources the page does not hold."""
    unjudged = sum(result.not_evaluated for result in report.rules)
    return max(len(report.findings) - HELD, 0) + max(unjudged - HELD, 0)


def _finding(finding: Finding, place: int, report: Report) -> dict[str, Any]:
    return {
        "rule": place,
        "status": STATUS[finding.status],
        **_resource(finding.resource),
        "message": finding.message,
        "evidence": list(map(wording.evidence, finding.violations)),
        "exemption": _exemption(finding, report.scanned_at),
        "settling": _settling(finding, report.rules[place].rule, report.scanned_at),
        "fingerprint": finding.fingerprint,
    }


def _exemption(finding: Finding, now: datetime) -> str:
    if finding.exemption is None:
        return ""
    what = "Exempt" if finding.status is FindingStatus.EXEMPT else "Judged by an exemption"
    return f"{what}: {wording.exemption(finding.exemption, now)}"


def _settling(finding: Finding, rule: Rule, now: datetime) -> list[str]:
    """What would let a finding that counts pass: words, then lines to copy, by turns."""
    if finding.status is not FindingStatus.NEW:
        return []
    item = settlement(finding, rule, now.date())
    parts = [wording.would_pass(item), json_bytes(item.exemption).decode()]
    if item.allow is not None:
        parts += [wording.or_listed(item.allow), json_bytes(item.allow.value).decode()]
    return parts


def _not_evaluated(item: NotEvaluated, resource: ResourceRef, place: int, tenant: str) -> dict[str, Any]:
    return {
        "rule": place,
        "status": NOT_EVALUATED,
        **_resource(resource),
        "message": item.reason + wording.needs(item.permission),
        "evidence": [],
        "exemption": "",
        "settling": [],
        "fingerprint": fingerprint(item.rule, tenant, resource.type, resource.id),
    }


def _resource(resource: ResourceRef) -> dict[str, str]:
    return {"type": resource.type, "id": resource.id, "name": resource.name or resource.id}


def _line(value: Any) -> str:
    return json_bytes(_visible(value)).decode().replace("<", "\\u003c")


def _visible(value: Any) -> Any:
    match value:
        case str():
            return visible(value)
        case dict():
            return {name: _visible(item) for name, item in value.items()}
        case list() | tuple():
            return [_visible(item) for item in value]
        case _:
            return value
