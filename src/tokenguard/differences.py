"""What changed between two snapshots or two reports, and of what nobody can say: the values of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from tokenguard.errors import UsageError
from tokenguard.exit_status import ExitStatus
from tokenguard.model import Configured, Finding, Header, ResourceRef, Tenant


class Change(StrEnum):
    """What became of a resource."""

    APPEARED = "appeared"
    GONE = "gone"
    CHANGED = "changed"


class Turn(StrEnum):
    """What became of a finding; only those that count are compared."""

    NEW = "new"
    CHANGED = "changed"
    """Found before and now, with other values."""
    FIXED = "fixed"
    SETTLED = "settled"
    """Still so, but exempt or in the baseline now."""


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """A property of a resource that is known on both sides and differs."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """A resource that is not as it was."""

    change: Change
    resource: ResourceRef
    words: str
    """In a sentence."""
    properties: tuple[PropertyChange, ...] = ()
    """Only of `Change.CHANGED`."""


@dataclass(frozen=True, slots=True)
class FindingChange:
    """A finding that is not as it was."""

    turn: Turn
    finding: Finding
    """As it is now; as it was, where it is fixed."""
    before: Finding | None = None
    """As it was, where it has other values now."""


@dataclass(frozen=True, slots=True)
class NotCompared:
    """Something of which nobody can say whether it changed. Never "unchanged" or "fixed"."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared."""

    source: str
    """For people: a file, a folder, the embedded tenant, or a tenant's name."""
    collected_at: datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """All that changed from `old` to `new`."""

    tenant: Tenant
    old: Side
    new: Side
    resources: Sequence[ResourceChange] = ()
    """Of two snapshots."""
    findings: Sequence[FindingChange] = ()
    """New ones first, each kind in the order of the report that it stands in."""
    unchanged_resources: int | None = None
    """That are as they were; None of two reports, which hold none."""
    unchanged_findings: int | None = None
    """Of those that count; None where nothing was judged."""
    not_compared: Sequence[NotCompared] = ()
    exit_status: ExitStatus = ExitStatus.COMPLIANT
    configured: Configured = field(default_factory=Configured)
    """By what both sides were judged; of two reports, which have been judged already, only what decides the status."""


def check_comparable(old: Header, old_source: str, new: Header, new_source: str) -> None:
    """Raise `UsageError` for two tenants, a tenant that is not known, or lifetimes derived by different orders."""
    if not old.tenant.id or old.tenant.id != new.tenant.id:
        names = [header.tenant.id or "an unknown tenant" for header in (old, new)]
        raise UsageError(
            f"{old_source} is of {names[0]}, {new_source} of {names[1]}: only one tenant can be compared with itself",
            "name two files of one tenant",
        )
    if old.precedence != new.precedence:
        raise UsageError(
            f"{old_source} was collected with precedence {old.precedence}, {new_source} with {new.precedence}: the "
            "lifetimes in force are not comparable",
            f"collect one of them again with --precedence {old.precedence}",
        )
