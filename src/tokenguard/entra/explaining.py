"""Which lifetime is in force for one application's tokens: every level considered, and why it decides or does not.

Source: Microsoft Learn, "Configurable token lifetimes", 2026-04-08.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tokenguard.entra.advice import changes, elsewhere, notes
from tokenguard.entra.assignments import Assignments
from tokenguard.entra.facts import DirectoryObject, EntraFacts, Kind, because
from tokenguard.entra.levels import Basis, Levels, doubts_at, policies_at, ways
from tokenguard.entra.lifetime import DEFAULT, Candidate, Rank, candidates, chosen_orders, exclusion, follow
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


@dataclass(frozen=True, slots=True)
class Followed:
    """An order in one of the ways in which the levels may count."""

    ranks: tuple[Rank, ...]
    deciding: Deciding | str
    """A sentence where policies do not apply."""


def explain(facts: EntraFacts, subject: Subject, precedence: Precedence) -> Explanation:
    """See `tokenguard.hookspecs.Explainer`. Tokens are issued for the service principal, where there is one."""
    assignments = Assignments(facts, precedence)
    kind = next(kind for kind in Kind if kind.value in subject.objects)
    holder = DirectoryObject(kind, subject.objects[kind.value])
    levels = assignments.levels(str(holder.fact["id"]).lower(), holder)
    excluded = exclusion(holder)
    found, unknown, orders = _follow_all(levels, excluded, precedence)
    if nameless := identity_failure(facts):
        found, unknown = [], unknown or because(nameless, NAMELESS).reason
    return Explanation(
        subject=subject,
        in_force=tuple(map(_in_force, found)),
        unknown=unknown,
        orders={name.value: tuple(_considered(levels, followed)) for name, followed in orders.items()},
        notes=(
            *notes(subject, holder, excluded, levels, found),
            *elsewhere(subject, holder, read_tenant(assignments.facts).id),
        ),
        changes=tuple(
            changes(
                assignments,
                subject,
                excluded,
                levels,
                [rank for each in orders.values() for one in each for rank in one.ranks],
            )
        ),
        concerned=frozenset(_concerned(assignments, subject, levels)),
    )


def _follow_all(
    levels: Levels, excluded: str | Unknown | None, precedence: Precedence
) -> tuple[list[Candidate], str, Mapping[Precedence, list[Followed]]]:
    """What may be in force in all ways, why that is not all, and what each order came by.

    In a way where one order cannot be followed to its end, the other says nothing either.
    """
    orders: dict[Precedence, list[Followed]] = {name: [] for name in chosen_orders(precedence)}
    found: dict[Candidate, None] = {}
    unknown = ""
    for way in ways(levels):
        for name, order in chosen_orders(precedence).items():
            ranks = follow(order, way)
            orders[name].append(Followed(ranks, excluded or candidates(ranks)))
        said = [followed[-1].deciding for followed in orders.values()]
        reason = next((each.reason for each in said if isinstance(each, Unknown)), "")
        unknown = unknown or reason
        if not reason:
            found |= dict.fromkeys(each for deciding in said if isinstance(deciding, tuple) for each in deciding)
    return list(found), unknown, orders


def _in_force(candidate: Candidate) -> InForce:
    lifetime = candidate.policy.word if candidate.policy else None
    id_token = lifetime if isinstance(lifetime, timedelta) else DEFAULT_ID_TOKEN
    shortest, longest, identity, until = (
        int(length.total_seconds()) for length in (candidate.shortest, candidate.longest, id_token, id_token + SKEW)
    )
    return InForce(candidate.basis.value, _ref(candidate.policy), shortest, longest, identity, identity, until)


def _considered(levels: Levels, followed: Sequence[Followed]) -> Iterator[Considered]:
    """Each level along an order, then Microsoft's default."""
    for place, rank in enumerate(followed[0].ranks):
        at = policies_at(levels[rank.basis])
        lifetime = at[0].word if len(at) == 1 else None
        deciding = [each for each in followed if _decides(each.ranks[place], each.deciding)]
        yield Considered(
            level=rank.basis.value,
            policy=_ref(at[0]) if len(at) == 1 else None,
            lifetime=int(lifetime.total_seconds()) if isinstance(lifetime, timedelta) else None,
            decides=bool(deciding),
            reason=_level_reason(levels, rank.basis, place, followed, deciding),
        )
    by_default = [each for each in followed if isinstance(each.deciding, tuple) and DEFAULT in each.deciding]
    yield Considered(
        level=Basis.DEFAULT.value,
        policy=None,
        lifetime=None,
        decides=bool(by_default),
        reason=(
            _if_ignored(levels)
            if by_default and len(by_default) < len(followed)
            else _default_reason(followed[0].deciding if len(by_default) != 1 else by_default[0].deciding)
        ),
    )


def _decides(rank: Rank, deciding: Deciding | str) -> bool:
    return bool(rank.reached) and isinstance(deciding, tuple) and rank.says in deciding and rank.says != DEFAULT


def _level_reason(
    levels: Levels, basis: Basis, place: int, followed: Sequence[Followed], deciding: Sequence[Followed]
) -> str:
    """What becomes of a level in all the ways in which the levels may count."""
    first = followed[0]
    reached = [each for each in followed if each.ranks[place].reached is not False]
    doubts = [doubt for policy in policies_at(levels[basis]) for doubt in doubts_at(basis, policy)]
    if doubts and reached and not isinstance(first.deciding, str):
        said = _reason(reached[0].ranks[place], reached[0].deciding)
        why = "; ".join(each for each in dict.fromkeys(doubts) if each not in said)
        return f"{'may decide' if said == 'decides' else said}; Entra may ignore it{f': {why}' if why else ''}"
    if deciding and len(deciding) < len(followed):
        return _if_ignored(levels)
    return _reason(first.ranks[place], first.deciding)


def _if_ignored(levels: Levels) -> str:
    """Of a level that decides in some ways only."""
    named = dict.fromkeys(
        str(policy)
        for basis, standing in levels.items()
        for policy in policies_at(standing)
        if doubts_at(basis, policy)
    )
    return f"may decide: only where Entra ignores {' or '.join(named)}"


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
    yield from (policy.id for standing in levels.values() for policy in policies_at(standing))
    yield from (policy.id for policy, object_id in assignments if object_id in objects)
    yield from (policy.id for policy in assignments.policies.values() if policy.is_organization_default is True)
    if levels[Basis.ORGANIZATION] is not None:
        yield read_tenant(assignments.facts).id
