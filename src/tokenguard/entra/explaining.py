"""Which lifetime is in force for one application's tokens: every level considered, and why it decides or does not.

Source: Microsoft Learn, "Configurable token lifetimes", 2026-04-08.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from tokenguard.entra.advice import changes, elsewhere, notes
from tokenguard.entra.assignments import Assignments
from tokenguard.entra.facts import DirectoryObject, EntraFacts, Kind, because
from tokenguard.entra.lifetime import (
    DEFAULT,
    Basis,
    Candidate,
    Levels,
    Rank,
    candidates,
    chosen_orders,
    exclusion,
    follow,
)
from tokenguard.entra.organization import NAMELESS, identity_failure, read_tenant
from tokenguard.entra.policy import Policy
from tokenguard.entra.reading import Unknown
from tokenguard.explanation import Considered, Explanation, InForce, Subject
from tokenguard.model import Precedence, ResourceRef

SKEW = timedelta(minutes=5)
"""What ``NotOnOrAfter`` in the conditions of a SAML token adds to its lifetime."""
DEFAULT_ID_TOKEN = timedelta(hours=1)
"""Of ID and SAML tokens where no policy decides."""

Deciding = tuple[Candidate, ...] | Unknown


def explain(facts: EntraFacts, subject: Subject, precedence: Precedence) -> Explanation:
    """See `tokenguard.hookspecs.Explainer`. Tokens are issued for the service principal, where there is one."""
    assignments = Assignments(facts, precedence)
    kind = next(kind for kind in Kind if kind.value in subject.objects)
    holder = DirectoryObject(kind, subject.objects[kind.value])
    levels = assignments.levels(str(holder.fact["id"]).lower(), holder)
    excluded = exclusion(holder)
    orders = {name: follow(order, levels) for name, order in chosen_orders(precedence).items()}
    deciding = {name: excluded or candidates(ranks) for name, ranks in orders.items()}
    found = dict.fromkeys(each for said in deciding.values() if isinstance(said, tuple) for each in said)
    unknown = next((said.reason for said in deciding.values() if isinstance(said, Unknown)), "")
    if not unknown and (nameless := identity_failure(facts)):
        unknown = because(nameless, NAMELESS).reason
    return Explanation(
        subject=subject,
        in_force=() if unknown else tuple(map(_in_force, found)),
        unknown=unknown,
        orders={name.value: tuple(_considered(orders[name], deciding[name])) for name in orders},
        notes=(
            *notes(subject, holder, excluded, levels, found),
            *elsewhere(subject, holder, read_tenant(assignments.facts).id),
        ),
        changes=tuple(changes(assignments, subject, excluded, orders)),
        concerned=frozenset(_concerned(assignments, subject, levels)),
    )


def _in_force(candidate: Candidate) -> InForce:
    lifetime = candidate.policy.lifetime if candidate.policy else None
    id_token = lifetime if isinstance(lifetime, timedelta) else DEFAULT_ID_TOKEN
    shortest, longest, identity, until = (
        int(length.total_seconds()) for length in (candidate.shortest, candidate.longest, id_token, id_token + SKEW)
    )
    return InForce(candidate.basis.value, _ref(candidate.policy), shortest, longest, identity, identity, until)


def _considered(ranks: Sequence[Rank], deciding: Deciding | str) -> Iterator[Considered]:
    """Each level along an order, then Microsoft's default."""
    for rank in ranks:
        policy = rank.standing if isinstance(rank.standing, Policy) else None
        lifetime = policy.lifetime if policy else None
        yield Considered(
            level=rank.basis.value,
            policy=_ref(policy),
            lifetime=int(lifetime.total_seconds()) if isinstance(lifetime, timedelta) else None,
            decides=bool(rank.reached)
            and isinstance(deciding, tuple)
            and rank.says in deciding
            and rank.says != DEFAULT,
            reason=_reason(rank, deciding),
        )
    yield Considered(
        level=Basis.DEFAULT.value,
        policy=None,
        lifetime=None,
        decides=isinstance(deciding, tuple) and DEFAULT in deciding,
        reason=_default_reason(deciding),
    )


def _reason(rank: Rank, deciding: Deciding | str) -> str:
    if rank.standing is None or isinstance(deciding, str):
        return "there is no policy" if rank.standing is None else "policies do not apply"
    if rank.reached is None:
        return "counts only if no level before it decides, which is not known"
    if not rank.reached:
        return f"outranked by {_deciders(deciding)}"
    if isinstance(rank.says, Unknown):
        return f"not known: {rank.says.reason}"
    if rank.says == DEFAULT:
        return "sets no access token lifetime; Microsoft does not say whether the next level or the default then holds"
    return _alone(deciding)


def _default_reason(deciding: Deciding | str) -> str:
    if isinstance(deciding, str):
        return "no policy changes it"
    if isinstance(deciding, Unknown):
        return "counts only if no policy decides, which is not known"
    if DEFAULT not in deciding:
        return f"outranked by {_deciders(deciding)}"
    return "decides: no policy sets a lifetime" if len(deciding) == 1 else _alone(deciding)


def _alone(deciding: Deciding) -> str:
    if isinstance(deciding, Unknown):
        return "may decide, but not everything is known"
    if len(deciding) == 1:
        return "decides"
    return f"may decide: Microsoft does not say which of {' and '.join(map(str, deciding))} does"


def _deciders(deciding: Deciding) -> str:
    policies = () if isinstance(deciding, Unknown) else tuple(each for each in deciding if each.policy)
    return " and ".join(map(str, policies)) or "what stands before it"


def _ref(policy: Policy | None) -> ResourceRef | None:
    if policy is None:
        return None
    return ResourceRef("tokenLifetimePolicy", policy.id, policy.name if isinstance(policy.name, str) else "")


def _concerned(assignments: Assignments, subject: Subject, levels: Levels) -> Iterator[str]:
    objects = {ref.id for ref in subject.refs()}
    yield from objects
    yield from (f"{policy.id}/{object_id}" for policy, object_id in assignments if object_id in objects)
    yield from (standing.id for standing in levels.values() if isinstance(standing, Policy))
    yield from (policy.id for policy, object_id in assignments if object_id in objects)
    yield from (policy.id for policy in assignments.policies.values() if policy.is_organization_default is True)
    if levels[Basis.ORGANIZATION] is not None:
        yield read_tenant(assignments.facts).id
