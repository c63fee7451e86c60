"""The report for code scanning: SARIF 2.1.0, in the subset that GitHub reads.

Exempt and known findings are suppressed results. GitHub does not read suppressions and shows such results as open; an
action such as ``advanced-security/dismiss-alerts`` does. What was not evaluated is a notification of the tool.

Sources: OASIS SARIF 2.1.0 with errata 01; GitHub Docs, "SARIF support for code scanning".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from itertools import chain
from typing import Any, BinaryIO
from urllib.parse import quote

import tokenguard
from tokenguard import __version__
from tokenguard.configured import in_words
from tokenguard.encoding import finding_to_dict
from tokenguard.exit_status import ExitStatus
from tokenguard.hookspecs import Style
from tokenguard.model import Finding, FindingStatus, NotEvaluated, Report, ResourceRef
from tokenguard.reporters import wording
from tokenguard.reporters.sarif_rules import LEVELS, descriptor, message
from tokenguard.reporters.streaming import write_json
from tokenguard.untrusted import visible

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


class SarifReporter:
    """Reporter of the format ``sarif``."""

    format = "sarif"
    title = "SARIF 2.1.0, for GitHub code scanning and other viewers"

    def write(self, report: Report, out: BinaryIO, style: Style) -> None:  # noqa: ARG002  (the same everywhere)
        write_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report)]}, out)


def _run(report: Report) -> dict[str, Any]:
    indices = {result.rule.id: index for index, result in enumerate(report.rules)}
    return {
        "tool": {
            "driver": {
                "name": "tokenguard",
                "semanticVersion": __version__,
                **({"informationUri": tokenguard.ADDRESS} if tokenguard.ADDRESS else {}),
                "rules": (descriptor(result.rule) for result in report.rules),
                "notifications": [{"id": "not-evaluated", "shortDescription": message("Not evaluated")}],
            }
        },
        # GitHub keeps the results of one such category apart from those of others: a tenant each.
        "automationDetails": {"id": f"tokenguard/{quote(report.header.tenant.id, safe='')}/"},
        "invocations": [_invocation(report, indices)],
        "results": (_result(finding, indices) for finding in report.findings),
    }


def _invocation(report: Report, indices: Mapping[str, int]) -> dict[str, Any]:
    return {
        "executionSuccessful": not wording.unknown_rules(report),
        "exitCode": report.exit_status,
        "exitCodeDescription": f"{ExitStatus(report.exit_status).meaning}; {wording.age(report)}",
        "endTimeUtc": f"{report.scanned_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "toolExecutionNotifications": (_notification(item, indices) for item in report.not_evaluated),
        "toolConfigurationNotifications": chain(
            ({"level": "note", "message": message(line)} for line in in_words(report.configured)),
            ({"level": "warning", "message": message(notice)} for notice in report.notices),
        ),
    }


def _notification(item: NotEvaluated, indices: Mapping[str, int]) -> dict[str, Any]:
    """A rule that could not be judged at all is an error, a single resource a warning."""
    about = {} if item.resource is None else {"locations": [_location(item.resource)]}
    subject = "all resources" if item.resource is None else wording.resource(item.resource)
    return {
        "descriptor": {"id": "not-evaluated", "index": 0},
        "associatedRule": {"id": item.rule, "index": indices[item.rule]},
        "level": "error" if item.resource is None else "warning",
        "message": message(f"Not evaluated: {subject}: {item.reason}{wording.needs(item.permission)}"),
        **about,
    }


def _result(finding: Finding, indices: Mapping[str, int]) -> dict[str, Any]:
    return {
        "ruleId": finding.rule,
        "ruleIndex": indices[finding.rule],
        "level": LEVELS[finding.severity],
        "message": message(finding.message, *map(wording.violation, finding.violations)),
        "locations": [_location(finding.resource)],
        # GitHub reads the first name only. The value does not depend on what was observed.
        "partialFingerprints": {
            "primaryLocationLineHash": finding.fingerprint,
            "tokenguardFinding/v1": finding.fingerprint,
        },
        # Empty says "not suppressed"; left out in some results, it would say nothing about any (3.27.23).
        "suppressions": [] if finding.status is FindingStatus.NEW else [_suppression(finding)],
        "properties": {"violations": finding_to_dict(finding)["violations"]},
    }


def _suppression(finding: Finding) -> dict[str, Any]:
    exemption = finding.exemption
    if exemption is None:
        why = "known, with the same values, from the baseline"
    else:
        why = f"exempt until {exemption.expires}, owner {exemption.owner}: {exemption.reason}"
    return {"kind": "external", "status": "accepted", "justification": visible(why)}


def _location(resource: ResourceRef) -> dict[str, Any]:
    """A tenant has no files, and GitHub shows no result without one: name a path that stays the same across scans.

    The suffix also keeps an id such as ``..`` from climbing out of the folder.
    """
    path = "/".join(quote(part, safe="") for part in (resource.type, resource.id))
    return {
        "physicalLocation": {"artifactLocation": {"uri": f"entra/{path}.json"}, "region": {"startLine": 1}},
        "logicalLocations": [
            {
                "name": visible(resource.name or resource.id),
                "fullyQualifiedName": visible(f"{resource.type}/{resource.id}"),
                "kind": "resource",
            }
        ],
    }
