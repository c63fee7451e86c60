"""Whether a plan that somebody agreed to is still what would be done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tokenguard.changes import Change, Plan
from tokenguard.consent import change_to_dict
from tokenguard.errors import UsageError

AGAIN = "plan again, look at it again, and agree to that"


def check_consent(plan: Plan, rebuilt: Plan, *, now: datetime, source: str) -> None:
    """Raise `UsageError`, with every difference, unless `rebuilt` is what the file `source` was consent to.

    Consent is to the changes, and to the rules that ask for them. What is skipped or was not evaluated changes nothing,
    so it may differ: where a change hangs on that, the change differs.
    """
    if now >= plan.expires_at:
        raise UsageError(f"{source}: this plan expired at {plan.expires_at.isoformat()}", AGAIN)
    if now < plan.made_at:
        raise UsageError(f"{source}: this plan was made at {plan.made_at.isoformat()}, which is yet to come", AGAIN)
    differences = list(same_changes(plan, rebuilt))
    if differences:
        lines = "\n  ".join(differences)
        raise UsageError(f"{source}: this plan is not what would be done now; nothing was written:\n  {lines}", AGAIN)


def same_changes(plan: Plan, rebuilt: Plan) -> Iterator[str]:
    """What is different between two plans, change for change, in words; nothing where they agree."""
    for what, planned, now in (
        ("the tenant", plan.tenant.id, rebuilt.tenant.id),
        ("the cloud", plan.cloud, rebuilt.cloud),
        ("precedence", str(plan.precedence), str(rebuilt.precedence)),
    ):
        if planned != now:
            yield f"{what} was {planned}, and is {now}"
    for rule in sorted(plan.rules.keys() | rebuilt.rules.keys()):
        if plan.rules.get(rule) != rebuilt.rules.get(rule):
            yield f"rule {rule}: {_rule(rule in plan.rules, rule in rebuilt.rules)}"
    yield from _changes(plan, rebuilt)


def _rule(was: bool, is_: bool) -> str:
    if was and is_:
        return "it, or a value of it, has changed"
    return "was judged by, and is not now" if was else "was not judged by, and is now"


def _changes(plan: Plan, rebuilt: Plan) -> Iterator[str]:
    planned, now = ({change.id: change for change in each.changes} for each in (plan, rebuilt))
    if len(planned) < len(plan.changes):
        yield "a change stands in it twice"
    reasons = {(each.rule, each.resource): each.reason for each in rebuilt.skipped}
    for id_, change in planned.items():
        if id_ not in now:
            why = [reason for each in change.serves if (reason := reasons.get((each.rule, each.resource)))]
            yield f"planned, and would not be done now: {_words(change)}" + (f" ({why[0]})" if why else "")
        elif change_to_dict(change) != change_to_dict(now[id_]):
            yield f"{_words(change)}: would mend or reach other things now"
    for id_, change in now.items():
        if id_ not in planned:
            yield f"not planned, and would be done now: {_words(change)}"
    if planned.keys() == now.keys() and list(planned) != list(now):
        yield "the changes would be made in another order"


def _words(change: Change) -> str:
    return "; ".join(operation.words for operation in change.operations)
