"""Whether a policy decides the lifetime of tokens for what holds it: under every order of precedence, none, or some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from tokenguard.entra.facts import DirectoryObject
from tokenguard.entra.levels import Levels, doubtful, ways
from tokenguard.entra.lifetime import Candidate, deciding_under, exclusion
from tokenguard.entra.policy import Policy
from tokenguard.entra.reading import Unknown, first_unknown
from tokenguard.model import Precedence


class InForce(StrEnum):
    """Whether a policy decides the lifetime of tokens for its holder: under every chosen order, none, or some."""

    ALWAYS = "always"
    NEVER = "never"
    AMBIGUOUS = "ambiguous"


def in_force(
    policy: Policy, holder: DirectoryObject, levels: Levels, precedence: Precedence
) -> tuple[InForce, str] | Unknown:
    """Whether `policy`, which `holder` holds, decides the lifetime of tokens issued for it, and why."""
    excluded = exclusion(holder)
    if excluded is not None:
        return excluded if isinstance(excluded, Unknown) else (InForce.NEVER, excluded)
    if policy.word is None:
        return InForce.NEVER, "The policy sets no access token lifetime."
    found = [deciding_under(way, precedence) for way in ways(levels)]
    known = [each for each in found if not isinstance(each, Unknown)]
    shares = {candidate.policy == policy for each in known for may_decide in each.values() for candidate in may_decide}
    unknown = first_unknown(*found)
    if unknown is not None and len(shares) < len((True, False)):
        return unknown
    if shares == {True}:
        return InForce.ALWAYS, "It decides under every order of precedence considered."
    reason = " ".join([_sentence(known), *_doubtful(levels, known)])
    return (InForce.AMBIGUOUS if True in shares else InForce.NEVER), reason


def _doubtful(levels: Levels, known: Sequence[object]) -> Iterator[str]:
    """The same where it makes a difference."""
    return doubtful(levels) if len(known) > 1 else iter(())


def _sentence(ways_: Sequence[Mapping[Precedence, tuple[Candidate, ...]]]) -> str:
    """What decides under which order, orders that agree together."""
    orders: dict[str, list[str]] = {}
    for name in ways_[0]:
        found = dict.fromkeys(candidate for each in ways_ for candidate in each[name])
        orders.setdefault(" or ".join(map(str, found)), []).append(name)
    sentence = "; ".join(f"under {' and '.join(names)}, {decider} decides" for decider, names in orders.items())
    return f"{sentence[0].upper()}{sentence[1:]}."
