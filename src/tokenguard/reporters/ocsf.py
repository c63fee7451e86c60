"""The report for security data lakes: Compliance Findings of the Open Cybersecurity Schema Framework, one a line.

An event for each finding (status Fail), for each thing that was not evaluated (Warning, which OCSF says of a check that
"did not yield a result due to missing information"), and for each rule that everything passes (Pass). Before them, one
that says what took part beside the defaults, if anything did, and one for each notice (Other, whose meaning OCSF leaves
to the source).

Source: OCSF 1.5.0, class ``compliance_finding`` with the profile ``cloud``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from tokenguard import __version__
from tokenguard.configured import in_words
from tokenguard.encoding import finding_to_dict
from tokenguard.excerpts import shown
from tokenguard.hookspecs import Style
from tokenguard.model import (
    Finding,
    FindingStatus,
    NotEvaluated,
    Report,
    ResourceRef,
    Rule,
    RuleResult,
    Severity,
    fingerprint,
)
from tokenguard.reporters import wording
from tokenguard.rules.messages import count
from tokenguard.untrusted import json_bytes, visible

VERSION = "1.5.0"
CLASS = 2003
_CREATE = 1
_SEVERITIES = {
    Severity.INFO: (1, "Informational"),
    Severity.LOW: (2, "Low"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.HIGH: (4, "High"),
    Severity.CRITICAL: (5, "Critical"),
}
_PASS, _WARNING, _FAIL, _OTHER = (1, "Pass"), (2, "Warning"), (3, "Fail"), (99, "Other")
_CONFIGURATION = Rule(
    id="tokenguard-configuration", title="By what tokenguard judged", severity=Severity.INFO, resource="", require={}
)
"""No rule, but what stands in the place of one in an event that tells of none."""
_NOTICE = Rule(
    id="tokenguard-notice", title="What to know of this verdict", severity=Severity.INFO, resource="", require={}
)
"""Likewise."""
_NEW, _SUPPRESSED = (1, "New"), (3, "Suppressed")


class OcsfReporter:
    """Reporter of the format ``ocsf``."""

    format = "ocsf"
    title = f"OCSF {VERSION} Compliance Findings, JSON Lines, for security data lakes"

    def write(self, report: Report, out: BinaryIO, style: Style) -> None:  # noqa: ARG002  (the same everywhere)
        out.writelines(json_bytes(event) + b"\n" for event in _events(report))


def _events(report: Report) -> Iterator[dict[str, Any]]:
    rules = {result.rule.id: result.rule for result in report.rules}
    if lines := in_words(report.configured):
        yield _told(report, _CONFIGURATION, "; ".join(lines), lines)
    yield from (_told(report, _NOTICE, notice, [notice], visible(notice)) for notice in report.notices)
    yield from (_failed(report, rules[item.rule], item) for item in report.findings)
    yield from (_unknown(report, rules[item.rule], item) for item in report.not_evaluated)
    yield from (_passed(report, result) for result in report.rules if result.verdict == "pass")


def _told(report: Report, control: Rule, message: str, details: list[str], subject: str = "") -> dict[str, Any]:
    """An event that tells of no rule; `subject` tells those of one `control` apart."""
    return {
        **_event(report, control, message, Severity.INFO),
        "compliance": _compliance(control, _OTHER, details),
        "finding_info": _info(control, fingerprint(control.id, report.header.tenant.id, control.resource, subject)),
    }


def _failed(report: Report, rule: Rule, finding: Finding) -> dict[str, Any]:
    status_id, status = _NEW if finding.status is FindingStatus.NEW else _SUPPRESSED
    details = [wording.violation(each) for each in finding.violations]
    if finding.exemption is not None:
        details.append(wording.exemption(finding.exemption, report.scanned_at))
    return {
        **_event(report, rule, finding.message, rule.severity),
        "status_id": status_id,
        "status": status,
        "compliance": _compliance(rule, _FAIL, details),
        "finding_info": _info(rule, finding.fingerprint),
        "resources": [_resource(finding.resource) | {"data": {"violations": finding_to_dict(finding)["violations"]}}],
        **_remediation(rule),
    }


def _unknown(report: Report, rule: Rule, item: NotEvaluated) -> dict[str, Any]:
    reason = item.reason + wording.needs(item.permission)
    about = {} if item.resource is None else {"resources": [_resource(item.resource)]}
    status_id, status = _NEW
    return {
        **_event(report, rule, f"Not evaluated: {reason}", rule.severity),
        "status_id": status_id,
        "status": status,
        "compliance": _compliance(rule, _WARNING, [reason]),
        "finding_info": _info(rule, _identity(report, rule, item.resource)),
        **about,
    }


def _passed(report: Report, result: RuleResult) -> dict[str, Any]:
    rule = result.rule
    says = f"{count(result.passed, 'resource')} without a finding"
    return {
        **_event(report, rule, says, Severity.INFO),
        "compliance": _compliance(rule, _PASS, [says]),
        "finding_info": _info(rule, _identity(report, rule, None)),
    }


def _event(report: Report, rule: Rule, message: str, severity: Severity) -> dict[str, Any]:
    severity_id, caption = _SEVERITIES[severity]
    tenant = report.header.tenant
    names = {"uid": tenant.id, "name": tenant.name}
    account = {name: value for name, value in names.items() if value}
    return {
        "class_uid": CLASS,
        "class_name": "Compliance Finding",
        "category_uid": CLASS // 1000,
        "category_name": "Findings",
        "activity_id": _CREATE,
        "activity_name": "Create",
        "type_uid": CLASS * 100 + _CREATE,
        "type_name": "Compliance Finding: Create",
        "time": int(report.scanned_at.timestamp() * 1000),
        "severity_id": severity_id,
        "severity": caption,
        "message": message,
        "metadata": {
            "version": VERSION,
            "profiles": ["cloud"],
            "product": {"name": "tokenguard", "vendor_name": "tokenguard", "version": __version__},
            "event_code": rule.id,
        },
        "cloud": {"provider": "Microsoft Entra", **({"account": account} if account else {})},
    }


def _compliance(rule: Rule, status: tuple[int, str], details: list[str]) -> dict[str, Any]:
    return {
        "control": rule.id,
        "status_id": status[0],
        "status": status[1],
        "status_details": details,
        "standards": list(rule.frameworks),
        "requirements": [f"{name} {id_}" for name, ids in rule.frameworks.items() for id_ in ids],
        "control_parameters": [
            {"name": name, "value": json.dumps(shown(parameter.value))} for name, parameter in rule.parameters.items()
        ],
    }


def _info(rule: Rule, uid: str) -> dict[str, Any]:
    return {
        "uid": uid,
        "title": rule.title,
        "desc": rule.rationale or rule.title,
        "analytic": {"type_id": 1, "type": "Rule", "uid": rule.id, "name": rule.title},
    }


def _identity(report: Report, rule: Rule, resource: ResourceRef | None) -> str:
    return fingerprint(rule.id, report.header.tenant.id, rule.resource, "" if resource is None else resource.id)


def _resource(resource: ResourceRef) -> dict[str, Any]:
    return {"uid": resource.id, "name": resource.name, "type": resource.type}


def _remediation(rule: Rule) -> Mapping[str, Any]:
    if rule.remediation is None:
        return {}
    how = wording.remediation(rule.remediation, rule.resource)
    return {"remediation": {"desc": how, "references": list(rule.references)}}
