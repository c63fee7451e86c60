"""What was read of a tenant, in Graph's shape: each piece with the failure that stands where it could not be read.

A plan changes a copy (`dataclasses.replace` on `policies` and `holders`) and derives every resource anew. What is not
said is not known: facts without anything derive to unknowns, never to compliance. Ids in keys are lower case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tokenguard.entra.reading import NOT_ASKED, NOT_HELD, Unknown, member
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import CollectionNotice, Fact

UNASKED = ReadFailure("", NOT_ASKED.reason)


class Kind(StrEnum):
    """What can hold a policy; the values are Graph's names and our resource types."""

    SERVICE_PRINCIPAL = "servicePrincipal"
    APPLICATION = "application"


_ODATA_TYPES = {f"#microsoft.graph.{kind}".lower(): kind for kind in Kind}


def kind_of(row: Fact, otherwise: Kind | Unknown) -> Kind | Unknown:
    """What Graph calls an object; `otherwise` where it does not say. A type that derives from ours is neither."""
    type_ = row.get("@odata.type")
    if type_ is None:
        return otherwise
    if isinstance(type_, Unknown):
        return type_
    return _ODATA_TYPES.get(
        str(type_).lower(), Unknown(f"Graph calls it {type_}: whether policies govern that is not documented")
    )


@dataclass(frozen=True, slots=True)
class DirectoryObject:
    """An application or a service principal, as far as it could be read."""

    kind: Kind | Unknown
    fact: Fact
    missing: Unknown = NOT_HELD
    """Why that is unknown which `fact` does not hold."""
    failure: ReadFailure | None = None
    """The call that should have told it, where that failed."""


PRINCIPAL_TYPES = ("Application", "ManagedIdentity", "Legacy", "SocialIdp")
"""Values of servicePrincipalType. Source: Microsoft Graph v1.0, servicePrincipal."""
AUDIENCES = ("AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount")
"""Values of signInAudience. Source: Microsoft Graph v1.0, application."""


def principal_type(fact: Fact, missing: Unknown = NOT_HELD) -> str | Unknown | None:
    """The servicePrincipalType of `fact`, spelt as Graph documents it."""
    return member(fact, "servicePrincipalType", PRINCIPAL_TYPES, missing)


def audience(fact: Fact, missing: Unknown = NOT_HELD) -> str | Unknown | None:
    """The signInAudience of `fact`, spelt as Graph documents it."""
    return member(fact, "signInAudience", AUDIENCES, missing)


Rows = Callable[[], Iterator[Fact | ReadFailure]]


@dataclass(frozen=True, slots=True)
class EntraFacts:
    """A tenant's token lifetime policies, who holds them, and the objects that rules speak of."""

    tenant: str = ""
    """Its id, by the word of the token; empty where there was none."""
    organization: Fact | ReadFailure = UNASKED
    service_principal_count: int | ReadFailure = UNASKED
    policies: Mapping[str, Fact] = field(default_factory=dict)
    """Policy id to policy; all that were read, even where `policies_failure` says that there may be more."""
    policies_failure: ReadFailure | None = UNASKED
    holders: Mapping[str, tuple[str, ...] | ReadFailure] = field(default_factory=dict)
    """Policy id to the ids of the objects in its `appliesTo`; a policy that is not here was not asked about."""
    objects: Mapping[str, DirectoryObject] = field(default_factory=dict)
    """Object id to the details of everything that holds a policy."""
    gone: frozenset[str] = frozenset()
    """Objects of `holders` that Graph no longer knew when their details were asked for.

    They are left out of every resource, as deleted: a second look at their policies no longer found them there.
    """
    named: Mapping[Kind, Mapping[str, Fact | ReadFailure | None]] = field(default_factory=dict)
    """appId to the object that was asked for by it; None where the tenant has none."""
    counts: Mapping[str, int | ReadFailure] = field(default_factory=dict)
    """How many there are of what is read in full, as Graph counts them, by type; none of what is not read so."""
    lists: Mapping[Kind, Rows] = field(default_factory=dict)
    """Full lists, read as they are iterated and anew each time: they can be longer than memory."""
    notices: tuple[CollectionNotice, ...] = ()
    """What the reader should know of how this was read; for each type that derives from it."""


def because(failure: ReadFailure, what: str = "") -> Unknown:
    """What hangs on a read that failed is unknown for its reason; `what` says what could not be determined."""
    if failure is UNASKED:
        return NOT_ASKED
    needs = f"; it takes {failure.permission}" if failure.permission else ""
    return Unknown(f"{what}: {failure.reason}{needs}" if what else f"{failure.reason}{needs}")
