"""Who holds which policy, looked at from the holder's side.

Graph tells assignments from the policies' side only, to who may only read. So "holds none" is known of an object when
every policy's `appliesTo` was read, and of an application's counterpart (the principal or application of the same
appId) when in addition the details of every holder were read. Short of that it is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tokenguard.entra.facts import UNASKED, DirectoryObject, EntraFacts, Kind, because
from tokenguard.entra.levels import Basis, Levels, Several, Standing
from tokenguard.entra.lifetime import Effective, effective_lifetime, exclusion
from tokenguard.entra.policy import NULL_DEFAULT, Policy, parse_policies
from tokenguard.entra.reading import NOT_ASKED, Unknown, first_unknown, guid
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import Precedence

_UNREAD = DirectoryObject(NOT_ASKED, {}, NOT_ASKED)
_COUNTERPART = {Kind.SERVICE_PRINCIPAL: Kind.APPLICATION, Kind.APPLICATION: Kind.SERVICE_PRINCIPAL}


class Assignments:
    """The policies and assignments of some facts, indexed once."""

    def __init__(self, facts: EntraFacts, precedence: Precedence) -> None:
        self.facts = facts
        self.precedence = precedence
        self.policies = parse_policies(facts)
        self._incomplete = _first_failure(facts, self.policies)
        self._organization = _organization_default(facts, self.policies)
        self._by_object: dict[str, list[Policy]] = {}
        self._by_app: dict[tuple[Kind, str], list[Policy]] = {}
        self._doubtful: dict[tuple[Kind, str], Unknown] = {}
        """What holds a policy and is perhaps of this kind, by its appId."""
        self._unplaced: dict[Kind, Unknown] = {}
        """What holds a policy and is perhaps of this kind, and may have any appId."""
        self._effective: dict[tuple[str | None, ...], Effective | Unknown] = {}
        """What is in force where policies apply, by those that principal and application hold: mostly none."""
        for policy, object_id in self:
            self._by_object.setdefault(object_id, []).append(policy)
        for object_id, policies in self._by_object.items():
            self._place(self.object(object_id), policies)

    def __iter__(self) -> Iterator[tuple[Policy, str]]:
        """Every assignment that was read: a policy and the id of its holder, gone ones left out."""
        for policy_id, policy in self.policies.items():
            holders = self.facts.holders.get(policy_id, UNASKED)
            if not isinstance(holders, ReadFailure):
                yield from ((policy, holder) for holder in dict.fromkeys(holders) if holder not in self.facts.gone)

    def object(self, object_id: str) -> DirectoryObject:
        """The details of a holder, as far as they were read."""
        return self.facts.objects.get(object_id, _UNREAD)

    def held_by(self, object_id: str) -> Standing:
        """The policy that an object itself holds."""
        standing = self._held_by(object_id)
        if isinstance(standing, Several):
            return Unknown(f"{standing.problem}: {', '.join(map(str, standing.policies))}")
        return standing

    def effective(self, object_id: str, holder: DirectoryObject) -> Effective | Unknown:
        """What is in force for tokens issued for an object."""
        levels = self.levels(object_id, holder)
        own = levels[Basis.SERVICE_PRINCIPAL], levels[Basis.APPLICATION]
        if exclusion(holder) is not None or any(isinstance(each, Unknown | Several) for each in own):
            return effective_lifetime(holder, levels, self.precedence)
        key = tuple(each.id if isinstance(each, Policy) else None for each in own)
        if key not in self._effective:
            self._effective[key] = effective_lifetime(holder, levels, self.precedence)
        return self._effective[key]

    def levels(self, object_id: str, holder: DirectoryObject) -> Levels:
        """What stands at each level for tokens issued for an object."""
        if isinstance(holder.kind, Unknown):
            return dict.fromkeys((Basis.SERVICE_PRINCIPAL, Basis.APPLICATION, Basis.ORGANIZATION), holder.kind)
        other = _COUNTERPART[holder.kind]
        return {
            Basis.ORGANIZATION: self._organization,
            Basis(holder.kind.value): self._held_by(object_id),
            Basis(other.value): self._held_by_app(other, guid(holder.fact, "appId", holder.missing)),
        }

    def _held_by(self, object_id: str) -> Standing | Several:
        return self._only(self._by_object.get(object_id, ()), self._incomplete)

    def _held_by_app(self, kind: Kind, app_id: str | Unknown | None) -> Standing | Several:
        if isinstance(app_id, Unknown):
            anyone = any(kind is held_kind for held_kind, _ in (*self._by_app, *self._doubtful))
            return app_id if anyone else self._incomplete or self._unplaced.get(kind)
        policies = self._by_app.get((kind, app_id or ""), ())
        doubt = self._unplaced.get(kind) or self._doubtful.get((kind, app_id or ""))
        return self._only(policies, self._incomplete or doubt)

    def _place(self, holder: DirectoryObject, policies: Sequence[Policy]) -> None:
        app_id = guid(holder.fact, "appId", holder.missing)
        if isinstance(app_id, str) and isinstance(holder.kind, Kind):
            self._by_app.setdefault((holder.kind, app_id), []).extend(policies)
        elif isinstance(app_id, str) and isinstance(holder.kind, Unknown):
            reason = Unknown(f"{policies[0]} is on an object of unknown kind: {holder.kind.reason}")
            self._doubtful.update(((kind, app_id), reason) for kind in Kind)
        else:
            unknown = first_unknown(holder.kind, app_id)
            why = unknown.reason if unknown else "Graph gives none"
            reason = Unknown(f"{policies[0]} is on an object of unknown appId: {why}")
            for kind in Kind if isinstance(holder.kind, Unknown) else (holder.kind,):
                self._unplaced.setdefault(kind, reason)

    @staticmethod
    def _only(policies: Sequence[Policy], otherwise: Unknown | None) -> Standing | Several:
        """The one of `policies`, `otherwise` where there is none.

        One that was seen is the one, whatever else was not read: Entra refuses an object a second. Two can be seen
        all the same while a replacement settles.
        """
        if len(policies) > 1:
            return Several(tuple(policies), "more than one policy is assigned")
        return policies[0] if policies else otherwise


def _first_failure(facts: EntraFacts, policies: Mapping[str, Policy]) -> Unknown | None:
    """Why an object that no known assignment names may hold a policy all the same; None when it cannot."""
    if facts.policies_failure is not None:
        return because(facts.policies_failure, "not every policy could be read")
    for id_, policy in policies.items():
        holders = facts.holders.get(id_, UNASKED)
        if isinstance(holders, ReadFailure):
            return because(holders, f"what holds {policy} could not be read")
    return None


def _organization_default(facts: EntraFacts, policies: Mapping[str, Policy]) -> Standing | Several:
    if facts.policies_failure is not None:
        return because(facts.policies_failure, "not every policy could be read")
    unknown = first_unknown(
        *(each for policy in policies.values() if (each := policy.is_organization_default) is not NULL_DEFAULT)
    )
    if unknown is not None:
        return unknown
    defaults = tuple(policy for policy in policies.values() if policy.is_organization_default)
    if len(defaults) > 1:
        return Several(defaults, "more than one policy is the organization default, where Entra documents one")
    return defaults[0] if defaults else None
