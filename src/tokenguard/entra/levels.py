"""The policies that stand at the three levels of one application, and every way in which they may count.

Entra may ignore a policy that is not as Microsoft documents policies, see `Policy.doubts`; then the next level decides,
as if the policy were not there. And a policy whose isOrganizationDefault is null may be the organization default, or
not. Neither is documented, so each such policy is considered in both ways, and several of them in every combination.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from tokenguard.entra.policy import NULL_DEFAULT, Policy
from tokenguard.entra.reading import Unknown


class Basis(StrEnum):
    """Where the policy that decides sits, or why none does; Graph's names where it has them."""

    SERVICE_PRINCIPAL = "servicePrincipal"
    APPLICATION = "application"
    ORGANIZATION = "organization"
    DEFAULT = "default"
    NOT_APPLICABLE = "notApplicable"


Standing = Policy | Unknown | None
"""The policy at a level; None where there is none."""


@dataclass(frozen=True, slots=True)
class Several:
    """The policies at a level where there is more than one, or one that is perhaps there."""

    policies: tuple[Policy, ...]
    problem: str
    """Why nothing is known where more than one of them counts."""


Levels = Mapping[Basis, Standing | Several]
"""What stands at each of the three levels for one application."""

Way = Mapping[Basis, Standing]
"""What counts at each of the three levels, in one of the ways in which it may."""

MOST_IN_QUESTION = 6
"""Up to so many questions every combination of answers is considered; nobody has a tenant with more of them."""

_Question = tuple[str, str]
"""What may be otherwise, ``definition`` or ``default``, and of which policy, by id."""


def policies_at(standing: Standing | Several) -> tuple[Policy, ...]:
    """Those that are, or may be, at a level."""
    if isinstance(standing, Several):
        return standing.policies
    return (standing,) if isinstance(standing, Policy) else ()


def doubts_at(basis: Basis, policy: Policy) -> tuple[str, ...]:
    """Why `policy` may not count at this level, a clause each."""
    is_null = basis is Basis.ORGANIZATION and policy.is_organization_default is NULL_DEFAULT
    return (*policy.doubts, *((NULL_DEFAULT.reason,) if is_null else ()))


def doubtful(levels: Levels) -> Iterator[str]:
    """Which of the policies at `levels` may not count, and why: a sentence each."""
    reasons: dict[Policy, list[str]] = {}
    for basis, standing in levels.items():
        for policy in policies_at(standing):
            reasons.setdefault(policy, []).extend(doubts_at(basis, policy))
    for policy, why in reasons.items():
        if why:
            yield f"Entra may ignore {policy}: {'; '.join(dict.fromkeys(why))}."


def ways(levels: Levels) -> tuple[Way, ...]:
    """Every way in which `levels` may count, each once; first the one where each policy is taken at its word.

    Of more than `MOST_IN_QUESTION` questions only those combinations where at most one policy is taken at its word, or
    each, and a way of which nothing is known for the others.
    """
    questions = list(dict.fromkeys(each for basis, standing in levels.items() for each in _questions(basis, standing)))
    found: dict[tuple[object, ...], Way] = {}
    for ignored in _answers(questions):
        way = {basis: _counting(basis, standing, ignored) for basis, standing in levels.items()}
        key = tuple(each.id if isinstance(each, Policy) else each for each in way.values())
        found.setdefault(key, way)
    if len(questions) > MOST_IN_QUESTION:
        unknown = Unknown(f"of {len(questions)} doubtful policies, any may count or not")
        found[()] = dict.fromkeys(levels, unknown)
    return tuple(found.values())


def _questions(basis: Basis, standing: Standing | Several) -> Iterator[_Question]:
    for policy in policies_at(standing):
        if policy.doubts:
            yield "definition", policy.id
        if basis is Basis.ORGANIZATION and policy.is_organization_default is NULL_DEFAULT:
            yield "default", policy.id


def _answers(questions: Sequence[_Question]) -> Iterator[frozenset[_Question]]:
    """Which of `questions` have the answer that the policy does not count."""
    if len(questions) > MOST_IN_QUESTION:
        everything = frozenset(questions)
        yield frozenset()
        yield from (everything - {("definition", id_), ("default", id_)} for id_ in {id_ for _, id_ in questions})
        yield everything
        return
    for answers in product((False, True), repeat=len(questions)):
        yield frozenset(question for question, ignored in zip(questions, answers, strict=True) if ignored)


def _counting(basis: Basis, standing: Standing | Several, ignored: frozenset[_Question]) -> Standing:
    """What is left at a level of policies that do not count at all, or not as the organization default."""
    if standing is None or isinstance(standing, Unknown):
        return standing
    kinds = ("definition", "default") if basis is Basis.ORGANIZATION else ("definition",)
    left = [policy for policy in policies_at(standing) if ignored.isdisjoint((kind, policy.id) for kind in kinds)]
    if len(left) > 1 and isinstance(standing, Several):
        return Unknown(f"{standing.problem}: {', '.join(map(str, left))}")
    return left[0] if left else None
