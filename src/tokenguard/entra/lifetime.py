"""Which policy decides how long tokens for an application live, under each order of precedence Microsoft documented.

The policies of three levels can govern tokens *for* an application (the resource, not the client): its service
principal's, its own, and the organization's default. Microsoft wrote down two orders of them:

- ``classic``, until April 2023: service principal, then organization, then application.
- ``documented-2026``: organization, then application. Where a service principal's policy stands is no longer said.

Source: Microsoft Learn, "Configurable token lifetimes", 2023 and 2026-04-08. What the pages leave open is not guessed:

- Under ``documented-2026``, where principal and application both hold a policy, either may decide.
- A policy that sets no lifetime may let the next level decide, or leave Microsoft's default in force; we consider both.
- A policy that Entra may ignore is taken at its word, and as not there: see `tokenguard.entra.levels`.
- Foreign applications' own policies, in their publishers' tenants, are invisible to any scan and not considered.

So an order gives one or more candidates. Over all candidates of the chosen orders, in every way in which the levels may
count, we take the longest and the shortest lifetime; where they differ, precedence is ambiguous. A level that is
reached and cannot be read makes the result unknown; one that is not reached, because a level before it decides for
certain, does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tokenguard.entra.facts import DirectoryObject, Kind, audience, principal_type
from tokenguard.entra.levels import Basis, Levels, Standing, Way, ways
from tokenguard.entra.policy import Policy, whole_seconds
from tokenguard.entra.reading import Unknown, first_unknown
from tokenguard.model import Precedence

Order = tuple[tuple[Basis, ...], ...]
"""Levels, the first to decide first; within one step the order is not documented."""

ORDERS: Mapping[Precedence, Order] = {
    Precedence.DOCUMENTED_2026: ((Basis.ORGANIZATION,), (Basis.SERVICE_PRINCIPAL, Basis.APPLICATION)),
    Precedence.CLASSIC: ((Basis.SERVICE_PRINCIPAL,), (Basis.ORGANIZATION,), (Basis.APPLICATION,)),
}

PERSONAL_AUDIENCES = frozenset({"AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount"})
"""Values of signInAudience that token lifetime policies do not support (same source)."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A lifetime that may be in force."""

    basis: Basis
    shortest: timedelta
    longest: timedelta
    policy: Policy | None = None

    def __str__(self) -> str:
        if self.policy is None:
            return "Microsoft's default of 60 to 90 minutes"
        level = {Basis.SERVICE_PRINCIPAL: "service principal"}.get(self.basis, self.basis.value)
        return f"{self.policy} on the {level}"


DEFAULT = Candidate(Basis.DEFAULT, timedelta(minutes=60), timedelta(minutes=90))
"""Microsoft assigns a random lifetime in this range (same source)."""


@dataclass(frozen=True, slots=True)
class Rank:
    """One level where an order comes by it."""

    basis: Basis
    standing: Standing
    says: Candidate | Unknown | None
    """The lifetime that it stands for: `DEFAULT` for a policy that sets none, None where there is no policy."""
    reached: bool | None
    """Whether no level before it decides for certain; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Effective:
    """What is in force for tokens issued for an application; no lifetimes where policies do not apply to it."""

    longest: timedelta | None
    shortest: timedelta | None
    basis: Basis
    ambiguous: bool


@dataclass(frozen=True, slots=True)
class PartlyKnown(Unknown):
    """Not known as a whole: of the ways in which the levels may count, some give a lifetime and others do not."""

    known: tuple[Effective, ...]
    """What is in force in the former, the longest first and the shortest last."""
    ambiguous: bool
    """Whether these alone differ."""


NOT_APPLICABLE = Effective(None, None, Basis.NOT_APPLICABLE, ambiguous=False)


def exclusion(holder: DirectoryObject) -> str | Unknown | None:
    """Why token lifetime policies have no effect on `holder`, a sentence; None where they do."""
    signs_in = audience(holder.fact, holder.missing)
    if signs_in in PERSONAL_AUDIENCES:
        return "The application signs in personal Microsoft accounts; token lifetime policies do not support that."
    if holder.kind is Kind.APPLICATION:
        return first_unknown(signs_in)
    type_ = principal_type(holder.fact, holder.missing)
    if type_ == "ManagedIdentity":
        return "The holder is a managed identity; token lifetime policies do not support them."
    return first_unknown(holder.kind, type_, signs_in)


def effective_lifetime(holder: DirectoryObject, levels: Levels, precedence: Precedence) -> Effective | Unknown:
    """What is in force for tokens issued for `holder`, over all orders that `precedence` chooses and all `ways`."""
    excluded = exclusion(holder)
    if excluded is not None:
        return excluded if isinstance(excluded, Unknown) else NOT_APPLICABLE
    found = [deciding_under(way, precedence) for way in ways(levels)]
    unknown = first_unknown(*found)
    known = [_effective(each.values()) for each in found if not isinstance(each, Unknown)]
    if unknown is None:
        return _together(known)
    if not known:
        return unknown
    ends = (max(known, key=_governed_and_long), min(known, key=lambda each: each.shortest or timedelta.max))
    return PartlyKnown(unknown.reason, tuple(dict.fromkeys(ends)), _together(known).ambiguous)


def deciding_under(way: Way, precedence: Precedence) -> Mapping[Precedence, tuple[Candidate, ...]] | Unknown:
    """What may decide under each order, in one way in which the levels count."""
    deciding: dict[Precedence, tuple[Candidate, ...]] = {}
    for name, order in chosen_orders(precedence).items():
        may_decide = candidates(follow(order, way))
        if isinstance(may_decide, Unknown):
            return may_decide
        deciding[name] = may_decide
    return deciding


def _effective(deciding: Iterable[Sequence[Candidate]]) -> Effective:
    found = [candidate for candidates in deciding for candidate in candidates]
    of_policies = [candidate for candidate in found if candidate.policy is not None]
    return Effective(
        longest=max(candidate.longest for candidate in found),
        shortest=min(candidate.shortest for candidate in found),
        # NOTE: rules about limits pass over the default, so it is the basis only where no policy may decide.
        basis=max(of_policies or [DEFAULT], key=lambda candidate: candidate.longest).basis,
        ambiguous=len({(candidate.shortest, candidate.longest) for candidate in found}) > 1,
    )


def _together(found: Sequence[Effective]) -> Effective:
    """What spans all of `found`."""
    return Effective(
        longest=max(each.longest or timedelta() for each in found),
        shortest=min(each.shortest or timedelta.max for each in found),
        basis=max(found, key=_governed_and_long).basis,
        ambiguous=any(each.ambiguous for each in found) or len({(each.shortest, each.longest) for each in found}) > 1,
    )


def _governed_and_long(effective: Effective) -> tuple[bool, timedelta]:
    return effective.basis is not Basis.DEFAULT, effective.longest or timedelta()


_AMBIGUOUS = "precedenceAmbiguous"


def lifetime_properties(effective: Effective | Unknown) -> dict[str, Any]:
    """The four properties that say what is in force."""
    names = ("longestLifetimeSeconds", "shortestLifetimeSeconds", "lifetimeBasis", _AMBIGUOUS)
    if isinstance(effective, Unknown):
        certain = {_AMBIGUOUS: True} if isinstance(effective, PartlyKnown) and effective.ambiguous else {}
        return {**dict.fromkeys(names, effective), **certain}
    seconds = map(whole_seconds, (effective.longest, effective.shortest))
    return dict(zip(names, (*seconds, effective.basis.value, effective.ambiguous), strict=True))


def possible_properties(effective: Effective | Unknown) -> tuple[dict[str, Any], ...]:
    """What the four properties may be, as far as that is known where they are not."""
    if not isinstance(effective, PartlyKnown):
        return ()
    hidden = {name for name, value in lifetime_properties(effective).items() if isinstance(value, Unknown)}
    return tuple(
        {name: value for name, value in lifetime_properties(each).items() if name in hidden} for each in effective.known
    )


def chosen_orders(precedence: Precedence) -> Mapping[Precedence, Order]:
    """The orders that `precedence` stands for."""
    return ORDERS if precedence is Precedence.ALL else {precedence: ORDERS[precedence]}


def follow(order: Order, levels: Way) -> tuple[Rank, ...]:
    """Every level in turn, with what it comes to; those of one step stand beside one another."""
    ranks: list[Rank] = []
    reached: bool | None = True
    for step in order:
        said = [_said(basis, levels[basis]) for basis in step]
        ranks += (Rank(basis, levels[basis], says, reached) for basis, says in zip(step, said, strict=True))
        if reached and any(isinstance(says, Unknown) for says in said):
            reached = None
        elif reached and any(says not in (None, DEFAULT) for says in said):
            reached = False
    return tuple(ranks)


def candidates(ranks: Iterable[Rank]) -> tuple[Candidate, ...] | Unknown:
    """What may be in force by what was found along one order, each once."""
    found: list[Candidate] = []
    for rank in ranks:
        if rank.reached and isinstance(rank.says, Unknown):
            return rank.says
        if rank.reached and isinstance(rank.says, Candidate):
            found.append(rank.says)
    return tuple(dict.fromkeys(found)) or (DEFAULT,)


def _said(basis: Basis, standing: Standing) -> Candidate | Unknown | None:
    if standing is None or isinstance(standing, Unknown):
        return standing
    word = standing.word
    if isinstance(word, Unknown):
        return Unknown(f"{standing}: {word.reason}")
    return DEFAULT if word is None else Candidate(basis, word, word, standing)
