"""What would settle a finding: the entry that somebody would have to add to the exemptions, or to an allow-list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tokenguard.durations import format_iso8601
from tokenguard.errors import DurationError
from tokenguard.excerpts import is_excerpt, shown
from tokenguard.model import Finding, Parameter, Rule, Violation
from tokenguard.rules.keywords import DURATIONS
from tokenguard.rules.parameters import read_parameter, value_mistakes

DAYS = 90
"""For so long a suggested exemption holds: time to mend what it exempts, and an occasion to ask again."""


@dataclass(frozen=True, slots=True)
class AllowListEntry:
    """A value that a list in a parameter of the rule would have to hold."""

    parameter: str
    value: Any


@dataclass(frozen=True, slots=True)
class Settlement:
    """What would let a finding pass; each of the two is enough."""

    exemption: Mapping[str, Any]
    """An entry of an exemptions file: with the rule's limits as they would have to be, where the rule has such limits.
    The reason and the owner are for a person to write."""
    instead: bool = False
    """Whether it takes the place of an exemption that stands already, and by whose values this is a finding."""
    allow: AllowListEntry | None = None


def settlement(finding: Finding, rule: Rule, today: date) -> Settlement:
    """What would settle `finding` of `rule`, were it decided `today`."""
    exemption: dict[str, Any] = {
        "rule": finding.rule,
        "resource": finding.resource.id,
        "reason": "say why",
        "owner": "say who answers for it",
        "expires": (today + timedelta(days=DAYS)).isoformat(),
    }
    parameters = {name: _in_effect(parameter, finding) for name, parameter in rule.parameters.items()}
    if limits := _limits(finding, rule, parameters):
        exemption["parameters"] = shown({**finding.parameters, **limits})
    instead = bool(finding.parameters)
    return Settlement(exemption, instead, None if instead else _allowed(finding, rule, parameters))


def _in_effect(parameter: Parameter, finding: Finding) -> Parameter:
    value = finding.parameters.get(parameter.name, parameter.value)
    return read_parameter(parameter.name, {"title": parameter.title, parameter.keyword: value})


def _limits(finding: Finding, rule: Rule, parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """Values of the rule's parameters with which the resource complies; none where its parameters alone are not why."""
    values: dict[str, Any] = {}
    for violation in finding.violations:
        parameter = _parameter(violation, parameters)
        value = None if parameter is None else _limit(parameter, violation)
        if parameter is None or value is None or values.setdefault(parameter.name, value) != value:
            return {}
    refused = any(value_mistakes(rule, values)) or not rule.selecting.isdisjoint(values)
    return {} if refused else values


def _parameter(violation: Violation, parameters: Mapping[str, Parameter]) -> Parameter | None:
    """The one parameter that set the limit; None where none did, or several may have."""
    limit = shown({violation.keyword: violation.expected})  # as it is in a report that was read back
    matching = [parameter for parameter in parameters.values() if shown(dict(parameter.schema)) == limit]
    return matching[0] if len(matching) == 1 else None


def _limit(parameter: Parameter, violation: Violation) -> Any:
    """The nearest value of `parameter` that what was observed complies with, as people write it."""
    observed = violation.observed
    match violation.keyword:
        case "maximum" | "minimum" | "const" if parameter.keyword in DURATIONS:
            return _duration(observed) if isinstance(observed, int) else None
        case "maximum" | "minimum" | "const":
            return observed
        case "maxItems" | "minItems" | "maxLength" | "minLength":
            return len(observed)
        case _:
            return None


def _duration(seconds: int) -> str | None:
    """As ISO 8601 says it; None for what is no duration."""
    try:
        return format_iso8601(timedelta(seconds=seconds))
    except (DurationError, OverflowError):
        return None


def _allowed(finding: Finding, rule: Rule, parameters: Mapping[str, Parameter]) -> AllowListEntry | None:
    if len(finding.violations) != 1 or finding.violations[0].keyword != "enum":
        return None
    violation = finding.violations[0]
    parameter = _parameter(violation, parameters)
    if parameter is None:
        return None
    listed = parameter.value["first"] if is_excerpt(parameter.value) else parameter.value
    if any(value_mistakes(rule, {parameter.name: [*listed, violation.observed]})):
        return None
    return AllowListEntry(parameter.name, violation.observed)
