"""Changes as plain JSON values, and back: what a plan and a journal hold of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tokenguard import documents
from tokenguard.changes import Change, Operation, Served
from tokenguard.encoding import ref_to_dict
from tokenguard.model import ResourceRef, Safety


def change_to_dict(change: Change) -> dict[str, Any]:
    """As the schemas of plan and journal have it."""
    return {
        "id": change.id,
        "resource": ref_to_dict(change.resource),
        "operations": [operation_to_dict(operation) for operation in change.operations],
        "serves": [{"rule": each.rule, "resource": ref_to_dict(each.resource)} for each in change.serves],
        "safety": str(change.safety),
        "before": dict(change.before),
        "after": dict(change.after),
        "blastRadius": change.blast_radius,
        "irreversible": change.irreversible,
    }


def change_from_dict(data: Mapping[str, Any]) -> Change:
    """The inverse of `change_to_dict`; `data` is valid against the schema."""
    return Change(
        id=data["id"],
        resource=ResourceRef(**data["resource"]),
        operations=tuple(operation_from_dict(each) for each in data["operations"]),
        serves=tuple(Served(each["rule"], ResourceRef(**each["resource"])) for each in data["serves"]),
        safety=Safety(data["safety"]),
        before=data["before"],
        after=data["after"],
        blast_radius=data["blastRadius"],
        irreversible=data["irreversible"],
    )


def operation_to_dict(operation: Operation) -> dict[str, Any]:
    """As the schemas of plan and journal have it."""
    return {
        "kind": str(operation.kind),
        "target": dict(operation.target),
        "before": None if operation.before is None else dict(operation.before),
        "after": None if operation.after is None else dict(operation.after),
        "words": operation.words,
    }


def operation_from_dict(data: Mapping[str, Any]) -> Operation:
    """The inverse of `operation_to_dict`."""
    return Operation(data["kind"], data["target"], data["before"], data["after"], data["words"])


def without_words(change: Change) -> Change:
    """`change` with nothing in it that a file only says: its operations alone."""
    operations = tuple(replace(each, words=plain_words(each)) for each in change.operations)
    [(kind, id_)] = operations[0].target.items()
    return replace(
        change,
        resource=ResourceRef(kind, id_, id_),
        operations=operations,
        serves=(),
        safety=Safety.UNSAFE,
        before={},
        after={},
        blast_radius="",
        irreversible="",
    )


def plain_words(operation: Operation) -> str:
    """What can be said of an operation without knowing the tenant, e.g. ``updatePolicy of policy 1234``."""
    return f"{operation.kind} of {', '.join(f'{kind} {id_}' for kind, id_ in operation.target.items())}"


def digest(changes: Iterable[Change]) -> str:
    """Of what `changes` do; see `documents.digest`."""
    return documents.digest([change_to_dict(change) for change in changes])
