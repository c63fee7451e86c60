"""What a plan cannot know of: causes that kept rules from being evaluated, wholly or for some resources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tokenguard.changes import Gap
from tokenguard.model import NotEvaluated, Report

_PROPERTY = re.compile(r"\w+ is unknown: ")
"""Begins the reason of a resource: one cause makes several properties unknown."""
_ID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")


def gaps_of(report: Report) -> Iterator[Gap]:
    """One for each cause, in the report's order, whichever rules and however many resources it concerns.

    Reasons that differ in an id alone are one cause.
    """
    causes: dict[tuple[str, str], _Cause] = {}
    for item in report.not_evaluated:
        reason = _PROPERTY.sub("", item.reason, count=1) if item.resource else item.reason
        causes.setdefault((without_ids(reason), item.permission), _Cause()).add(item, reason)
    for (alike, permission), cause in causes.items():
        reason = alike if len(cause.reasons) > 1 else cause.reasons.pop()
        yield Gap(reason, permission, tuple(cause.rules), len(cause.resources))


def without_ids(reason: str) -> str:
    """Equal for reasons that differ in an id alone: a refused permission is met once for each policy."""
    return _ID.sub("{id}", reason)


@dataclass(slots=True)
class _Cause:
    rules: dict[str, None] = field(default_factory=dict)
    reasons: set[str] = field(default_factory=set)
    resources: set[tuple[str, str]] = field(default_factory=set)

    def add(self, item: NotEvaluated, reason: str) -> None:
        self.rules[item.rule] = None
        self.reasons.add(reason)
        if item.resource:
            self.resources.add((item.resource.type, item.resource.id))
