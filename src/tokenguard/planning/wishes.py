"""What the rules want of the resources that do not comply."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tokenguard.changes import Served, Skipped
from tokenguard.model import Finding, FindingStatus, Remediation, Resource, Rule, Safety
from tokenguard.rules.parameters import with_values

Resources = Mapping[tuple[str, str], Resource]
"""By type and id."""


@dataclass(slots=True, eq=False)
class Wish:
    """One thing that one or more rules want of a resource."""

    resource: Resource
    remediation: Remediation
    serves: list[Served] = field(default_factory=list)

    @property
    def content(self) -> str:
        """What is wanted; equal for equal wishes, whichever rules they come from."""
        return json.dumps([self.remediation.set, self.remediation.remove], sort_keys=True)

    def skipped(self, reason: str) -> list[Skipped]:
        """All its findings, not to be mended for `reason`."""
        return [Skipped(each.rule, each.resource, reason) for each in self.serves]


def wishes_of(
    findings: Iterable[Finding],
    rules: Mapping[str, Rule],
    resources: Resources,
    *,
    unfixable: Mapping[str, str],
    unsafe: bool,
    only: Collection[str],
) -> tuple[list[Wish], list[Skipped]]:
    """The wishes about findings that count, in their order, and the findings that nobody may or can mend.

    `unfixable`: the resource types that nothing can be written for, with the reason. Without `unsafe`, what its rule
    does not call safe is skipped. `only` names resources by id, appId or name; what is about others is left out.
    """
    wishes: dict[tuple[str, str, str], Wish] = {}
    skipped: list[Skipped] = []
    for finding in findings:
        resource = resources.get((finding.resource.type, finding.resource.id))
        if finding.status is not FindingStatus.NEW or not _is_about(finding, resource, only):
            continue
        remediation = _remediation(rules[finding.rule], finding.parameters)
        problem = _problem(finding, remediation, resource, unfixable.get(finding.resource.type, ""), unsafe=unsafe)
        if remediation is None or resource is None or problem:
            skipped.append(Skipped(finding.rule, finding.resource, problem))
            continue
        wish = Wish(resource, remediation)
        wish = wishes.setdefault((resource.type, resource.id, wish.content), wish)
        wish.serves.append(Served(finding.rule, finding.resource))
        if remediation.safety is Safety.UNSAFE:  # one rule's doubt is enough
            wish.remediation = remediation
    return list(wishes.values()), skipped


def _remediation(rule: Rule, parameters: Mapping[str, Any]) -> Remediation | None:
    return (with_values(rule, parameters) if parameters else rule).remediation


def _problem(
    finding: Finding, remediation: Remediation | None, resource: Resource | None, unfixable: str, *, unsafe: bool
) -> str:
    if remediation is None:
        return "the rule says of no way to mend it"
    if remediation.safety is Safety.MANUAL:
        return f"by hand only: {remediation.guidance}"
    if resource is None:
        return f"there is no such {finding.resource.type}, and a fix creates none"
    if unfixable:
        return unfixable
    if remediation.safety is Safety.UNSAFE and not unsafe:
        return "not safe: planned only with --unsafe"
    return ""


def _is_about(finding: Finding, resource: Resource | None, only: Collection[str]) -> bool:
    """Whether `only` names the resource; one of two ids between a slash is named by either."""
    if not only:
        return True
    ref = finding.resource
    ids = {ref.id, *ref.id.split("/"), resource.properties.get("appId") if resource else None}
    return ref.name in only or not ids.isdisjoint(each.lower() for each in only)
