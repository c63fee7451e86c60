"""What the tab key completes beside commands and options: rules, parameters, packs, resource types and formats.

A tab must not print, so what is wrong with a pack, a plugin or the command line gives no completion and no error.
Everything is imported only when somebody presses the key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from tokenguard.errors import TokenguardError
from tokenguard.untrusted import visible

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_PLAIN = re.compile(r"[A-Za-z0-9._=-]+")
"""What is the same within a command line as it is by itself: whoever wrote a pack writes into somebody's shell here."""

Complete = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]


def _completes(values: Callable[[click.Context], Iterator[tuple[str, str]]]) -> Complete:
    """Complete what `values` gives: each value with what a shell may show beside it."""

    @wraps(values)
    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem  # noqa: PLC0415

        try:
            found = [(value, says) for value, says in values(ctx) if value.startswith(incomplete)]
        except (TokenguardError, OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return []  # others' documents
        return [CompletionItem(value, help=visible(says)) for value, says in found if _PLAIN.fullmatch(value)]

    return complete


@_completes
def rules(ctx: click.Context) -> Iterator[tuple[str, str]]:
    """Ids of the rules in the packs that the command line names, or in all."""
    return ((rule["id"], str(rule.get("title", ""))) for rule in _rules(ctx))


@_completes
def settings(ctx: click.Context) -> Iterator[tuple[str, str]]:
    """``RULE.PARAM=`` of those rules."""
    for rule in _rules(ctx):
        for name, parameter in rule.get("parameters", {}).items():
            yield f"{rule['id']}.{name}=", str(parameter.get("title", ""))


def packs(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of packs, and files and folders."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415

    return [*_packs(ctx, parameter, incomplete), CompletionItem(incomplete, type="file")]


@_completes
def _packs(_: click.Context) -> Iterator[tuple[str, str]]:
    from tokenguard.cli.context import plugins  # noqa: PLC0415

    yield "all", "every pack"
    yield from ((name, str(path)) for name, path in plugins().packs.items())


@_completes
def resource_types(_: click.Context) -> Iterator[tuple[str, str]]:
    """What rules can be about."""
    from tokenguard.cli.context import plugins  # noqa: PLC0415

    return ((name, str(type_.schema.get("description", ""))) for name, type_ in plugins().types.items())


@_completes
def formats(ctx: click.Context) -> Iterator[tuple[str, str]]:
    """Formats of reports, or those in which it can be said what changed."""
    from tokenguard.cli.context import plugins  # noqa: PLC0415
    from tokenguard.hookspecs import DifferenceReporter  # noqa: PLC0415

    for name, reporter in plugins().reporters.items():
        if ctx.command.name != "diff" or isinstance(reporter, DifferenceReporter):
            yield name, reporter.title


def _rules(ctx: click.Context) -> Iterator[dict[str, Any]]:
    """The documents as they are: whether they are any good is not asked here."""
    from tokenguard.cli.context import plugins  # noqa: PLC0415
    from tokenguard.cli.selection import pack_paths  # noqa: PLC0415
    from tokenguard.packs import read_pack  # noqa: PLC0415

    named = ctx.params.get("rules") or ctx.params.get("packs") or ("all",)
    for path in pack_paths(plugins(), named):
        for _, data in read_pack(path):
            yield json.loads(data)
