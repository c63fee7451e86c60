"""What a write makes of a tenant: the next state, or Graph's refusal. Pure but for the id of a new policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from tokenguard_sandbox.answers import RefusedError, missing
from tokenguard_sandbox.definitions import as_documented
from tokenguard_sandbox.directory import Row, State
from tokenguard_sandbox.settings import Settings

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "definition": list,
    "displayName": str,
    "description": (str, type(None)),
    "isOrganizationDefault": (bool, type(None)),
}
_REFERENCES = ("/policies/tokenLifetimePolicies/", "/directoryObjects/")


@dataclass(frozen=True, slots=True)
class Written:
    """The state after a write, and the object that it created, if any."""

    state: State
    created: Row | None = None


def create(state: State, settings: Settings, body: Any) -> Written:
    """POST of a policy."""
    properties = _properties(body, settings)
    for name in ("definition", "displayName"):
        if name not in properties:
            raise RefusedError(400, f"A value is required for property '{name}' of resource 'TokenLifetimePolicy'.")
    blank: Row = {"id": str(uuid4()), "deletedDateTime": None, "description": None, "isOrganizationDefault": False}
    policy = {**blank, **properties}
    return Written(_with(state, settings, policy), policy)


def update(state: State, settings: Settings, policy_id: str, body: Any) -> Written:
    """PATCH of a policy: what is left out keeps its value."""
    known = _known(state, policy_id)
    return Written(_with(state, settings, {**known, **_properties(body, settings)}))


def delete(state: State, settings: Settings, policy_id: str) -> Written:
    """DELETE of a policy. What becomes of its assignments is not documented, so it is a setting."""
    _known(state, policy_id)
    if state.holders(policy_id) and settings.delete_assigned == "refuse":
        raise RefusedError(400, "The policy is still assigned to one or more objects.")
    policies = {id_: policy for id_, policy in state.policies.items() if id_ != policy_id}
    assignments = {holder: policy for holder, policy in state.assignments.items() if policy != policy_id}
    return Written(State(policies, assignments))


def assign(state: State, settings: Settings, object_id: str, body: Any) -> Written:
    """POST of a reference: the object takes the policy, unless it has one."""
    policy_id = _referenced(body)
    _known(state, policy_id)
    held = state.assignments.get(object_id)
    if held == policy_id:
        raise RefusedError(
            400, "One or more added object references already exist for the following modified properties: 'policies'."
        )
    if held:
        raise RefusedError(
            int(settings.second_assignment),
            "Request contains property changes that would result in property-uniqueness violation(s). "
            "Please retry your request with corrected values.",
            code="Request_MultipleObjectsWithSameKeyValue",
        )
    return Written(replace(state, assignments={**state.assignments, object_id: policy_id}))


def unassign(state: State, _settings: Settings, object_id: str, policy_id: str) -> Written:
    """DELETE of a reference."""
    if state.assignments.get(object_id) != policy_id:
        missing(policy_id)
    assignments = {holder: policy for holder, policy in state.assignments.items() if holder != object_id}
    return Written(replace(state, assignments=assignments))


def _with(state: State, settings: Settings, policy: Row) -> State:
    """The state with `policy` in it, if its neighbours allow that."""
    others = {id_: each for id_, each in state.policies.items() if id_ != policy["id"]}
    if settings.duplicate_names == "refuse" and policy["displayName"] in {
        each["displayName"] for each in others.values()
    }:
        raise RefusedError(400, "Another object with the same value for property displayName already exists.")
    if policy["isOrganizationDefault"] and settings.second_default != "allow":
        others = _without_default(others, settings)
    # A policy keeps its place in the order of creation.
    known = {id_: others.get(id_, policy) for id_ in state.policies}
    return replace(state, policies={**known, policy["id"]: policy})


def _without_default(policies: dict[str, Row], settings: Settings) -> dict[str, Row]:
    if settings.second_default == "refuse" and any(each["isOrganizationDefault"] for each in policies.values()):
        raise RefusedError(409, "Another policy of this type is the organization default already.")
    return {id_: {**each, "isOrganizationDefault": False} for id_, each in policies.items()}


def _properties(body: Any, settings: Settings) -> Row:
    if not isinstance(body, dict):
        raise RefusedError(400, "Unable to read JSON request payload.", code="BadRequest")
    properties = {name: value for name, value in body.items() if "@" not in name}
    for name, value in properties.items():
        if name not in _TYPES:
            raise RefusedError(400, f"Property '{name}' is unknown or cannot be written on 'TokenLifetimePolicy'.")
        if not isinstance(value, _TYPES[name]):
            raise RefusedError(400, f"Property {name} has an invalid value.")
    if "definition" in properties:
        _check_definition(properties["definition"], settings)
    if properties.get("isOrganizationDefault", False) is None:
        properties["isOrganizationDefault"] = False
    return properties


def _check_definition(definition: list[Any], settings: Settings) -> None:
    """Raise `RefusedError` for one that is not taken. What was there from the beginning is not looked at."""
    strings = all(isinstance(each, str) for each in definition)
    several = len(definition) > 1 and settings.several_definitions == "refuse"
    strict = settings.definitions == "strict" and not (definition and all(map(as_documented, definition)))
    if not strings or several or strict:
        raise RefusedError(400, "Property definition has an invalid value.")


def _referenced(body: Any) -> str:
    link = body.get("@odata.id") if isinstance(body, dict) else None
    before, _, policy_id = _path_of(link).rpartition("/") if isinstance(link, str) else ("", "", "")
    if not f"{before}/".endswith(_REFERENCES):
        raise RefusedError(400, "The @odata.id of the reference names no policy.", code="BadRequest")
    return policy_id.lower()


def _path_of(link: str) -> str:
    try:
        return urlsplit(link).path
    except ValueError:  # no address
        return ""


def _known(state: State, policy_id: str) -> Row:
    return state.policies.get(policy_id) or missing(policy_id)
