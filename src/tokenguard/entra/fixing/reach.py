"""Whom a fix reaches, in words: an administrator agrees to that, more than to a write."""

from __future__ import annotations

from collections.abc import Sequence

from tokenguard.entra.facts import DirectoryObject, EntraFacts, Kind, because
from tokenguard.entra.microsoft import DATAVERSE, is_first_party
from tokenguard.entra.reading import guid, text

NOBODY = "no token: nothing that Entra heeds changes"
NAMED = 3
"""Objects that are named; of more the number is said."""


def everyone(facts: EntraFacts) -> str:
    """Whom an organization default reaches."""
    count = facts.service_principal_count
    known = f"up to {count}" if isinstance(count, int) else f"how many is not known: {because(count).reason}"
    return f"tokens for every application of the tenant that no other policy governs ({known} service principals)"


def clients_of(holders: Sequence[DirectoryObject]) -> str:
    """Whom the policy of `holders` reaches."""
    if not holders:
        return "no token: nothing holds the policy"
    named = "; ".join(map(_clients, holders[:NAMED]))
    return f"tokens for {named}" + (f"; and {len(holders) - NAMED} more" if len(holders) > NAMED else "")


def called(holder: DirectoryObject) -> str:
    """What sentences call an object that holds a policy."""
    name = text(holder.fact, "displayName")
    return name if isinstance(name, str) and name else str(holder.fact.get("id", "an object without a name"))


def _clients(holder: DirectoryObject) -> str:
    kind = "application" if holder.kind is Kind.APPLICATION else "service principal"
    return f"{called(holder)} ({kind}{_shared(holder)}): {_extent(holder)}"


def _shared(holder: DirectoryObject) -> str:
    return ", Microsoft's own" if is_first_party(holder.fact, holder.missing) is True else ""


def _extent(holder: DirectoryObject) -> str:
    if guid(holder.fact, "appId") == DATAVERSE:
        return "every client and every environment of the tenant"
    return "every client of it in the tenant"
