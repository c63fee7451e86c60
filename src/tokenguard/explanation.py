"""Which lifetime is in force for one application's tokens, and why, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tokenguard.model import Fact, ResourceRef


@dataclass(frozen=True, slots=True)
class Subject:
    """One application as a tenant knows it: its service principal, its registration, or both."""

    name: str
    app_id: str
    """Lower case; empty where it has none."""
    objects: Mapping[str, Fact]
    """By resource type."""

    def refs(self) -> tuple[ResourceRef, ...]:
        """Its objects."""
        return tuple(
            ResourceRef(type_, str(fact["id"]).lower(), str(fact.get("displayName") or ""))
            for type_, fact in self.objects.items()
        )


@dataclass(frozen=True, slots=True)
class Search:
    """What a name, an id or an appId stands for."""

    subjects: tuple[Subject, ...]
    doubts: tuple[str, ...] = ()
    """Why there may be more; one line each."""
    unread: tuple[str, ...] = ()
    """What could not be read of those that were found; one line each."""


@dataclass(frozen=True, slots=True)
class InForce:
    """A lifetime that may be in force, in seconds, for each kind of token."""

    basis: str
    """``servicePrincipal``, ``application``, ``organization`` or ``default``."""
    policy: ResourceRef | None
    shortest: int
    """Of access tokens; with `longest` it spans what Microsoft picks from."""
    longest: int
    id_token: int
    saml: int
    saml_not_on_or_after: int
    """After the moment of issue, in ``<conditions>``."""


@dataclass(frozen=True, slots=True)
class Considered:
    """One level that an order comes by."""

    level: str
    policy: ResourceRef | None
    lifetime: int | None
    """What its policy sets, in seconds; None where it sets nothing, or nothing known."""
    decides: bool
    """Whether it decides, or may."""
    reason: str
    """Why, or why not."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Which lifetime is in force, why, and what would change it."""

    subject: Subject
    in_force: tuple[InForce, ...]
    """Each lifetime that any of the orders makes possible; none where policies do not apply, or none is known."""
    unknown: str
    """Why it is not known, or why there may be another beside those in `in_force`; empty where all is known."""
    orders: Mapping[str, tuple[Considered, ...]]
    """Every level considered, by the name of the order."""
    notes: tuple[str, ...]
    changes: tuple[str, ...]
    """What would change it."""
    concerned: frozenset[str]
    """Ids of the resources whose findings are about it."""

    @property
    def ambiguous(self) -> bool:
        """Whether the orders, or what Microsoft leaves open in one, allow different lifetimes."""
        lifetimes = {(each.shortest, each.longest) for each in self.in_force}
        return len(lifetimes) > 1 or bool(lifetimes and self.unknown)
