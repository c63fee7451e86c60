"""Making a plan: what a fix would do, derived from findings, and proven on a changed copy of what was read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from tokenguard.changes import Change, Operation, Plan, Skipped, concerns_default
from tokenguard.consent import operation_to_dict
from tokenguard.documents import digest
from tokenguard.errors import UsageError
from tokenguard.hookspecs import Fixer
from tokenguard.model import Exemption, Finding, Report, Resource, ResourceRef, ResourceType, Rule, Safety
from tokenguard.planning.drafts import Draft, Drafting, Dropped
from tokenguard.planning.gaps import gaps_of
from tokenguard.planning.proof import Proof
from tokenguard.planning.wishes import Resources, Wish, wishes_of
from tokenguard.readings import Readings

LIFETIME = timedelta(hours=24)
"""How long an administrator's consent to a plan lasts."""


def make_plan(
    report: Report,
    readings: Readings,
    *,
    types: Mapping[str, ResourceType],
    fixers: Mapping[str, Fixer],
    now: datetime,
    unfixable: Mapping[str, str] = MappingProxyType({}),
    exemptions: Sequence[Exemption] = (),
    unsafe: bool = False,
    only: Collection[str] = (),
) -> Plan:
    """A plan that mends what it can of the findings in `report`, which was made from `readings`.

    Changes are made on a copy of what was read, every resource is derived anew and every rule of the report evaluated
    again: each finding that a change serves is gone, and nothing that passed fails or is not evaluated. What does not
    stand that proof, conflicts with another remediation, or is not safe without `unsafe`, is skipped with the reason.
    So is what is about a resource type that is `unfixable`, with the reason that stands there.

    Raises `UsageError` for a tenant of which nobody can say which it is: nobody could consent to that.
    """
    if not report.header.tenant.id:
        raise UsageError("which tenant this is could not be read, so nothing can be planned for it", "read it again")
    rules = {result.rule.id: result.rule for result in report.rules}
    resources = _resources(readings, set(_mendable(report.findings, rules, only)))
    wishes, skipped = wishes_of(report.findings, rules, resources, unfixable=unfixable, unsafe=unsafe, only=only)
    proof = Proof(report, readings, types=types, fixers=fixers, exemptions=exemptions, now=now)
    drafts, dropped = _proven(wishes, readings, fixers, proof, unsafe=unsafe)
    # NOTE: what an organization default outranks may be longer than it, until the other changes are carried out.
    drafts.sort(key=lambda draft: concerns_default(step.operation for step in draft.steps))
    skipped += [skip for wish, reason in dropped for skip in wish.skipped(reason)]
    primary = {(draft.wishes[0].resource.type, draft.wishes[0].resource.id) for draft in drafts}
    afterwards = _resources(proof.after(drafts), primary)
    return Plan(
        tenant=report.header.tenant,
        cloud=report.header.cloud,
        precedence=report.header.precedence,
        made_at=now,
        expires_at=now + LIFETIME,
        rules={id_: rule.digest for id_, rule in sorted(rules.items())},
        changes=tuple(_change(draft, types, afterwards) for draft in drafts),
        skipped=tuple(_in_order(proof.on_the_way(skipped), report.findings)),
        unsafe=unsafe,
        only=tuple(only),
        permissions=tuple(dict.fromkeys(_permissions(drafts, fixers))),
        not_evaluated=tuple(gaps_of(report)),
    )


def _proven(
    wishes: Sequence[Wish], readings: Readings, fixers: Mapping[str, Fixer], proof: Proof, *, unsafe: bool
) -> tuple[list[Draft], list[Dropped]]:
    """Changes for all `wishes` but those that have to be dropped, be it since others were."""
    gone: dict[Wish, str] = {}
    while True:
        left = [wish for wish in wishes if wish not in gone]
        drafts, dropped = Drafting(left, readings, fixers).drafts(unsafe=unsafe)
        if not dropped:
            dropped = [(wish, fault) for draft, fault in proof.faults(drafts) for wish in draft.wishes]
        if not dropped:
            return drafts, list(gone.items())
        gone.update(dropped)


def _mendable(
    findings: Iterable[Finding], rules: Mapping[str, Rule], only: Collection[str]
) -> Iterator[tuple[str, str]]:
    """The resources that are worth another look: a list of all principals is not read again for nothing."""
    for each in findings:
        remediation = rules[each.rule].remediation
        if only or (remediation is not None and remediation.safety is not Safety.MANUAL):
            yield each.resource.type, each.resource.id


def _resources(readings: Readings, keys: Collection[tuple[str, str]]) -> Resources:
    """The resources of these types and ids, as far as there are any."""
    if not keys:
        return {}
    snapshot = readings.snapshot({type_ for type_, _ in keys})
    return {key: each for each in snapshot.resources if (key := (each.type, each.id)) in keys}


def _change(draft: Draft, types: Mapping[str, ResourceType], afterwards: Resources) -> Change:
    resource = draft.wishes[0].resource
    names = _names(draft.wishes, resource, types[resource.type])
    after = afterwards.get((resource.type, resource.id))
    operations = tuple(step.operation for step in draft.steps)
    return Change(
        id=_identity(operations),
        resource=ResourceRef(resource.type, resource.id, resource.name),
        operations=operations,
        serves=tuple(served for wish in draft.wishes for served in wish.serves),
        safety=draft.safety,
        before=_values(resource, names),
        after={} if after is None else _values(after, names),
        blast_radius=draft.blast_radius,
        irreversible=draft.irreversible,
    )


def _names(wishes: Iterable[Wish], resource: Resource, type_: ResourceType) -> list[str]:
    """The properties that are to change: those that are spoken of, or all that can be written of what is removed."""
    own = [wish.remediation for wish in wishes if wish.resource is resource]
    if any(each.remove for each in own):
        return [name for name, schema in type_.schema["properties"].items() if not schema.get("readOnly")]
    return list(dict.fromkeys(name for each in own for name in each.set or {}))


def _values(resource: Resource, names: Iterable[str]) -> dict[str, Any]:
    return {name: resource.properties[name] for name in names}


def _identity(operations: Iterable[Operation]) -> str:
    return digest([operation_to_dict(each) for each in operations])[:16]


def _permissions(drafts: Iterable[Draft], fixers: Mapping[str, Fixer]) -> Iterable[str]:
    for draft in drafts:
        for step in draft.steps:
            yield from fixers[step.type].permissions(step.operation)[0]


def _in_order(skipped: Iterable[Skipped], findings: Iterable[Finding]) -> list[Skipped]:
    order = {(each.rule, each.resource): place for place, each in enumerate(findings)}
    return sorted(skipped, key=lambda each: order[each.rule, each.resource])
