"""What the needs of rules take of a tenant, tried: what a token says of itself is not what Graph makes of it.

A person's directory roles, a policy of Conditional Access, or a permission granted a moment ago decide as well. So
each kind of call that a scan would make is made: for a row or two of what may be many, and judged as a scan judges it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice

from tokenguard.entra.asking import (
    ORGANIZATION,
    PATHS,
    POLICIES,
    ask_holders,
    ask_objects,
    ask_organization,
    ask_policies,
    lacks_details,
)
from tokenguard.entra.collector import GOVERNED, ORGANIZATION_DEFAULTS
from tokenguard.entra.facts import Kind
from tokenguard.entra.grants import grant
from tokenguard.entra.live import LiveSource
from tokenguard.entra.permissions import demands
from tokenguard.entra.reading import Unknown, guid
from tokenguard.examination import Access, Examination
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import Fact, Need

HOLDERS = f"{POLICIES}/{{id}}/appliesTo"
PRINCIPALS, APPLICATIONS = PATHS[Kind.SERVICE_PRINCIPAL], PATHS[Kind.APPLICATION]
DETAILS = f"{PRINCIPALS}/{{id}}"
"""Of what holds a policy, where `HOLDERS` does not tell them."""
_WHAT = {
    ORGANIZATION: "the organization",
    POLICIES: "token lifetime policies",
    HOLDERS: "what holds a policy",
    DETAILS: "details of what holds a policy",
    PRINCIPALS: "service principals",
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
    trial = _Trial(source)
    tried = {call: trial.access(call) for call in dict.fromkeys(call for made in calls.values() for call in made)}
    lacking = {permission for access in tried.values() if access.refusal for permission in access.lacking}
    taken = {permission for access in tried.values() for permission in access.permissions}
    return Examination(
        tenant=signed_in.tenant,
        cloud=source.cloud,
        credential=signed_in.credential.title,
        client=signed_in.client,
        delegated=signed_in.delegated,
        permissions=signed_in.permissions,
        accesses={key: tuple(tried[call] for call in made) for key, made in calls.items()},
        excess=tuple(name for name in signed_in.permissions if name not in taken | _UNREMARKABLE),
        grants=tuple(
            grant(permission, cloud=source.cloud, client=signed_in.client, delegated=signed_in.delegated)
            for permission in sorted(lacking)
        ),
    )


def calls_of(need: Need) -> Iterator[str]:
    """The kinds of calls without which `need` cannot be met."""
    governed = not need.properties.isdisjoint(GOVERNED)
    match need.type:
        case "organization":
            if not need.properties.isdisjoint({"displayName", "defaultDomain"}):
                yield ORGANIZATION
            if "servicePrincipalCount" in need.properties:
                yield PRINCIPALS
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

    def __init__(self, source: LiveSource) -> None:
        self._source = source

    def access(self, call: str) -> Access:
        """What came of `call`."""
        found = demands(call, self._source.signed_in.permissions)
        return Access(
            what=_WHAT[call],
            permissions=tuple(found),
            lacking=tuple(least for least, serving in found.items() if not serving),
            refusal=self._refusal(call),
        )

    def _refusal(self, call: str) -> str:
        if call == HOLDERS:
            return self._holders[1]
        if call == DETAILS:
            return self._details()
        if call == POLICIES:
            return self._policies[1]
        if call == ORGANIZATION:
            organization, _ = ask_organization(self._source, count=False)
            return organization.reason if isinstance(organization, ReadFailure) else ""
        first = next(self._source.rows(f"{call}?$top=1"), None)
        if isinstance(first, ReadFailure):
            return first.reason
        id_ = first is None or guid(first, "id")
        return "" if id_ and not isinstance(id_, Unknown) else f"GET {call}: an object has no id"

    def _details(self) -> str:
        holders, refusal = self._holders
        if refusal or not holders:
            return refusal or self._refusal(PRINCIPALS)  # nothing to be told of: whether it would be, this tells
        found, _ = ask_objects(self._source, holders)
        reasons = (holder.missing.reason for holder in found.values() if lacks_details(holder))
        return next(reasons, "")

    @cached_property
    def _policies(self) -> tuple[Mapping[str, Fact], str]:
        """All policies, which are few, by id; and why there may be more."""
        policies, failure = ask_policies(self._source)
        return policies, failure.reason if failure else ""

    @cached_property
    def _holders(self) -> tuple[Mapping[str, Fact], str]:
        """Some object that holds a policy, by its id, if the first policies have any; and why none can be known."""
        policies, failure = self._policies
        held, said = ask_holders(self._source, islice(policies, _POLICIES))
        refusals = (holders.reason for holders in held.values() if isinstance(holders, ReadFailure))
        return dict(islice(said.items(), 1)), failure or next(refusals, "")
