"""The command tree. `--help` must stay cheap, so a command's module is imported only when that command runs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

from tokenguard import __version__
from tokenguard.cli.help import Group
from tokenguard.errors import PluginError, TokenguardError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "scan": ("tokenguard.cli.scan:scan", "Judge a tenant, a snapshot or saved answers against the rules."),
    "fix": ("tokenguard.cli.fix:fix", "Plan, and after consent carry out, what would mend the findings."),
    "undo": ("tokenguard.cli.undo:undo", "Take back what a fix has done."),
    "collect": ("tokenguard.cli.collect:collect", "Write a snapshot of a tenant to judge later or elsewhere."),
    "explain": ("tokenguard.cli.explain:explain", "Say which lifetime one application's tokens have, and why."),
    "probe": ("tokenguard.cli.probe:probe", "Ask for a real token, and compare its lifetime with the policies."),
    "doctor": ("tokenguard.cli.doctor:doctor", "Say what this sign-in may read, and what it lacks."),
    "diff": ("tokenguard.cli.diff:diff", "Say what changed between two snapshots or two reports."),
    "report": ("tokenguard.cli.report:report", "Write a saved JSON report in another format."),
    "rules": ("tokenguard.cli.rules:rules", "List, show, check and write rules."),
    "plugins": ("tokenguard.cli.plugins:plugins", "List the plugins and what each contributes."),
}
"""Name of the command: where it is, and its line in `--help`."""

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Judge": ("scan", "explain", "probe", "diff"),
    "Mend": ("fix", "undo"),
    "Keep and show": ("collect", "report"),
    "Set up": ("doctor", "rules", "plugins"),
}
"""In which order `--help` lists them."""


class Program(Group):
    """A group that imports a command only to run it, and plugins only for a name that is not its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name in COMMANDS:
            module, _, name = COMMANDS[cmd_name][0].partition(":")
            command: click.Command = getattr(importlib.import_module(module), name)
            return command
        return plugin_commands().get(cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. What a plugin's own raises is no fault of ours; it may end in any way that click knows."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, TokenguardError, BrokenPipeError):
            raise
        except Exception as error:
            name = ctx.invoked_subcommand
            if name is None or name in COMMANDS:
                raise
            raise PluginError(
                f"the command {name!r} of the plugin {_owner(name)} failed: {type(error).__name__}: {error}",
                "report this to the authors of the plugin, with what TOKENGUARD_DEBUG=1 prints",
            ) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        width = max(map(len, COMMANDS))
        for title, names in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:<{width}}", COMMANDS[name][1]) for name in names])


def plugin_commands() -> Mapping[str, click.Command]:
    """Commands of plugins."""
    from tokenguard.cli.context import plugins  # noqa: PLC0415  (plugins are asked only when they are needed)

    return plugins().commands


def _owner(command: str) -> str:
    from tokenguard.cli.context import plugins  # noqa: PLC0415  (as above)

    return next(str(each) for each in plugins().loaded if any(own.name == command for own in each.commands))


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="tokenguard %(version)s")
def program() -> None:
    """Policy as code for the lifetimes of Microsoft Entra tokens.

    \b
    tokenguard scan --demo          see what a report looks like
    tokenguard rules list           what is checked
    tokenguard scan --snapshot DIR  judge answers that somebody saved

    Exit status: 0 compliant, 1 findings, 2 usage, 3 not evaluated, 4 change unconfirmed.
    Plugins may add commands: `tokenguard plugins` lists them.
    """
