"""The five operations, made and enacted on a copy of the facts. What they mean: `tokenguard.entra.fixing`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from tokenguard.changes import NEW, Operation
from tokenguard.entra.facts import DirectoryObject, EntraFacts, Kind
from tokenguard.entra.reading import guid
from tokenguard.hookspecs import ReadFailure
from tokenguard.model import Fact

POLICY = "policy"
"""The key of a policy's id, in a target and in the state of what holds it."""


class Write(StrEnum):
    """The kinds of operation."""

    CREATE = "createPolicy"
    UPDATE = "updatePolicy"
    DELETE = "deletePolicy"
    ASSIGN = "assign"
    UNASSIGN = "unassign"


def policy_state(fact: Fact) -> dict[str, Any]:
    """What a fix may change of a policy, or has to restore. A key that Graph leaves out is null, or false."""
    return {
        "displayName": fact.get("displayName"),
        "description": fact.get("description"),
        "definition": fact.get("definition"),
        "isOrganizationDefault": fact.get("isOrganizationDefault") or False,
    }


def create(state: Mapping[str, Any], words: str) -> Operation:
    """Make a policy."""
    return Operation(Write.CREATE, {POLICY: f"{NEW}{state['displayName']}"}, None, state, words)


def update(policy_id: str, before: Mapping[str, Any], after: Mapping[str, Any], words: str) -> Operation:
    """Write a policy anew, under its id."""
    return Operation(Write.UPDATE, {POLICY: policy_id}, before, after, words)


def delete(policy_id: str, before: Mapping[str, Any], words: str) -> Operation:
    """Delete a policy that nothing holds any more."""
    return Operation(Write.DELETE, {POLICY: policy_id}, before, None, words)


def assign(kind: Kind, object_id: str, policy_id: str, words: str) -> Operation:
    """Let an object that holds no policy hold one."""
    return Operation(Write.ASSIGN, {kind.value: object_id}, None, {POLICY: policy_id}, words)


def unassign(kind: Kind, object_id: str, policy_id: str, words: str) -> Operation:
    """Take from an object the policy that it holds."""
    return Operation(Write.UNASSIGN, {kind.value: object_id}, {POLICY: policy_id}, None, words)


def enact(facts: EntraFacts, operation: Operation) -> EntraFacts:
    """A copy of `facts` as they would be once `operation`, proposed for them, has been carried out."""
    [(kind, id_)] = operation.target.items()
    if kind != POLICY:
        return _with_held(facts, Kind(kind), id_, operation)
    policies, holders = dict(facts.policies), dict(facts.holders)
    if operation.after is None:
        del policies[id_]
        holders.pop(id_, None)
    else:
        policies[id_] = {**policies.get(id_, {}), "id": id_, **operation.after}
        if operation.before is None:
            holders[id_] = ()
    return replace(facts, policies=policies, holders=holders)


def _with_held(facts: EntraFacts, kind: Kind, object_id: str, operation: Operation) -> EntraFacts:
    holders = dict(facts.holders)
    for state, holds in ((operation.before, False), (operation.after, True)):
        if state is not None:
            known = holders[state[POLICY]]
            if isinstance(known, ReadFailure):
                raise ValueError(f"who holds policy {state[POLICY]} is not known, so nothing can be proposed for it")
            others = tuple(each for each in known if each != object_id)
            holders[state[POLICY]] = (*others, object_id) if holds else others
    objects = {**facts.objects, object_id: find_object(facts, kind, object_id)}
    return replace(facts, holders=holders, objects=objects)


def find_object(facts: EntraFacts, kind: Kind, object_id: str) -> DirectoryObject:
    """What was read of an object, wherever it was read."""
    if object_id in facts.objects:
        return facts.objects[object_id]
    named = (fact for fact in facts.named.get(kind, {}).values() if fact is not None)
    listed = facts.lists[kind]() if kind in facts.lists else ()
    for fact in (*named, *listed):
        if not isinstance(fact, ReadFailure) and guid(fact, "id") == object_id:
            return DirectoryObject(kind, fact)
    return DirectoryObject(kind, {})
