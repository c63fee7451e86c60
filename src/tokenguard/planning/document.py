"""A plan as a file, and back, strictly: what an administrator has read is what may be carried out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tokenguard.changes import Gap, Plan, Skipped
from tokenguard.consent import change_from_dict, change_to_dict
from tokenguard.documents import digest, parse_document
from tokenguard.encoding import ref_to_dict
from tokenguard.errors import DocumentError
from tokenguard.judging.engine import document_mistakes
from tokenguard.model import Precedence, ResourceRef, Tenant
from tokenguard.planning.plan import LIFETIME
from tokenguard.schemas import schema

KIND = "tokenguard-plan"
FORMAT_VERSION = 1
AGAIN = "plan it again; a plan is not to be edited"


def parse_plan(data: bytes, source: str) -> Plan:
    """Read a plan file. Raises `DocumentError` with every mistake in it, also where it was edited since it was made."""
    document = parse_document(data, source)
    mistakes = document_mistakes(schema("plan"), document)
    if mistakes:
        lines = "\n  ".join(str(mistake) for mistake in mistakes)
        raise DocumentError(f"{source}: not a plan that tokenguard wrote:\n  {lines}", AGAIN)
    if document["digest"] != _digest(document):
        raise DocumentError(f"{source}: was changed after it was made: its digest does not fit", AGAIN)
    try:
        return plan_from_dict(document)
    except ValueError as error:
        raise DocumentError(f"{source}: {error}", AGAIN) from error


def plan_to_dict(plan: Plan) -> dict[str, Any]:
    """As the schema of plans has it."""
    document = {
        "kind": KIND,
        "formatVersion": FORMAT_VERSION,
        "tenant": {"id": plan.tenant.id, "name": plan.tenant.name},
        "cloud": plan.cloud,
        "precedence": str(plan.precedence),
        "madeAt": plan.made_at.isoformat(),
        "expiresAt": plan.expires_at.isoformat(),
        "unsafe": plan.unsafe,
        "only": list(plan.only),
        "rules": dict(plan.rules),
        "permissions": list(plan.permissions),
        "changes": [change_to_dict(change) for change in plan.changes],
        "skipped": [_skipped_to_dict(skipped) for skipped in plan.skipped],
        "notEvaluated": [_gap_to_dict(gap) for gap in plan.not_evaluated],
    }
    return {**document, "digest": _digest(document)}


def plan_from_dict(document: Mapping[str, Any]) -> Plan:
    """The inverse of `plan_to_dict` for what the schema allows. Raises `ValueError` for times that cannot be."""
    made_at, expires_at = _time(document, "madeAt"), _time(document, "expiresAt")
    if expires_at > made_at + LIFETIME:
        raise ValueError(f"it would expire {expires_at - made_at} after it was made; plans do after {LIFETIME}")
    return Plan(
        tenant=Tenant(**document["tenant"]),
        cloud=document["cloud"],
        precedence=Precedence(document["precedence"]),
        made_at=made_at,
        expires_at=expires_at,
        rules=document["rules"],
        changes=tuple(map(change_from_dict, document["changes"])),
        skipped=tuple(map(_skipped_from_dict, document["skipped"])),
        unsafe=document["unsafe"],
        only=tuple(document["only"]),
        permissions=tuple(document["permissions"]),
        not_evaluated=tuple(Gap(**{**gap, "rules": tuple(gap["rules"])}) for gap in document["notEvaluated"]),
    )


def _time(document: Mapping[str, Any], name: str) -> datetime:
    time = datetime.fromisoformat(document[name])
    if time.tzinfo is None:
        raise ValueError(f"{name} names no time zone")
    return time


def _skipped_to_dict(skipped: Skipped) -> dict[str, Any]:
    return {"rule": skipped.rule, "resource": ref_to_dict(skipped.resource), "reason": skipped.reason}


def _skipped_from_dict(document: Mapping[str, Any]) -> Skipped:
    return Skipped(document["rule"], ResourceRef(**document["resource"]), document["reason"])


def _gap_to_dict(gap: Gap) -> dict[str, Any]:
    return {
        "reason": gap.reason,
        "permission": gap.permission,
        "rules": list(gap.rules),
        "resources": gap.resources,
    }


def _digest(document: Mapping[str, Any]) -> str:
    return digest({name: value for name, value in document.items() if name != "digest"})
