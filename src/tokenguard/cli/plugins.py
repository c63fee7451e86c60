"""`tokenguard plugins`: whose code takes part, and with what."""

from __future__ import annotations

import click

from tokenguard.cli import context
from tokenguard.cli.help import Command


@click.command(cls=Command)
def plugins() -> None:
    """List the plugins that are loaded, with what each contributes, and those that are not allowed."""
    found = context.plugins()
    for plugin in found.loaded:
        click.echo(str(plugin))
        for what, names in (
            ("resource types", [t.name for collector in plugin.collectors for t in collector.resource_types]),
            ("fixers", [fixer.resource_type for fixer in plugin.fixers]),
            ("formats", [reporter.format for reporter in plugin.reporters]),
            ("rule packs", [path.name for path in plugin.rule_paths]),
            ("commands", [command.name or "" for command in plugin.commands]),
        ):
            if names:
                click.echo(f"  {what}: {', '.join(names)}")
    for name in found.refused:
        click.echo(f"{name}\n  not loaded: TOKENGUARD_PLUGINS does not name it")
