"""What a report says, as plain JSON values, and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import MAXYEAR, MINYEAR, date, datetime
from typing import Any

from tokenguard.excerpts import shown
from tokenguard.judging.settling import Settlement
from tokenguard.model import (
    Exemption,
    Finding,
    FindingStatus,
    Lifetime,
    Lifetimes,
    Limit,
    NotEvaluated,
    ResourceRef,
    Severity,
    Violation,
)


def moment_from_text(text: str) -> datetime:
    """A time as ISO 8601 writes it, with its zone; `ValueError` for one that days cannot be counted from."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone")
    if not MINYEAR < moment.year < MAXYEAR:
        raise ValueError(f"{text!r} is no time that something can have been done at")
    return moment


def finding_to_dict(finding: Finding, *, whole: bool = False) -> dict[str, Any]:
    """`exemption` is there only where one applied, `parameters` only where one set its own.

    Long lists of the rule and of the exemption are excerpts, as `shown` has them, unless it is to be the `whole`. What
    was observed is whole: a comparison goes by it.
    """
    brief = _as_it_is if whole else shown
    result: dict[str, Any] = {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "status": str(finding.status),
        "resource": ref_to_dict(finding.resource),
        "message": finding.message,
        "violations": [
            {"path": each.path, "keyword": each.keyword, "expected": brief(each.expected), "observed": each.observed}
            for each in finding.violations
        ],
        "fingerprint": finding.fingerprint,
    }
    if finding.exemption is not None:
        result["exemption"] = exemption_to_dict(finding.exemption, whole=whole)
    if finding.parameters:
        result["parameters"] = brief(dict(finding.parameters))
    return result


def _as_it_is(value: Any) -> Any:
    return value


def finding_from_dict(data: Mapping[str, Any]) -> Finding:
    """The inverse of `finding_to_dict`."""
    exemption = data.get("exemption")
    return Finding(
        rule=data["rule"],
        severity=Severity[data["severity"].upper()],
        resource=_ref_from_dict(data["resource"]),
        message=data["message"],
        violations=tuple(
            Violation(each["path"], each["keyword"], each["expected"], each["observed"]) for each in data["violations"]
        ),
        fingerprint=data["fingerprint"],
        status=FindingStatus(data["status"]),
        exemption=None if exemption is None else exemption_from_dict(exemption),
        parameters=data.get("parameters", {}),
    )


def not_evaluated_to_dict(item: NotEvaluated) -> dict[str, Any]:
    """`resource` is null where the rule as a whole could not be judged."""
    resource = None if item.resource is None else ref_to_dict(item.resource)
    return {"rule": item.rule, "resource": resource, "reason": item.reason, "permission": item.permission}


def not_evaluated_from_dict(data: Mapping[str, Any]) -> NotEvaluated:
    """The inverse of `not_evaluated_to_dict`."""
    resource = data["resource"]
    return NotEvaluated(
        rule=data["rule"],
        resource=None if resource is None else _ref_from_dict(resource),
        reason=data["reason"],
        permission=data["permission"],
    )


def exemption_to_dict(exemption: Exemption, *, whole: bool = False) -> dict[str, Any]:
    """With the keys of an exemptions file, and the file it stands in as `source`; `whole` as with a finding."""
    brief = _as_it_is if whole else shown
    return {
        "rule": exemption.rule,
        "resource": exemption.resource,
        "reason": exemption.reason,
        "owner": exemption.owner,
        "expires": exemption.expires.isoformat(),
        "parameters": brief(dict(exemption.parameters)),
        "source": exemption.source,
    }


def exemption_from_dict(data: Mapping[str, Any]) -> Exemption:
    """The inverse of `exemption_to_dict`."""
    return Exemption(
        rule=data["rule"],
        resource=data["resource"],
        reason=data["reason"],
        owner=data["owner"],
        expires=date.fromisoformat(data["expires"]),
        parameters=data["parameters"],
        source=data["source"],
    )


def settlement_to_dict(item: Settlement) -> dict[str, Any]:
    """`allowList` is null where no list of the rule is why."""
    allow = None if item.allow is None else {"parameter": item.allow.parameter, "value": item.allow.value}
    return {"exemption": dict(item.exemption), "instead": item.instead, "allowList": allow}


def lifetimes_to_dict(item: Lifetimes) -> dict[str, Any]:
    """`seconds` is null where the length could not be determined."""
    return {
        "type": item.type,
        "property": item.property,
        "limits": [{"rule": each.rule, "keyword": each.keyword, "seconds": each.seconds} for each in item.limits],
        "known": item.known,
        "unknown": item.unknown,
        "unset": item.unset,
        "shown": [
            {"resource": ref_to_dict(each.resource), "seconds": each.seconds, "unknown": each.unknown}
            for each in item.shown
        ],
    }


def lifetimes_from_dict(data: Mapping[str, Any]) -> Lifetimes:
    """The inverse of `lifetimes_to_dict`."""
    return Lifetimes(
        type=data["type"],
        property=data["property"],
        limits=tuple(Limit(each["rule"], each["keyword"], each["seconds"]) for each in data["limits"]),
        known=data["known"],
        unknown=data["unknown"],
        unset=data["unset"],
        shown=tuple(
            Lifetime(_ref_from_dict(each["resource"]), each["seconds"], each["unknown"]) for each in data["shown"]
        ),
    )


def ref_to_dict(ref: ResourceRef) -> dict[str, str]:
    """Which resource is spoken of."""
    return {"type": ref.type, "id": ref.id, "name": ref.name}


def _ref_from_dict(data: Mapping[str, Any]) -> ResourceRef:
    """What a newer version adds is passed over, here as everywhere."""
    return ResourceRef(data["type"], data["id"], data["name"])
