"""The five operations, made and enacted on a copy of the facts. What they mean: `tokenguard.entra.fixing`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from tokenguard.changes import NEW, Operation
from tokenguard.entra.facts import Kind
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


def create(state: Mapping[str, Any]) -> Operation:
    """Make a policy."""
    name = state["displayName"]
    return Operation(Write.CREATE, {POLICY: f"{NEW}{name}"}, None, state, f"create the policy “{name}”")


def update(policy_id: str, before: Mapping[str, Any], after: Mapping[str, Any], words: str) -> Operation:
    """Write a policy anew, under its id."""
    return Operation(Write.UPDATE, {POLICY: policy_id}, before, after, words)


def delete(policy_id: str, before: Mapping[str, Any]) -> Operation:
    """Delete a policy that nothing holds any more."""
    return Operation(Write.DELETE, {POLICY: policy_id}, before, None, f"delete the policy “{before['displayName']}”")


def assign(kind: Kind, object_id: str, policy_id: str, words: str) -> Operation:
    """Let an object that holds no policy hold one."""
    return Operation(Write.ASSIGN, {kind.value: object_id}, None, {POLICY: policy_id}, words)


def unassign(kind: Kind, object_id: str, policy_id: str, words: str) -> Operation:
    """Take from an object the policy that it holds."""
    return Operation(Write.UNASSIGN, {kind.value: object_id}, {POLICY: policy_id}, None, words)
