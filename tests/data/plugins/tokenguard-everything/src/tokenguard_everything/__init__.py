"""A plugin with one of each: a resource type, a fixer, a format, a rule pack and a command."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import click

from tokenguard.hookspecs import ReadFailure, Source, Style, hookimpl
from tokenguard.model import CollectionFailure, Need, Precedence, Report, Resource, ResourceType, Scope, Tenant

if "EVERYTHING_MARK" in os.environ:  # a test wants to know whether this was imported
    Path(os.environ["EVERYTHING_MARK"]).touch()

LAMP = ResourceType(
    "lamp",
    {
        "type": "object",
        "required": ["lit"],
        "properties": {"lit": {"type": "boolean", "description": "Whether it shines."}},
        "examples": [{"lit": True}],
    },
    permissions=("Lamp.Read.All",),
)


class Lamps:
    """Reads the collection ``/lamps``."""

    resource_types: Sequence[ResourceType] = (LAMP,)

    def tenant(self, facts: Any) -> Tenant | None:
        return None

    def collect(self, source: Source, needs: Mapping[str, Need]) -> Any:
        return list(source.rows("/lamps"))

    def read(
        self, facts: Any, needs: Mapping[str, Need], precedence: Precedence
    ) -> Iterator[Resource | CollectionFailure | Scope]:
        for fact in facts:
            if isinstance(fact, ReadFailure):
                yield CollectionFailure("lamp", fact.reason, "Lamp.Read.All")
            else:
                yield Resource("lamp", fact["id"], fact["name"], {"lit": fact["lit"]})


class LampFixer:
    """Knows how to light a lamp."""

    resource_type = "lamp"


class Tally:
    """Writes the number of findings and nothing else."""

    format = "tally"
    title = "Number of findings"

    def write(self, report: Report, out: BinaryIO, style: Style) -> None:
        out.write(f"{len(report.findings)}\n".encode())


@click.command()
def hello() -> None:
    """Say hello."""
    click.echo("hello from a plugin")


@hookimpl
def tokenguard_collectors() -> list[Lamps]:
    return [Lamps()]


@hookimpl
def tokenguard_fixers() -> list[LampFixer]:
    return [LampFixer()]


@hookimpl
def tokenguard_reporters() -> list[Tally]:
    return [Tally()]


@hookimpl
def tokenguard_rule_paths() -> list[Path]:
    return [Path(__file__).parent / "lamp-rules"]


@hookimpl
def tokenguard_commands() -> list[click.Command]:
    return [hello]
