"""The numbers of the first screen, from what each rule said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tokenguard.model import RuleResult, Severity

_TECHNIQUE = re.compile(r"T[0-9]{4}(\.[0-9]{3})?")


@dataclass(frozen=True, slots=True)
class Totals:
    """Over all rules."""

    findings: int
    failing: int
    """Findings that fail the scan."""
    exempt: int
    known: int
    unjudged: int
    """Resources that a rule could not judge, counted once for each such rule."""
    verdicts: Counter[str]
    """Rules by verdict."""


def totals(results: Sequence[RuleResult], fail_on: Severity) -> Totals:
    return Totals(
        findings=sum(result.failed for result in results),
        failing=sum(result.failed for result in results if result.rule.severity >= fail_on),
        exempt=sum(result.exempt for result in results),
        known=sum(result.known for result in results),
        unjudged=sum(result.not_evaluated for result in results),
        verdicts=Counter(result.verdict for result in results),
    )


def severities(results: Sequence[RuleResult]) -> list[tuple[Severity, int, float]]:
    """Each severity, gravest first, with its findings and their share of the most frequent one's, in percent."""
    counts = Counter(dict.fromkeys(Severity, 0))
    for result in results:
        counts[result.rule.severity] += result.failed
    most = max(counts.values()) or 1
    return [(severity, counts[severity], 100 * counts[severity] / most) for severity in sorted(counts, reverse=True)]


@dataclass(frozen=True, slots=True)
class Reference:
    """One entry of a framework, such as a technique of MITRE ATT&CK, and what its rules said."""

    framework: str
    id: str
    address: str
    """Empty where the framework is not one that we know the pages of."""
    rules: int
    findings: int
    unknown: int
    """Rules that could not be evaluated in full."""


def frameworks(results: Sequence[RuleResult]) -> list[Reference]:
    """In the order of their names."""
    by_entry: dict[tuple[str, str], list[RuleResult]] = {}
    for result in results:
        for framework, ids in result.rule.frameworks.items():
            for id_ in ids:
                by_entry.setdefault((framework, id_), []).append(result)
    return [_reference(*entry, by_entry[entry]) for entry in sorted(by_entry)]


def _reference(framework: str, id_: str, results: Sequence[RuleResult]) -> Reference:
    known = framework == "mitre-attack" and _TECHNIQUE.fullmatch(id_)
    return Reference(
        framework,
        id_,
        address=f"https://attack.mitre.org/techniques/{id_.replace('.', '/')}/" if known else "",
        rules=len(results),
        findings=sum(result.failed for result in results),
        unknown=sum(1 for result in results if result.incomplete or result.not_evaluated),
    )
