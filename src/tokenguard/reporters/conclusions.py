"""What a whole report comes to, the same in every format that people read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from tokenguard.model import Exemption, Finding, FindingStatus, Report
from tokenguard.reporters import wording


class Verdict(StrEnum):
    """In one word; what was found comes before what is not known, as in the exit status."""

    NOT_COMPLIANT = "NOT COMPLIANT"
    NOT_KNOWN = "COMPLIANCE NOT KNOWN"
    NOTHING = "NOTHING TO CHECK"
    COMPLIANT = "COMPLIANT"


def verdict(report: Report) -> Verdict:
    """Findings below the severity that fails the scan leave it compliant."""
    if any(result.failed and result.rule.severity >= report.fail_on for result in report.rules):
        return Verdict.NOT_COMPLIANT
    if wording.unknown_rules(report):
        return Verdict.NOT_KNOWN
    if not any(result.selected for result in report.rules):
        return Verdict.NOTHING
    return Verdict.COMPLIANT


class Obstacle(NamedTuple):
    """What keeps rules from being judged as a whole: often one thing for many."""

    type: str
    reason: str
    permission: str


def obstacles(report: Report) -> dict[Obstacle, list[str]]:
    """The ids of the rules that could not be judged as a whole, by what stood in the way."""
    types = {result.rule.id: result.rule.resource for result in report.rules}
    rules: dict[Obstacle, list[str]] = {}
    for item in report.not_evaluated:
        if item.resource is None:
            rules.setdefault(Obstacle(types[item.rule], item.reason, item.permission), []).append(item.rule)
    return rules


def exemptions(findings: Iterable[Finding]) -> Sequence[tuple[Exemption, int]]:
    """Each exemption that applied, with the number of findings that it covers."""
    numbers: Counter[tuple[str, str, str]] = Counter()
    applied = {}
    for exemption in (item.exemption for item in findings if item.status is FindingStatus.EXEMPT):
        if exemption is not None:
            key = (exemption.source, exemption.rule, exemption.resource)  # its parameters have no hash
            numbers[key] += 1
            applied[key] = exemption
    return [(exemption, numbers[key]) for key, exemption in applied.items()]
