"""The report as a table: CSV (RFC 4180), one row a finding and one for each thing that was not evaluated.

Before them, one for the configuration and for each thing that it, the environment or the flags changed, and one for
each notice.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from tokenguard.configured import in_words
from tokenguard.excerpts import shown
from tokenguard.hookspecs import Style
from tokenguard.model import Finding, NotEvaluated, Report, ResourceRef
from tokenguard.reporters import wording
from tokenguard.untrusted import visible

COLUMNS = (
    "status",
    "severity",
    "rule",
    "resourceType",
    "resourceId",
    "resourceName",
    "message",
    "observed",
    "expected",
    "reason",
    "owner",
    "expires",
    "fingerprint",
    "tenant",
    "scannedAt",
)
_FORMULA = re.compile(r"(^|;)(?=\s*[=+\-@＝＋－＠])")  # noqa: RUF001  (full-width: some spreadsheets take them for plain)


class CsvReporter:
    """Reporter of the format ``csv``."""

    format = "csv"
    title = "CSV, for spreadsheets"

    def write(self, report: Report, out: BinaryIO, style: Style) -> None:  # noqa: ARG002  (the same everywhere)
        text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
        try:
            rows = csv.writer(text, quoting=csv.QUOTE_ALL)
            rows.writerow(COLUMNS)
            for row in _rows(report):
                rows.writerow([_cell(row.get(column, "")) for column in COLUMNS])
        finally:
            text.detach()  # leaves `out` open


def _rows(report: Report) -> Iterator[dict[str, str]]:
    always = {"tenant": report.header.tenant.id, "scannedAt": report.scanned_at.isoformat()}
    yield from (always | {"status": "configured", "message": line} for line in in_words(report.configured))
    yield from (always | {"status": "notice", "message": notice} for notice in report.notices)
    severities = {result.rule.id: str(result.rule.severity) for result in report.rules}
    yield from (always | _finding(item) for item in report.findings)
    yield from (always | _not_evaluated(item, severities[item.rule]) for item in report.not_evaluated)


def _finding(finding: Finding) -> dict[str, str]:
    row = {
        "status": str(finding.status),
        "severity": str(finding.severity),
        "rule": finding.rule,
        **_resource(finding.resource),
        "message": finding.message,
        "observed": _json({each.path: each.observed for each in finding.violations}),
        "expected": _json({each.path: {each.keyword: shown(each.expected)} for each in finding.violations}),
        "fingerprint": finding.fingerprint,
    }
    if exemption := finding.exemption:
        row |= {"reason": exemption.reason, "owner": exemption.owner, "expires": exemption.expires.isoformat()}
    return row


def _not_evaluated(item: NotEvaluated, severity: str) -> dict[str, str]:
    return {
        "status": "not-evaluated",
        "severity": severity,
        "rule": item.rule,
        **({} if item.resource is None else _resource(item.resource)),
        "reason": item.reason + wording.needs(item.permission),
    }


def _resource(resource: ResourceRef) -> dict[str, str]:
    return {"resourceType": resource.type, "resourceId": resource.id, "resourceName": resource.name}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _cell(text: str) -> str:
    """`text` so that no spreadsheet takes it for a formula: an apostrophe before it says that it is text.

    A semicolon begins a cell where that is the separator of the spreadsheet's country, whatever quotes stand around it.
    Tabs and line ends, which can hide a formula behind them, are visible escapes. Source: OWASP, "CSV Injection".
    """
    return _FORMULA.sub(r"\1'", visible(text))
