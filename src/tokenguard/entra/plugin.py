"""What the built-in support for Microsoft Entra contributes, through the hooks that every plugin uses."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenguard.entra.collector import EntraCollector
from tokenguard.entra.facts import Kind
from tokenguard.entra.fixing.assignments import AssignmentFixer
from tokenguard.entra.fixing.objects import ObjectFixer
from tokenguard.entra.fixing.policies import PolicyFixer
from tokenguard.hookspecs import Collector, Fixer, hookimpl
from tokenguard.schemas import data_folder


@hookimpl
def tokenguard_collectors() -> Iterable[Collector]:
    """The one collector of organization, policies, assignments, applications and service principals."""
    return [EntraCollector()]


@hookimpl
def tokenguard_fixers() -> Iterable[Fixer]:
    """One a resource type that can be mended."""
    return [PolicyFixer(), AssignmentFixer(), *map(ObjectFixer, Kind)]


@hookimpl
def tokenguard_rule_paths() -> Iterable[Path]:
    """The built-in packs."""
    return [data_folder("rules") / pack for pack in ("token-lifetime", "principals")]
