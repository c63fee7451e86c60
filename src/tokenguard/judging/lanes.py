"""Judging the resources of one type as they pass by, with their exemptions and the objects that should be there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from tokenguard.judging.engine import Engine, Judgement, RuleJudge
from tokenguard.judging.exemptions import Claims
from tokenguard.judging.verdicts import Verdicts
from tokenguard.model import (
    Exemption,
    Outcome,
    Resource,
    ResourceRef,
    ResourceType,
    Rule,
    TypeSummary,
    Violation,
)
from tokenguard.rules.messages import render
from tokenguard.rules.parameters import with_values

MAXIMUM_REASONS = 3
"""Failures of a type that are named; of more the number is said."""


class Leniency(NamedTuple):
    """A resource that passes by the values of an exemption, and would not by those of the rule."""

    exemption: Exemption
    rule: Rule
    """With its own values."""
    resource: ResourceRef


def _ref(resource: Resource) -> ResourceRef:
    return ResourceRef(resource.type, resource.id, resource.name)


class Lane:
    """All rules over one resource type. Raises `RuleError` for an exemption's value that its rule does not take."""

    def __init__(
        self, type_: ResourceType, rules: Sequence[Rule], exemptions: Sequence[Exemption], verdicts: Verdicts
    ) -> None:
        self.claims = Claims(exemptions)
        self.leniencies: list[Leniency] = []
        """In the order in which the resources were judged; no more than exemptions name."""
        self._type = type_
        self._rules = rules
        self._verdicts = verdicts
        self._engine = Engine(type_, rules)
        own = {rule.id: rule for rule in rules}
        self._own_limits = {
            (each.rule, each.resource): self._engine.compiled(with_values(own[each.rule], each.parameters))
            for each in exemptions
            if each.parameters
        }
        self._missing = set[str]().union(*(rule.pinned_app_ids or () for rule in rules))
        self._app_ids_known = True

    def take(self, resource: Resource) -> None:
        """Judge `resource` by every rule."""
        if self._missing:
            self._see(resource)
        if self.claims.all and self._take_claimed(resource):
            return
        for rule, judgement in self._engine.judge(resource):
            self._record(rule, resource, judgement)

    def finish(self, summary: TypeSummary | None) -> None:
        """Conclude, knowing how much of the type was there to be read."""
        for rule in self._rules:
            reasons, permission = _incompleteness(rule, summary)
            if reasons:
                self._verdicts.incomplete(rule, reasons, permission)
            else:
                self._conclude_absent(rule)
        for claim in self.claims.all:
            for resource in claim.held:
                judge = self._engine.judges[claim.exemption.rule]
                self._settle(judge, resource, claim.exemption if claim.by_name else None)
        for rule_id, count in self._engine.selected().items():
            self._verdicts.tallies[rule_id].selected += count

    def _see(self, resource: Resource) -> None:
        app_id = resource.properties.get("appId")
        if isinstance(app_id, str):
            self._missing.discard(app_id)  # in lower case, as `select` sees it: what it cannot see is not there
        elif "appId" in resource.unknown or "appId" not in resource.properties or app_id is not None:
            self._app_ids_known = False

    def _take_claimed(self, resource: Resource) -> bool:
        """Judge rule by rule where any exemption names `resource`; False where none does."""
        identified = self.claims.identified(resource.id, resource.properties.get("appId"))
        bearing = self.claims.named(resource.name)
        for claim in bearing:
            claim.meet(resource)
        named = [claim for claim in bearing if claim.exemption.rule not in identified]
        if not identified and not named:
            return False
        held = {claim.exemption.rule for claim in named if claim.hold(resource)}
        for rule_id, judge in self._engine.judges.items():
            if rule_id not in held:
                self._settle(judge, resource, identified.get(rule_id))
        return True

    def _settle(self, judge: RuleJudge, resource: Resource, exemption: Exemption | None) -> None:
        """Judge by one rule; by the exemption's own values, where it has any, and then without mercy."""
        own = exemption.parameters if exemption is not None else {}
        if exemption is not None and own:
            without, judge = judge, self._own_limits[exemption.rule, exemption.resource]
            judgement = judge.judge(resource)
            if judgement.outcome is Outcome.PASS and without.judge(resource).outcome is not Outcome.PASS:
                self.leniencies.append(Leniency(exemption, without.rule, _ref(resource)))
            exemption = None
        else:
            judgement = judge.judge(resource)
        if judgement.outcome is not Outcome.NOT_SELECTED:
            self._verdicts.tallies[judge.rule.id].selected += 1
            self._record(judge.rule, resource, judgement, exemption, own)

    def _record(
        self,
        rule: Rule,
        resource: Resource,
        judgement: Judgement,
        exemption: Exemption | None = None,
        own: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        ref = _ref(resource)
        match judgement.outcome:
            case Outcome.FAIL:
                message = render(rule.message, judgement.by or resource) if rule.message else rule.title
                self._verdicts.fail(rule, ref, message, judgement.violations, exemption, parameters=own)
            case Outcome.NOT_EVALUATED:
                self._verdicts.not_evaluated(rule, ref, judgement.reason)

    def _conclude_absent(self, rule: Rule) -> None:
        """What the rule says of the objects that it names and that were nowhere."""
        for app_id in sorted(self._missing & (rule.pinned_app_ids or frozenset())):
            ref = ResourceRef(self._type.name, app_id, app_id)
            exemption = self.claims.identified(app_id).get(rule.id)
            message = f"no {self._type.name} has the appId {app_id}"
            self._verdicts.tallies[rule.id].selected += 1
            if not self._app_ids_known:
                self._verdicts.not_evaluated(rule, ref, f"{message}, as far as is known: of some the appId is unknown")
            elif rule.absent is Outcome.FAIL:
                lenient = exemption if exemption is not None and not exemption.parameters else None
                self._verdicts.fail(rule, ref, message, [Violation("/appId", "required", app_id, None)], lenient)
            elif rule.absent is not Outcome.PASS:
                self._verdicts.not_evaluated(rule, ref, message)


def _incompleteness(rule: Rule, summary: TypeSummary | None) -> tuple[Sequence[str], str]:
    """Why `rule` cannot be judged as a whole, and the permissions that would mend it; no reason where it can."""
    if summary is None:
        return [f"{rule.resource} was not collected"], ""
    if summary.failures:
        reasons = [failure.reason for failure in summary.failures]
        if len(reasons) > MAXIMUM_REASONS:
            reasons[MAXIMUM_REASONS:] = [f"and {len(reasons) - MAXIMUM_REASONS} more failures"]
        permissions = dict.fromkeys(failure.permission for failure in summary.failures if failure.permission)
        return reasons, ", ".join(permissions)
    if summary.scope is not None and (rule.pinned_app_ids is None or not rule.pinned_app_ids <= summary.scope):
        return [
            f"of {rule.resource} only {len(summary.scope)} named objects were collected, and not all it is about"
        ], ""
    return [], ""
