"""Baselines: findings that are known, so that only what is new, or has changed, counts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokenguard.documents import Withheld, parse_document
from tokenguard.errors import DocumentError, UsageError
from tokenguard.judging.engine import document_mistakes
from tokenguard.model import FindingStatus, Report, Tenant, Violation
from tokenguard.rules.mistakes import keys_of, withheld
from tokenguard.schemas import schema

VERSION = 1
"""Of the format."""


@dataclass(frozen=True, slots=True)
class Known:
    """A finding as it stood when the baseline was made."""

    rule: str
    values: str
    """The observed values by path, as `canonical` has them."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The known findings of one tenant, by fingerprint."""

    tenant: str
    """Lower case."""
    findings: Mapping[str, Known]
    source: str = ""

    def knows(self, fingerprint: str, violations: Sequence[Violation]) -> bool:
        """Whether the finding is known, and with the same observed values."""
        known = self.findings.get(fingerprint)
        return known is not None and known.values == canonical(observed_values(violations))

    def check_tenant(self, tenant: Tenant) -> None:
        """Raise `UsageError` unless this is a baseline of `tenant`."""
        if not tenant.id or self.tenant != tenant.id.lower():
            raise UsageError(
                f"{self.source}: a baseline of another tenant than the scanned {tenant.id or 'one, which is unknown'}",
                "a baseline serves only the tenant it was made of; make one of this tenant",
            )


def parse_baseline(data: bytes, source: str) -> Baseline:
    """Read a baseline file. Raises `DocumentError` with every mistake in it, and nothing of what it holds."""
    data = Withheld(data)
    document = parse_document(data, source)
    mistakes = document_mistakes(schema("baseline"), document)
    if mistakes:
        lines = "\n  ".join(map(str, withheld(mistakes, data, keys_of(schema("baseline")))))
        raise DocumentError(f"{source}: not a baseline:\n  {lines}", "make it anew from a scan")
    findings = {
        fingerprint: Known(entry["rule"], canonical(entry["values"]))
        for fingerprint, entry in document["findings"].items()
    }
    return Baseline(document["tenant"].lower(), findings, source)


def baseline_document(report: Report) -> dict[str, Any]:
    """A baseline of what `report` found: all findings that are not exempt. Raises `UsageError` for no known tenant."""
    if not report.header.tenant.id:
        raise UsageError(f"a baseline of {report.source}: which tenant it is of is not known", "collect it anew")
    return {
        "version": VERSION,
        "tenant": report.header.tenant.id,
        "created": report.scanned_at.isoformat(),
        "findings": {
            finding.fingerprint: {
                "rule": finding.rule,
                "resource": finding.resource.name,
                "values": observed_values(finding.violations),
            }
            for finding in report.findings
            if finding.status is not FindingStatus.EXEMPT
        },
    }


def observed_values(violations: Sequence[Violation]) -> dict[str, Any]:
    """What was observed, by path; of what may have several values for all that is known, all of them in one list."""
    observed: dict[str, list[Any]] = {}
    for violation in violations:
        values = observed.setdefault(violation.path, [])
        if violation.observed not in values:
            values.append(violation.observed)
    return {path: values if len(values) > 1 else values[0] for path, values in observed.items()}


def canonical(values: Mapping[str, Any]) -> str:
    """Equal for equal values, of which ``true`` is not 1."""
    return json.dumps(values, sort_keys=True)
