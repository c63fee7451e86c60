"""What the built-in support for Microsoft Entra contributes, through the hooks that every plugin uses."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenguard.entra.collector import EntraCollector
from tokenguard.hookspecs import Collector, Fixer, hookimpl
from tokenguard.schemas import data_folder


@hookimpl
def tokenguard_collectors() -> Iterable[Collector]:
    """The one collector of organization, policies, assignments, applications and service principals."""
    return [EntraCollector()]


@hookimpl
def tokenguard_fixers() -> Iterable[Fixer]:
    """One a resource type that can be mended."""
    from tokenguard.entra.facts import Kind  # noqa: PLC0415  (a scan mends nothing)
    from tokenguard.entra.fixing.assignments import AssignmentFixer  # noqa: PLC0415
    from tokenguard.entra.fixing.objects import ObjectFixer  # noqa: PLC0415
    from tokenguard.entra.fixing.policies import PolicyFixer  # noqa: PLC0415

    return [PolicyFixer(), AssignmentFixer(), *map(ObjectFixer, Kind)]


@hookimpl
def tokenguard_rule_paths() -> Iterable[Path]:
    """The built-in packs."""
    return [data_folder("rules") / pack for pack in ("token-lifetime", "principals")]
