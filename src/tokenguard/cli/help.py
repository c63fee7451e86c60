"""Help pages in sections: what a command has of its own first, then what it shares with others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import click

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


class Command(click.Command):
    """A command whose help has a section for each kind of option."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {_OWN: []}
        for parameter in self.get_params(ctx):
            if record := parameter.get_help_record(ctx):
                sections.setdefault(_SECTIONS.get(parameter, _OWN), []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)
