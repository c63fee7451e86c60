"""What people should know of the lifetime of one application's tokens, and what would change it: sentences.

Sources: Microsoft Learn, "Configurable token lifetimes", 2026-04-08, and "Continuous access evaluation"; "Access
tokens" (2023) for the default of Teams and Microsoft 365. That no policy reaches a single Dataverse environment follows
from there being one service principal for all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from tokenguard.entra.assignments import Assignments
from tokenguard.entra.definition import Definition
from tokenguard.entra.facts import DirectoryObject, Kind
from tokenguard.entra.levels import Basis, Levels, doubtful, policies_at
from tokenguard.entra.lifetime import DEFAULT, Candidate, Rank
from tokenguard.entra.microsoft import DATAVERSE, SHAREPOINT, is_first_party
from tokenguard.entra.policy import Policy
from tokenguard.entra.reading import Unknown, guid
from tokenguard.explanation import Subject

Excluded = str | Unknown | None
"""Why policies have no effect on the application, if they have none."""


def notes(
    subject: Subject, holder: DirectoryObject, excluded: Excluded, levels: Levels, found: Collection[Candidate]
) -> Iterator[str]:
    """What the numbers alone do not say."""
    if isinstance(excluded, str):
        yield excluded
        return
    if Kind.SERVICE_PRINCIPAL.value not in subject.objects:
        yield "No service principal of it was seen in this tenant; tokens for it are issued only where there is one."
    yield from _resource_or_client(subject)
    if is_first_party(holder.fact, holder.missing) is True:
        yield from _of_microsoft(subject, found)
    for policy in dict.fromkeys(each for standing in levels.values() for each in policies_at(standing)):
        if isinstance(policy.definition, Definition) and policy.definition.retired:
            yield f"Entra has ignored {', '.join(policy.definition.retired)} of {policy} since 2021-01-30."
    for sentence in doubtful(levels):
        yield f"{sentence} Where it decides, whether it or what comes after it holds is not documented."
    if len({(each.shortest, each.longest) for each in found}) > 1:
        yield (
            "What Microsoft documents leaves open which lifetime it is. `tokenguard probe --resource "
            f"{subject.app_id or subject.name}` asks for a token and shows it."
        )


def elsewhere(subject: Subject, holder: DirectoryObject, tenant: str) -> Iterator[str]:
    """What cannot be seen from `tenant` of an application that somebody else registered."""
    owner = guid(holder.fact, "appOwnerOrganizationId", holder.missing)
    if isinstance(owner, str) and owner != tenant and is_first_party(holder.fact, holder.missing) is False:
        yield (
            f"{subject.name} is registered in another tenant, {owner}: whether its publisher put a policy on it there, "
            "and whether that counts here, cannot be seen."
        )


def changes(
    assignments: Assignments, subject: Subject, excluded: Excluded, levels: Levels, ranks: Sequence[Rank]
) -> Iterator[str]:
    """What would change the lifetime, and what would not."""
    if isinstance(excluded, str):
        yield "Nothing that a token lifetime policy could say."
        return
    heeded = {rank.basis for rank in ranks if rank.reached is not False}
    for basis, title in _TITLES.items():
        for policy in policies_at(levels[basis]):
            if basis in heeded:
                yield f"Changing {policy} {title}{_reach(assignments, policy, basis)}."
            else:
                yield f"Changing {policy} {title} changes nothing as long as it is outranked."
    if not any(levels[basis] for basis in (Basis.SERVICE_PRINCIPAL, Basis.APPLICATION)):
        outranked = "; under documented-2026 the organization default would outrank it"
        yield f"Assigning a policy to {subject.name}{outranked if levels[Basis.ORGANIZATION] else ''}."


_TITLES = {
    Basis.ORGANIZATION: "as organization default",
    Basis.SERVICE_PRINCIPAL: "on the service principal",
    Basis.APPLICATION: "on the application",
}


def _reach(assignments: Assignments, policy: Policy, basis: Basis) -> str:
    """Whom a change of `policy` reaches as well."""
    if basis is Basis.ORGANIZATION:
        return ", which every application of the tenant has that no other policy governs"
    number = sum(held.id == policy.id for held, _ in assignments)
    return f", which {number} objects hold, or assigning another in its place" if number > 1 else ", or replacing it"


def _resource_or_client(subject: Subject) -> Iterator[str]:
    yield (
        f"A policy on {subject.name} governs tokens for {subject.name} as the resource, whichever client asks for them,"
        f" and the ID and SAML tokens of people who sign in to it. It does not change the access tokens that "
        f"{subject.name} gets, as a client, for another resource: there the resource's policy decides."
    )


def _of_microsoft(subject: Subject, found: Collection[Candidate]) -> Iterator[str]:
    if subject.app_id == DATAVERSE:
        yield (
            "One service principal stands for every Dataverse environment of the tenant: its lifetime is the same for "
            "all environments and all clients. A client that needs longer should ask for a new token before the old "
            "one expires."
        )
    if subject.app_id == SHAREPOINT:
        yield "For SharePoint Online and OneDrive a policy governs mobile and desktop clients only, not browsers."
    if DEFAULT in found:
        yield (
            "In a tenant without Conditional Access, the default of clients such as Microsoft Teams and Microsoft 365 "
            "is two hours."
        )
    yield (
        "Where client and resource both support continuous access evaluation, access tokens live 24 to 28 hours, "
        "whatever a policy says."
    )
