"""The report for programs: everything that a scan concluded, after ``schemas/report.schema.json``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from tokenguard.encoding import finding_to_dict, lifetimes_to_dict, not_evaluated_to_dict, settlement_to_dict
from tokenguard.hookspecs import Style
from tokenguard.model import FindingStatus, Header, Remediation, Report, RuleResult, TypeSummary
from tokenguard.reporters.streaming import write_json
from tokenguard.settling import settlement

KIND = "tokenguard-report"
FORMAT_VERSION = 1
"""Grows when a reader of an older version could misunderstand; new keys alone do not change it."""


class JsonReporter:
    """Reporter of the format ``json``."""

    format = "json"
    title = "JSON after a schema of our own: complete, for programs"

    def write(self, report: Report, out: BinaryIO, style: Style) -> None:  # noqa: ARG002  (the same everywhere)
        write_json(
            {
                "kind": KIND,
                "formatVersion": FORMAT_VERSION,
                "source": report.source,
                "scannedAt": report.scanned_at.isoformat(),
                "failOn": str(report.fail_on),
                "exitStatus": report.exit_status,
                "header": _header(report.header),
                "types": map(_type, report.types.values()),
                "notices": iter(report.notices),
                "rules": map(_rule, report.rules),
                "findings": _findings(report),
                "notEvaluated": map(not_evaluated_to_dict, report.not_evaluated),
                "lifetimes": map(lifetimes_to_dict, report.lifetimes),
            },
            out,
        )


def _findings(report: Report) -> Iterator[dict[str, Any]]:
    """Those that count with what would settle them."""
    rules = {result.rule.id: result.rule for result in report.rules}
    today = report.scanned_at.date()
    for finding in report.findings:
        document = finding_to_dict(finding)
        if finding.status is FindingStatus.NEW:
            document["wouldPassIf"] = settlement_to_dict(settlement(finding, rules[finding.rule], today))
        yield document


def _header(header: Header) -> dict[str, Any]:
    return {
        "tenant": {"id": header.tenant.id, "name": header.tenant.name},
        "cloud": header.cloud,
        "collectedAt": header.collected_at.isoformat(),
        "producer": header.producer,
        "plugins": list(header.plugins),
        "permissions": None if header.permissions is None else list(header.permissions),
        "precedence": str(header.precedence),
    }


def _type(summary: TypeSummary) -> dict[str, Any]:
    return {
        "type": summary.type,
        "count": summary.count,
        "scope": None if summary.scope is None else sorted(summary.scope),
        "failures": [{"reason": each.reason, "permission": each.permission} for each in summary.failures],
    }


def _rule(result: RuleResult) -> dict[str, Any]:
    rule = result.rule
    return {
        "id": rule.id,
        "title": rule.title,
        "severity": str(rule.severity),
        "resource": rule.resource,
        "verdict": result.verdict,
        "selected": result.selected,
        "failed": result.failed,
        "exempt": result.exempt,
        "known": result.known,
        "notEvaluated": result.not_evaluated,
        "passed": result.passed,
        "incomplete": list(result.incomplete),
        "parameters": {
            name: {"title": parameter.title, "keyword": parameter.keyword, "value": parameter.value}
            for name, parameter in rule.parameters.items()
        },
        "rationale": rule.rationale,
        "references": list(rule.references),
        "frameworks": {name: list(ids) for name, ids in rule.frameworks.items()},
        "remediation": None if rule.remediation is None else _remediation(rule.remediation),
        "digest": rule.digest,
        "source": rule.source,
    }


def _remediation(remediation: Remediation) -> dict[str, Any]:
    return {
        "safety": str(remediation.safety),
        "set": None if remediation.set is None else dict(remediation.set),
        "remove": remediation.remove,
        "guidance": remediation.guidance,
    }
