"""A plan for people: what would be done to what, in their units, whom it reaches, and what it leaves undone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tokenguard.changes import Change, Plan, Skipped
from tokenguard.cli.gaps import gap_lines
from tokenguard.rules.messages import count, present

NAMED = 3
"""Resources that are named of those that are skipped for one reason."""


def plan_lines(plan: Plan) -> Iterator[str]:
    """The whole plan, a line each."""
    changes = count(len(plan.changes), "change") if plan.changes else "no changes"
    yield f"PLAN  {plan.tenant.name} {plan.tenant.id}: {changes} planned"
    for number, change in enumerate(plan.changes, 1):
        yield ""
        yield from change_lines(change, number)
    if plan.permissions:
        yield ""
        yield f"Takes the permissions {', '.join(plan.permissions)}."
    if plan.skipped:
        yield ""
        yield "NOT MENDED"
        yield from _skipped(plan)
    if plan.not_evaluated:
        yield ""
        yield "NOT EVALUATED  this is not compliance, and what is not known is not mended"
        yield from gap_lines(plan.not_evaluated)


def change_lines(change: Change, number: int) -> Iterator[str]:
    """One change, a line each."""
    yield f"{number}. {change.resource.name}  ({change.safety})"
    yield f"   {change.resource.type} {change.resource.id}"
    for name, value in change.before.items():
        becomes = _shown(name, change.after[name]) if name in change.after else f"no {change.resource.type}"
        yield f"   {name}: {_shown(name, value)}"
        yield f"     becomes {becomes}"
    for operation in change.operations:
        yield f"   - {operation.words}"
    yield f"   reaches {change.blast_radius}"
    yield f"   cannot be taken back: {change.irreversible}" if change.irreversible else "   can be taken back"
    for served in change.serves:
        other = "" if served.resource == change.resource else f" on {served.resource.name}"
        yield f"   mends {served.rule}{other}"


def _shown(name: str, value: Any) -> str:
    """`value` without the id of an object that it describes: of what is to be created nobody knows it yet."""
    described = {key: part for key, part in value.items() if key != "id"} if isinstance(value, dict) else value
    return present(name, described)


def _skipped(plan: Plan) -> Iterator[str]:
    """Rule and reason once, and whom they concern."""
    alike: dict[tuple[str, str], list[Skipped]] = {}
    for each in plan.skipped:
        alike.setdefault((each.rule, each.reason), []).append(each)
    for (rule, reason), those in alike.items():
        names = [each.resource.name for each in those]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield f"  {rule}: {', '.join(names[:NAMED])}{more}"
        yield f"    {reason}"
