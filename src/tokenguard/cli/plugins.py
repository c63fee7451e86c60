"""`tokenguard plugins`: whose code takes part, and with what."""

from __future__ import annotations

from collections.abc import Iterator

import click

from tokenguard.cli import context
from tokenguard.cli.help import Command
from tokenguard.plugins import Plugins


@click.command(cls=Command)
def plugins() -> None:
    """List the plugins that are loaded, with what each contributes, and those that are not allowed."""
    for line in list(_lines(context.plugins())):  # all of it, or what is wrong with a plugin and nothing else
        click.echo(line)


def _lines(found: Plugins) -> Iterator[str]:
    for plugin in found.loaded:
        yield str(plugin)
        for what, names in (
            ("resource types", [t.name for collector in plugin.collectors for t in collector.resource_types]),
            ("fixers", plugin.fixes),
            ("formats", [reporter.format for reporter in plugin.reporters]),
            ("rule packs", [path.name for path in plugin.rule_paths]),
            ("commands", [command.name or "" for command in plugin.commands]),
        ):
            if names:
                yield f"  {what}: {', '.join(names)}"
    for name in found.refused:
        yield f"{name}\n  not loaded: TOKENGUARD_PLUGINS does not name it"
