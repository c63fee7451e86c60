"""What the needs of rules take of a tenant, tried: what a token says of itself is not what Graph makes of it.

A person's directory roles, a policy of Conditional Access, or a permission granted a moment ago decide as well. So
each kind of call that a scan would make is made: for a row or two of what may be many, and judged as a scan judges it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from tokenguard.entra.answer import REFUSALS
from tokenguard.entra.asking import (
    LISTS,
    ORGANIZATION,
    PATHS,
    POLICIES,
    ask_gone,
    ask_holders,
    ask_objects,
    ask_organization,
    ask_policies,
    lacks_details,
    unheard_of,
)
from tokenguard.entra.collector import GOVERNED, ORGANIZATION_DEFAULTS
from tokenguard.entra.counting import COUNT, POLICY, notices
from tokenguard.entra.facts import UNASKED, DirectoryObject, EntraFacts, Kind
from tokenguard.entra.grants import grant
from tokenguard.entra.live import LiveSource
from tokenguard.entra.organization import identity_failure
from tokenguard.entra.permissions import demands
from tokenguard.entra.reading import Unknown, guid
from tokenguard.examination import Access, AccessState, Examination
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import CollectionNotice, Fact, Need

HOLDERS = f"{POLICIES}/{{id}}/appliesTo"
PRINCIPALS, APPLICATIONS = PATHS[Kind.SERVICE_PRINCIPAL], PATHS[Kind.APPLICATION]
COUNTED = f"{PRINCIPALS}{COUNT}"
DETAILS = f"{PRINCIPALS}/{{id}}"
"""Of what holds a policy, where `HOLDERS` does not tell them."""
_WHAT = {
    ORGANIZATION: "the organization",
    POLICIES: "token lifetime policies",
    HOLDERS: "what holds a policy",
    DETAILS: "details of what holds a policy",
    PRINCIPALS: "service principals",
    COUNTED: "the number of service principals",
    APPLICATIONS: "applications",
}
_OF_THE_POLICY = frozenset(
    {"policyId", "policyName", "isOrganizationDefault", "accessTokenLifetimeSeconds", "objectId"}
)
"""Properties of an assignment that are known without any details of its holder."""
_POLICIES = 20
"""What holds so many policies is one request."""
_UNREMARKABLE = frozenset(
    {"openid", "profile", "email", "offline_access", "User.Read", "Organization.Read.All"}  # the last: a tenant's name
)


def examine(source: LiveSource, needs: Mapping[str, Need]) -> Examination:
    """Try what each of `needs` takes; see `tokenguard.hookspecs.Examiner`."""
    signed_in = source.signed_in
    calls = {key: tuple(calls_of(need)) for key, need in needs.items()}
    trial = _Trial(source, needs.values())
    tried = {call: trial.access(call) for call in dict.fromkeys(call for made in calls.values() for call in made)}
    nameless = trial.nameless()
    met = (*nameless, *tried.values())
    lacking = {permission for access in met for permission in access.lacking}
    taken = {permission for access in met for permission in access.permissions}
    return Examination(
        tenant=signed_in.tenant,
        cloud=source.cloud,
        credential=signed_in.credential.title,
        client=signed_in.client,
        delegated=signed_in.delegated,
        permissions=signed_in.permissions,
        accesses={
            key: tuple(dict.fromkeys((*nameless, *(tried[call] for call in made)))) for key, made in calls.items()
        },
        excess=tuple(name for name in signed_in.permissions if name not in taken | _UNREMARKABLE),
        grants=tuple(
            grant(permission, cloud=source.cloud, client=signed_in.client, delegated=signed_in.delegated)
            for permission in sorted(lacking)
        ),
        notices=tuple(trial.notices({call for call, access in tried.items() if access.answer})),
    )


def calls_of(need: Need) -> Iterator[str]:
    """The kinds of calls without which `need` cannot be met."""
    governed = not need.properties.isdisjoint(GOVERNED)
    match need.type:
        case "organization":
            if not need.properties.isdisjoint({"displayName", "defaultDomain"}):
                yield ORGANIZATION
            if "servicePrincipalCount" in need.properties:
                yield COUNTED
            if not need.properties.isdisjoint(ORGANIZATION_DEFAULTS):
                yield POLICIES
        case "tokenLifetimePolicy":
            yield POLICIES
            if "assignmentCount" in need.properties:
                yield HOLDERS
        case "tokenLifetimePolicyAssignment":
            yield from (POLICIES, HOLDERS)
            if not need.properties <= _OF_THE_POLICY:
                yield DETAILS
        case kind:
            yield PATHS[Kind(kind)]
            if governed:
                yield from (POLICIES, HOLDERS, DETAILS)


class _Trial:
    """Calls made for a few rows each, and only once."""

    def __init__(self, source: LiveSource, needs: Collection[Need]) -> None:
        self._source = source
        self._types = tuple(dict.fromkeys(need.type for need in needs))
        made = {call for need in needs for call in calls_of(need)}
        listed = {need.type for need in needs if need.app_ids is None}
        self._listed = tuple(name for name, path in LISTS.items() if path in made and name in {*listed, POLICY})
        number = (Kind.SERVICE_PRINCIPAL,) if COUNTED in made else ()
        self._organization, self._counts = ask_organization(source, {*self._listed, *number})
        self._asked = {ORGANIZATION: self._organization, COUNTED: self._counts.get(Kind.SERVICE_PRINCIPAL, UNASKED)}

    def nameless(self) -> tuple[Access, ...]:
        """The organization, where it cannot be known which tenant is read: then nothing is evaluated."""
        failure = identity_failure(EntraFacts(tenant=self._source.tenant, organization=self._organization))
        return (_access(ORGANIZATION, failure, self._source.signed_in.permissions),) if failure else ()

    def notices(self, failed: Collection[str]) -> Iterator[CollectionNotice]:
        """What to know of the lists, but for those of the calls that `failed`."""
        counts = {name: self._counts[name] for name in self._listed if LISTS[name] not in failed}
        yield from notices(counts, self._types, ())

    def access(self, call: str) -> Access:
        """What came of `call`."""
        return _access(call, self._failure(call), self._source.signed_in.permissions)

    def _failure(self, call: str) -> ReadFailure | None:
        match call:
            case _ if call == HOLDERS:
                return self._holders.failure
            case _ if call == DETAILS:
                return self._details()
            case _ if call == POLICIES:
                return self._policies[1]
            case _ if call in self._asked:
                fate = self._asked[call]
                return fate if isinstance(fate, ReadFailure) else None
        return self._first(call)

    def _first(self, call: str) -> ReadFailure | None:
        call = f"{call}?$top=1"
        first = next(self._source.rows(call), None)
        if first is None or isinstance(first, ReadFailure):
            return first
        id_ = guid(first, "id")
        return None if id_ and not isinstance(id_, Unknown) else ReadFailure(call, f"GET {call}: an object has no id")

    def _details(self) -> ReadFailure | None:
        policy = self._holders
        if policy.failure or not policy.said:
            return policy.failure or self._first(PRINCIPALS)  # nothing to be told of: whether it would be, this tells
        found, unknown = ask_objects(self._source, policy.said)
        for id_ in unknown - ask_gone(self._source, policy.holders, unknown):
            found[id_] = unheard_of(id_, policy.said[id_])
        return next(map(_failure_of, filter(lacks_details, found.values())), None)

    @cached_property
    def _policies(self) -> tuple[Mapping[str, Fact], ReadFailure | None]:
        """All policies, which are few, by id; and why there may be more."""
        return ask_policies(self._source, self._counts.get(POLICY, UNASKED))

    @cached_property
    def _holders(self) -> _Holders:
        policies, failure = self._policies
        holders, said = ask_holders(self._source, islice(policies, _POLICIES))
        failures = (held for held in holders.values() if isinstance(held, ReadFailure))
        return _Holders(holders, dict(islice(said.items(), 1)), failure or next(failures, None))


@dataclass(frozen=True, slots=True)
class _Holders:
    """What holds the first policies."""

    holders: Mapping[str, tuple[str, ...] | ReadFailure]
    said: Mapping[str, Fact]
    """Some object that holds a policy, by its id, if the policies have any."""
    failure: ReadFailure | None
    """Why none can be known."""


def _access(call: str, failure: ReadFailure | None, held: Collection[str]) -> Access:
    found = demands(call, held)
    lacking = tuple(least for least, serving in found.items() if not serving)
    return Access(
        what=_WHAT[call],
        permissions=tuple(found),
        lacking=lacking,
        answer=failure.reason if failure else "",
        state=_state(failure, lacking),
    )


def _failure_of(holder: DirectoryObject) -> ReadFailure:
    return holder.failure or ReadFailure("", holder.missing.reason)


def _state(failure: ReadFailure | None, lacking: Collection[str]) -> AccessState:
    if failure is None:
        return AccessState.ANSWERED if lacking else AccessState.HELD
    if failure.status not in REFUSALS:
        return AccessState.UNREADABLE
    return AccessState.MISSING if lacking else AccessState.REFUSED
