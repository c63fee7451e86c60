"""An explanation for people, and for programs after ``schemas/explain.schema.json``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from tokenguard.cli.lengths import shown, span
from tokenguard.encoding import finding_to_dict, not_evaluated_to_dict
from tokenguard.explanation import Considered, Explanation, InForce, Search
from tokenguard.model import Finding, FindingStatus, Header, NotEvaluated, ResourceRef
from tokenguard.rules.messages import count

KIND = "tokenguard-explanation"
FORMAT_VERSION = 1


def document(
    header: Header,
    search: Search,
    found: Explanation,
    *,
    findings: Iterable[Finding],
    unjudged: Iterable[NotEvaluated],
) -> dict[str, Any]:
    """The JSON object."""
    subject = found.subject
    return {
        "kind": KIND,
        "formatVersion": FORMAT_VERSION,
        "tenant": {"id": header.tenant.id, "name": header.tenant.name},
        "application": {
            "name": subject.name,
            "appId": subject.app_id,
            "objects": [asdict(ref) for ref in subject.refs()],
        },
        "inForce": [_in_force(each) for each in found.in_force],
        "ambiguous": found.ambiguous,
        "unknown": found.unknown,
        "orders": {name: [_considered(each) for each in considered] for name, considered in found.orders.items()},
        "notes": found.notes,
        "changes": found.changes,
        "findings": list(map(finding_to_dict, findings)),
        "notEvaluated": list(map(not_evaluated_to_dict, unjudged)),
        "doubts": search.doubts,
        "unread": search.unread,
    }


def _in_force(each: InForce) -> dict[str, Any]:
    return {
        "basis": each.basis,
        "policy": _policy(each.policy),
        "accessTokenShortestSeconds": each.shortest,
        "accessTokenLongestSeconds": each.longest,
        "idTokenSeconds": each.id_token,
        "samlTokenSeconds": each.saml,
        "samlNotOnOrAfterSeconds": each.saml_not_on_or_after,
    }


def _considered(each: Considered) -> dict[str, Any]:
    return {
        "level": each.level,
        "policy": _policy(each.policy),
        "accessTokenLifetimeSeconds": each.lifetime,
        "decides": each.decides,
        "reason": each.reason,
    }


def _policy(ref: ResourceRef | None) -> dict[str, str] | None:
    return None if ref is None else {"id": ref.id, "name": ref.name}


def lines(
    header: Header,
    search: Search,
    found: Explanation,
    *,
    findings: Sequence[Finding],
    unjudged: Sequence[NotEvaluated],
    now: datetime,
) -> Iterator[str]:
    """The lines that people read."""
    yield f"{found.subject.name}  (appId {found.subject.app_id or 'none'})"
    for ref in found.subject.refs():
        yield f"  {ref.type} {ref.id}"
    yield f"  in tenant {header.tenant.name} {header.tenant.id}".rstrip()
    yield from _section("In force", _verdict(found))
    for order, considered in found.orders.items():
        yield from _section(f"Considered, in the order {order}", map(_rank, considered))
    yield from _section("To know", found.notes)
    yield from _section("What would change it", found.changes)
    yield from _section("Findings", (_finding(each, now) for each in findings))
    yield from _section("Not evaluated", map(_not_evaluated, unjudged))
    yield from _section("Not looked through, so there may be another of that name", search.doubts)
    yield from _section("Not read", search.unread)


def _section(title: str, content: Iterable[str]) -> Iterator[str]:
    rows = list(content)
    if rows:
        yield ""
        yield title
        yield from (f"  {row}" for row in rows)


def _verdict(found: Explanation) -> Iterator[str]:
    if found.unknown:
        yield f"not known: {found.unknown}"
    elif not found.in_force:
        yield "not for any policy to say"
    elif found.ambiguous:
        yield "one of these; what Microsoft documents leaves open which"
    for each in found.in_force:
        yield f"{basis(each)}"
        yield f"  access tokens        {span(each.shortest, each.longest)}"
        yield f"  ID and SAML tokens   {shown(each.id_token)}"
        yield f"  SAML NotOnOrAfter    {shown(each.saml_not_on_or_after)} after issue"


def basis(each: InForce) -> str:
    """What stands behind a lifetime, for people."""
    return f"{_named(each.policy)}, {_LEVELS[each.basis]}" if each.policy else _LEVELS[each.basis]


def _rank(each: Considered) -> str:
    policy = f" {_named(each.policy)}" if each.policy else ""
    lifetime = f", {shown(each.lifetime)}" if each.lifetime is not None else ""
    return (
        f"{'*' if each.decides else '-'} {_LEVELS[each.level]}:{policy}{lifetime}{': ' if policy else ' '}{each.reason}"
    )


_LEVELS = {
    "servicePrincipal": "on the service principal",
    "application": "on the application",
    "organization": "as organization default",
    "default": "Microsoft's default",
}


def _named(policy: ResourceRef) -> str:
    return f"policy “{policy.name}”" if policy.name else f"policy {policy.id}"


def _finding(each: Finding, now: datetime) -> str:
    said = f"{each.severity} {each.rule}: {each.message}"
    if each.exemption is None:
        return said
    judged = "exempt" if each.status is FindingStatus.EXEMPT else "judged with another value"
    left = count((each.exemption.expires - now.date()).days, "day")
    return f"{said} ({judged} by {each.exemption.owner}, {left} left: {each.exemption.reason})"


def _not_evaluated(each: NotEvaluated) -> str:
    permission = f" (needs the permission {each.permission})" if each.permission else ""
    return f"{each.rule}: {each.reason}{permission}"
