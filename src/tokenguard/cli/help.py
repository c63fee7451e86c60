"""Help pages in sections: what a command has of its own first, then what it shares with others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import click

NARROWEST = 20
"""Columns that a page takes at least, as Click knows no terminal of less than fifty."""

Decorate = Callable[[Callable[..., Any]], Callable[..., Any]]

_SECTIONS: Final[dict[click.Parameter, str]] = {}
_OWN: Final = "Options"


def section(title: str, decorate: Decorate) -> Decorate:
    """The same decorator; options that it adds stand under `title` in the help of a `Command`."""

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        before = list(getattr(command, "__click_params__", ()))
        result = decorate(command)
        added: list[click.Parameter] = getattr(result, "__click_params__", [])
        _SECTIONS.update({parameter: title for parameter in added if parameter not in before})
        return result

    return decorated


class Formatter(click.HelpFormatter):
    """As wide as the terminal, also where that is narrow; the names then take no more than their share."""

    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
        if width is None:
            import shutil  # noqa: PLC0415  (3 ms to import, which only a page need pay)

            width = max(min(shutil.get_terminal_size().columns, max_width or 80) - 2, NARROWEST - 2)
        super().__init__(indent_increment, width, max_width)

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl(rows, min(col_max, max(self.width // 2 - 6, 4)), col_spacing)


class Context(click.Context):
    """That of all our commands."""

    formatter_class = Formatter


class Command(click.Command):
    """A command whose help has a section for each kind of option."""

    context_class = Context

    def invoke(self, ctx: click.Context) -> Any:
        """Run it. No command of ours ends by click's `Exit`: a plugin's code in it does, and must not end it with 0."""
        try:
            return super().invoke(ctx)
        except click.exceptions.Exit as ended:
            raise SystemExit(ended.exit_code) from ended

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {_OWN: []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record and record[1]:  # an argument stands in the first line of the page, and the text speaks of it
                sections.setdefault(_SECTIONS.get(parameter, _OWN), []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)


class Group(click.Group):
    """A group of such commands."""

    context_class = Context
    command_class = Command
