"""How a report is put into words, the same in every format that people read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from tokenguard.age import in_words
from tokenguard.excerpts import shown
from tokenguard.judging.settling import AllowListEntry, Settlement
from tokenguard.model import (
    Exemption,
    Remediation,
    Report,
    ResourceRef,
    Rule,
    RuleResult,
    Severity,
    Tenant,
    Violation,
)
from tokenguard.rules.messages import count, present

_ADDRESS = re.compile(r"https?://[^\s<>\"\\]+")

_DEMANDS = {
    "const": "exactly {} required",
    "enum": "one of {} required",
    "exclusiveMaximum": "less than {} required",
    "exclusiveMinimum": "more than {} required",
    "maxItems": "at most {} in the list allowed",
    "maxLength": "at most {} characters allowed",
    "maximum": "at most {} allowed",
    "minItems": "at least {} in the list required",
    "minLength": "at least {} characters required",
    "minimum": "at least {} required",
    "multipleOf": "a multiple of {} required",
    "pattern": "text that matches {} required",
    "required": "must be there",
    "type": "type {} required",
}
"""What an assertion asks for. Of conditions that hold others, such as `anyOf`, the name has to do."""


def violation(item: Violation) -> str:
    """``accessTokenLifetimeSeconds: 8 h, at most 1 h 30 min allowed``."""
    name, observed, demand = evidence(item)
    return f"{name}: {observed}, {demand}"


def evidence(item: Violation) -> tuple[str, str, str]:
    """What was looked at, what was found, and what the rule asks for."""
    name = item.path.removeprefix("/") or "the resource"
    demand = _DEMANDS.get(item.keyword, f"does not meet the rule's {item.keyword!r}")
    return name, present(name, item.observed), demand.replace("{}", present(name, shown(item.expected)))


def remediation(item: Remediation, type_: str) -> str:
    """What would mend a finding on a resource of `type_`, and what to mind."""
    changes = [f"set {name} to {present(name, shown(value))}." for name, value in (item.set or {}).items()]
    if item.remove:
        changes = [f"remove the {type_}."]
    return " ".join([*changes, item.guidance]).rstrip()


def exemption(item: Exemption, now: datetime) -> str:
    """Who answers for it, how long yet, and why."""
    return f"owner {item.owner}, {days_left(item, now)}: {item.reason}"


def days_left(item: Exemption, now: datetime) -> str:
    """``12 days left (until 2027-06-30)``."""
    days = (item.expires - now.date()).days
    return "today is its last day" if days == 0 else f"{count(days, 'day')} left (until {item.expires})"


def would_pass(item: Settlement) -> str:
    """What stands before the exemption that would settle a finding."""
    return f"would pass with this exemption{' instead of the one that stands' if item.instead else ''}"


def or_listed(item: AllowListEntry) -> str:
    """What stands before the entry of a list that would settle it as well."""
    return f"or if the rule's list {item.parameter!r} held also"


def tenant(item: Tenant) -> str:
    """``Contoso 11111111-…``, or that nobody knows which tenant it is."""
    return f"{item.name} {item.id}".strip() or "a tenant that could not be named"


def resource(item: ResourceRef) -> str:
    """Type and id first: they cannot be chosen to look like something else, as names can."""
    return f"{item.type} {item.id} {item.name}".rstrip()


def addresses(rule: Rule) -> list[str]:
    """The references of `rule` that may become links: addresses of the web, and nothing that could be more."""
    return [reference for reference in rule.references if _ADDRESS.fullmatch(reference)]


def needs(permission: str) -> str:
    """What follows a reason where a permission would mend it; nothing where none is known to."""
    return f" (needs the permission {permission})" if permission else ""


def findings_by_severity(results: Iterable[RuleResult]) -> str:
    """``3 findings (1 critical, 2 high)``, exempt and known ones not counted."""
    counts = dict.fromkeys(sorted(Severity, reverse=True), 0)
    for result in results:
        counts[result.rule.severity] += result.failed
    parts = ", ".join(f"{number} {severity}" for severity, number in counts.items() if number)
    total = count(sum(counts.values()), "finding")
    return f"{total} ({parts})" if parts else "no findings"


def rules(report: Report) -> str:
    """``6 rules, 2 not evaluated in full``."""
    unknown = unknown_rules(report)
    state = f"{unknown} not evaluated in full" if unknown else "each evaluated in full"
    return f"{count(len(report.rules), 'rule')}, {state}"


def conclusion(report: Report) -> str:
    """What was found, how much is known, and of when: ``no findings; 6 rules, each evaluated in full; read for …``."""
    return f"{findings_by_severity(report.rules)}; {rules(report)}; {age(report)}"


def age(report: Report) -> str:
    """``read 3 d 4 h before this scan``."""
    return in_words(report.header, report.scanned_at)


def notices(report: Report, most: int = 50) -> list[str]:
    """The first of what the reader should know, and how many there are beside `most`: each exemption may be one."""
    more = len(report.notices) - most
    rest = [f"{count(more, 'notice')} more: the JSON report has them all"] if more > 0 else []
    return [*report.notices[:most], *rest]


def unknown_rules(report: Report) -> int:
    """Rules of which something could not be evaluated, whatever else they found."""
    return sum(1 for result in report.rules if result.incomplete or result.not_evaluated)
