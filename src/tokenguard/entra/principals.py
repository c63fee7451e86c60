"""The `servicePrincipal` and `application` resources: objects that rules name, or every one of the tenant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tokenguard.entra.asking import PATHS
from tokenguard.entra.assignments import Assignments
from tokenguard.entra.facts import UNASKED, DirectoryObject, Kind, audience, kind_of, principal_type
from tokenguard.entra.levels import Standing
from tokenguard.entra.lifetime import lifetime_properties, possible_properties
from tokenguard.entra.microsoft import is_first_party
from tokenguard.entra.reading import NOT_ASKED, Unknown, first_unknown, flag, guid, make_resource, not_held, text
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import CollectionFailure, Fact, Need, Resource, Scope

CREDENTIALS = ("passwordCredentials", "keyCredentials")
_MISSING = {kind: not_held(path) for kind, path in PATHS.items()}


def read_objects(assignments: Assignments, kind: Kind, need: Need) -> Iterator[Resource | CollectionFailure | Scope]:
    """The objects of `kind` that were asked for, as they arrive; an appId that the tenant does not know gives none."""
    if need.app_ids is not None:
        yield Scope(kind.value, need.app_ids)
    for fact in _facts(assignments, kind, need):
        if isinstance(fact, ReadFailure):
            yield CollectionFailure(kind.value, fact.reason, fact.permission)
            continue
        id_ = guid(fact, "id")
        if isinstance(id_, str) and id_:
            yield _read_object(assignments, kind, id_, fact, need)
        else:
            yield CollectionFailure(kind.value, f"an answer about a {kind} has no id")


def _facts(assignments: Assignments, kind: Kind, need: Need) -> Iterator[Fact | ReadFailure]:
    facts = assignments.facts
    if need.app_ids is not None:
        named = facts.named.get(kind, {})
        found = (named.get(app_id, UNASKED) for app_id in sorted(need.app_ids))
        return (fact for fact in found if fact is not None)
    return facts.lists[kind]() if kind in facts.lists else iter((UNASKED,))


def _read_object(assignments: Assignments, kind: Kind, id_: str, fact: Fact, need: Need) -> Resource:
    missing = _MISSING[kind]
    name = text(fact, "displayName", missing)
    effective = assignments.effective(id_, DirectoryObject(kind_of(fact, kind), fact, missing))
    properties = {
        "appId": guid(fact, "appId", missing),
        "displayName": name,
        "signInAudience": audience(fact, missing),
        **(
            {"createdDateTime": text(fact, "createdDateTime", missing)}
            if kind is Kind.APPLICATION
            else {
                "servicePrincipalType": principal_type(fact, missing),
                "appOwnerOrganizationId": guid(fact, "appOwnerOrganizationId", missing),
                "isFirstParty": is_first_party(fact, missing),
                "accountEnabled": flag(fact, "accountEnabled", missing),
            }
        ),
        "assignedTokenLifetimePolicy": _assigned(assignments.held_by(id_)),
        **lifetime_properties(effective),
        **{name: _credentials(fact, name, missing if name in need.properties else NOT_ASKED) for name in CREDENTIALS},
    }
    return make_resource(kind.value, id_, name, properties, possible_properties(effective))


def _assigned(policy: Standing) -> dict[str, Any] | Unknown | None:
    if policy is None or isinstance(policy, Unknown):
        return policy
    described = {
        "id": policy.id,
        "displayName": policy.name,
        "isOrganizationDefault": policy.is_organization_default,
        "accessTokenLifetimeSeconds": policy.seconds,
    }
    return first_unknown(*described.values()) or described


def _credentials(fact: Fact, name: str, missing: Unknown) -> list[dict[str, Any]] | Unknown:
    """What is known of secrets or certificates, without any secret."""
    credentials = fact.get(name, missing)
    if isinstance(credentials, Unknown):
        return credentials.of(name)
    if not isinstance(credentials, list) or not all(isinstance(each, dict) for each in credentials):
        return Unknown(f"{name} is no list of credentials")
    fields = ("displayName", "startDateTime", "endDateTime")
    described = [
        {"keyId": guid(each, "keyId"), **{field: text(each, field) for field in fields}} for each in credentials
    ]
    return first_unknown(*(value for each in described for value in each.values())) or described
