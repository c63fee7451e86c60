"""The report for programs: everything that a scan concluded, after ``schemas/report.schema.json``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from tokenguard.encoding import finding_to_dict, lifetimes_to_dict, not_evaluated_to_dict, settlement_to_dict
from tokenguard.hookspecs import Style
from tokenguard.judging.settling import settlement
from tokenguard.model import FindingStatus, Report
from tokenguard.report_document import (
    FORMAT_VERSION,
    KIND,
    configured_to_dict,
    header_to_dict,
    rule_to_dict,
    type_to_dict,
)
from tokenguard.reporters.streaming import write_json


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
                "header": header_to_dict(report.header),
                "configured": configured_to_dict(report.configured),
                "types": map(type_to_dict, report.types.values()),
                "notices": iter(report.notices),
                "rules": map(rule_to_dict, report.rules),
                "lifetimes": map(lifetimes_to_dict, report.lifetimes),
                "findings": _findings(report),
                "notEvaluated": map(not_evaluated_to_dict, report.not_evaluated),
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
