"""An explanation for people, and for programs after ``schemas/explain.schema.json``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from tokenguard import excerpts
from tokenguard.cli.lengths import shown, span
from tokenguard.configured import in_words
from tokenguard.encoding import exemption_to_dict, finding_to_dict, not_evaluated_to_dict
from tokenguard.explanation import Considered, Explanation, InForce, Search
from tokenguard.model import Configured, Exemption, Finding, Header, NotEvaluated, ResourceRef
from tokenguard.report_document import configured_to_dict
from tokenguard.rules.messages import count, present
from tokenguard.rules.mistakes import quote

KIND = "tokenguard-explanation"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rules say of one application."""

    findings: Sequence[Finding]
    unjudged: Sequence[NotEvaluated]
    exemptions: Sequence[Exemption]
    """That name it, whether they apply or not."""
    now: datetime
    configured: Configured = field(default_factory=Configured)
    """By what they say it."""


def document(header: Header, search: Search, found: Explanation, judged: Judged) -> dict[str, Any]:
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
        "findings": list(map(finding_to_dict, judged.findings)),
        "exemptions": list(map(exemption_to_dict, judged.exemptions)),
        "notEvaluated": list(map(not_evaluated_to_dict, judged.unjudged)),
        "configured": configured_to_dict(judged.configured),
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


def lines(header: Header, search: Search, found: Explanation, judged: Judged) -> Iterator[str]:
    """The lines that people read."""
    yield f"{found.subject.name}  (appId {found.subject.app_id or 'none'})"
    for ref in found.subject.refs():
        yield f"  {ref.type} {ref.id}"
    named = f"{header.tenant.name} {header.tenant.id}".strip()
    yield f"  in tenant {named}" if named else "  in a tenant that could not be named"
    yield from _section("In force", _verdict(found))
    for order, considered in found.orders.items():
        yield from _section(f"Considered, in the order {order}", map(_rank, considered))
    yield from _list("To know", found.notes)
    yield from _list("What would change it", found.changes)
    yield from _list("Findings", map(_finding, judged.findings))
    yield from _list("Exemptions", (_exemption(each, judged.now) for each in judged.exemptions))
    yield from _list("Not evaluated", _not_evaluated(judged.unjudged))
    yield from _list("Not looked through, so there may be another of that name", search.doubts)
    yield from _list("Not read", search.unread)
    yield from _list("Judged by", in_words(judged.configured))


def _list(title: str, content: Iterable[str]) -> Iterator[str]:
    return _section(title, (f"- {row}" for row in content))


def _section(title: str, content: Iterable[str]) -> Iterator[str]:
    rows = list(content)
    if rows:
        yield ""
        yield title
        yield from (f"  {row}" for row in rows)


def _verdict(found: Explanation) -> Iterator[str]:
    if found.unknown:
        yield f"not known: {found.unknown}" + ("; one of these, or another" if found.in_force else "")
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


def _finding(each: Finding) -> str:
    exempt = f" (exempt by {each.exemption.owner})" if each.exemption else ""
    return f"{each.severity} {each.rule}: {each.message}{exempt}"


def _exemption(each: Exemption, now: datetime) -> str:
    values = ", ".join(f"{name} {_quoted(name, value)}" for name, value in each.parameters.items())
    days = (each.expires - now.date()).days
    until = f"expired on {each.expires}, applies no more" if days < 0 else f"{count(days, 'day')} left"
    return f"{each.rule}{f' with {values}' if values else ''}, by {each.owner}, {until}: {each.reason}"


def _quoted(name: str, value: Any) -> str:
    return present(name, excerpts.shown(value)) if isinstance(value, list) else quote(value)


def _not_evaluated(items: Iterable[NotEvaluated]) -> Iterator[str]:
    """Each reason once, with all rules that it keeps from being evaluated."""
    rules: dict[str, list[str]] = {}
    for each in items:
        permission = f" (needs the permission {each.permission})" if each.permission else ""
        rules.setdefault(f"{each.reason}{permission}", []).append(each.rule)
    yield from (f"{', '.join(dict.fromkeys(names))}: {reason}" for reason, names in rules.items())
