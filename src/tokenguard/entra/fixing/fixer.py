"""What the fixers of Entra have in common, and who holds a policy, as they see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tokenguard.changes import Operation, Refusal
from tokenguard.entra.facts import UNASKED, DirectoryObject, EntraFacts, Kind, because
from tokenguard.entra.fixing.operations import POLICY, enact
from tokenguard.entra.fixing.reach import called
from tokenguard.entra.reading import Unknown
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import Need

WRITE_POLICIES = (("Policy.ReadWrite.ApplicationConfiguration",),)
WRITE_ASSIGNMENTS = tuple(
    (write, read)
    for write in ("Application.ReadWrite.All", "Application.ReadWrite.OwnedBy")
    for read in ("Policy.Read.All", "Policy.ReadWrite.ApplicationConfiguration")
)
"""The one for owned objects is less, but enough only for applications that the caller owns: it stands last.

Source: Microsoft's permission data for Graph v1.0, 2026-08-07.
"""


class EntraFixer:
    """The operations of Entra are the same whatever resource they mend."""

    needs: Sequence[Need] = (
        Need("tokenLifetimePolicyAssignment", frozenset({"objectId"})),
        Need("organization", frozenset({"servicePrincipalCount"})),
    )
    """Who holds which policy, and how many an organization default reaches."""

    def enact(self, facts: EntraFacts, operation: Operation) -> EntraFacts:
        """See `tokenguard.hookspecs.Fixer`."""
        return enact(facts, operation)

    def permissions(self, operation: Operation) -> tuple[tuple[str, ...], ...]:
        """See `tokenguard.hookspecs.Fixer`."""
        return WRITE_POLICIES if POLICY in operation.target else WRITE_ASSIGNMENTS


@dataclass(frozen=True, slots=True)
class Holder:
    """An object that holds a policy, or is to hold one."""

    kind: Kind
    id: str
    object: DirectoryObject

    @property
    def name(self) -> str:
        """What sentences call it."""
        return called(self.object)


def holders_of(facts: EntraFacts, policy_id: str) -> tuple[str, ...] | Refusal:
    """The ids of what holds a policy. Where they are not known, nobody can say whom a fix would touch."""
    if policy_id not in facts.policies:
        return Refusal("the policy would be there no more")
    holders = facts.holders.get(policy_id, UNASKED)
    if isinstance(holders, ReadFailure):
        return Refusal(f"who holds the policy could not be read: {because(holders).reason}")
    return tuple(each for each in holders if each not in facts.gone)


def holder_of(facts: EntraFacts, policy_id: str, object_id: str) -> Holder | Refusal:
    """The object that holds a policy, and only this one, or why its assignment cannot be touched."""
    holders = holders_of(facts, policy_id)
    if isinstance(holders, Refusal):
        return holders
    if object_id not in holders:
        return Refusal("the assignment would be there no more")
    found = facts.objects.get(object_id)
    if found is None or isinstance(found.kind, Unknown):
        why = f": {found.kind.reason}" if found is not None and isinstance(found.kind, Unknown) else ""
        return Refusal(f"what holds the policy, {object_id}, could not be read{why}")
    held = [id_ for id_, ids in facts.holders.items() if not isinstance(ids, ReadFailure) and object_id in ids]
    if len(held) > 1:
        return Refusal(f"{called(found)} seems to hold {len(held)} policies, where Entra allows one; try again later")
    return Holder(found.kind, object_id, found)
