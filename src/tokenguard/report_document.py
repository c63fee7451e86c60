"""What a report says beside its findings, as plain JSON values after ``schemas/report.schema.json``, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokenguard.encoding import moment_from_text
from tokenguard.excerpts import is_excerpt, shown
from tokenguard.model import (
    CollectionFailure,
    Configured,
    Header,
    Origin,
    Parameter,
    Precedence,
    Remediation,
    Rule,
    RuleResult,
    Safety,
    Setting,
    Severity,
    Tenant,
    TypeSummary,
    UsedFile,
)
from tokenguard.rules.parameters import read_parameter

KIND = "tokenguard-report"
FORMAT_VERSION = 1
"""Grows when a reader of an older version could misunderstand; new keys alone do not change it."""


def header_to_dict(header: Header) -> dict[str, Any]:
    """Without the names of the properties, which only a snapshot needs."""
    return {
        "tenant": {"id": header.tenant.id, "name": header.tenant.name},
        "cloud": header.cloud,
        "collectedAt": header.collected_at.isoformat(),
        "dated": header.dated,
        "producer": header.producer,
        "plugins": list(header.plugins),
        "permissions": None if header.permissions is None else list(header.permissions),
        "precedence": str(header.precedence),
    }


def header_from_dict(data: Mapping[str, Any]) -> Header:
    """The inverse of `header_to_dict`."""
    return Header(
        tenant=Tenant(data["tenant"]["id"], data["tenant"]["name"]),
        cloud=data["cloud"],
        collected_at=moment_from_text(data["collectedAt"]),
        producer=data["producer"],
        plugins=tuple(data["plugins"]),
        permissions=None if data["permissions"] is None else tuple(data["permissions"]),
        precedence=Precedence(data["precedence"]),
        dated=data.get("dated", True),
    )


def configured_to_dict(configured: Configured) -> dict[str, Any]:
    """`configuration` is null where there was none; keys of a setting that say nothing are empty."""
    return {
        "configuration": _file_to_dict(configured.file),
        "settings": [
            {
                "origin": str(each.origin),
                "name": each.name,
                "rule": each.rule,
                "parameter": each.parameter,
                "value": each.value,
                "own": each.own,
                "file": _file_to_dict(each.file),
            }
            for each in configured.settings
        ],
    }


def configured_from_dict(data: Mapping[str, Any]) -> Configured:
    """The inverse of `configured_to_dict`."""
    return Configured(
        _file_from_dict(data["configuration"]),
        tuple(
            Setting(
                Origin(each["origin"]),
                each["name"],
                each["rule"],
                each["parameter"],
                each["value"],
                each["own"],
                _file_from_dict(each["file"]),
            )
            for each in data["settings"]
        ),
    )


def _file_to_dict(file: UsedFile | None) -> dict[str, str] | None:
    return None if file is None else {"path": file.path, "sha256": file.digest}


def _file_from_dict(data: Mapping[str, str] | None) -> UsedFile | None:
    return None if data is None else UsedFile(data["path"], data["sha256"])


def type_to_dict(summary: TypeSummary) -> dict[str, Any]:
    """`scope` is null where all objects were asked for."""
    return {
        "type": summary.type,
        "count": summary.count,
        "scope": summary.scope_excerpt or (None if summary.scope is None else shown(sorted(summary.scope))),
        "failures": [{"reason": each.reason, "permission": each.permission} for each in summary.failures],
    }


def type_from_dict(data: Mapping[str, Any]) -> TypeSummary:
    """The inverse of `type_to_dict`."""
    scope = data["scope"]
    return TypeSummary(
        data["type"],
        data["count"],
        tuple(CollectionFailure(data["type"], each["reason"], each["permission"]) for each in data["failures"]),
        None if scope is None else frozenset(scope["first"] if is_excerpt(scope) else scope),
        scope if is_excerpt(scope) else None,
    )


def rule_to_dict(result: RuleResult) -> dict[str, Any]:
    """What the rule is, but for its conditions, and what it said."""
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
            name: {
                "title": parameter.title,
                "keyword": parameter.keyword,
                "value": shown(parameter.value),
                **({"selects": True} if name in rule.selecting else {}),
            }
            for name, parameter in rule.parameters.items()
        },
        "rationale": rule.rationale,
        "references": list(rule.references),
        "frameworks": {name: list(ids) for name, ids in rule.frameworks.items()},
        "remediation": None if rule.remediation is None else _remediation_to_dict(rule.remediation),
        "digest": rule.digest,
        "source": rule.source,
    }


def rule_from_dict(data: Mapping[str, Any]) -> RuleResult:
    """The inverse of `rule_to_dict`. The rule cannot judge: its condition is lost, and demands nothing.

    Raises `KeyError`, `ValueError` or `TokenguardError` for a parameter that no rule can have.
    """
    rule = Rule(
        id=data["id"],
        title=data["title"],
        severity=Severity[data["severity"].upper()],
        resource=data["resource"],
        require={},
        parameters={name: _parameter(name, each) for name, each in data["parameters"].items()},
        selecting=frozenset(name for name, each in data["parameters"].items() if each.get("selects")),
        rationale=data["rationale"],
        references=tuple(data["references"]),
        frameworks={name: tuple(ids) for name, ids in data["frameworks"].items()},
        remediation=None if data["remediation"] is None else _remediation_from_dict(data["remediation"]),
        digest=data["digest"],
        source=data["source"],
    )
    return RuleResult(
        rule=rule,
        selected=data["selected"],
        failed=data["failed"],
        exempt=data["exempt"],
        known=data["known"],
        not_evaluated=data["notEvaluated"],
        incomplete=tuple(data["incomplete"]),
    )


def _parameter(name: str, data: Mapping[str, Any]) -> Parameter:
    return read_parameter(name, {"title": data["title"], data["keyword"]: data["value"]})


def _remediation_to_dict(remediation: Remediation) -> dict[str, Any]:
    return {
        "safety": str(remediation.safety),
        "set": None if remediation.set is None else shown(dict(remediation.set)),
        "remove": remediation.remove,
        "guidance": remediation.guidance,
    }


def _remediation_from_dict(data: Mapping[str, Any]) -> Remediation:
    return Remediation(Safety(data["safety"]), data["set"], data["remove"], data["guidance"])
