"""By what a run judges that is not its default, and who said so, for its report."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import timedelta
from typing import Any

import click

from tokenguard.cli.given import origin
from tokenguard.cli.options import Run, Which
from tokenguard.durations import format_iso8601
from tokenguard.model import Configured, Setting
from tokenguard.rules.messages import present

_GENERAL = ("rules", "select", "fail_on", "precedence", "max_age")
"""Options that change a verdict, beside those whose settings are known once they are read."""


def configured(run: Run, which: Which, *settings: Iterable[Setting]) -> Configured:
    """By what this run judges, `which` rules first, with the `settings` of what it read."""
    return Configured(run.config.file, (*_general(which, _GENERAL), *(each for group in settings for each in group)))


def configured_status(run: Run) -> Configured:
    """The same of a run that judges nothing anew: all that is left to it is which findings give exit status 1."""
    return Configured(run.config.file, tuple(_general(None, ("fail_on",))))


def _general(which: Which | None, names: Collection[str]) -> Iterator[Setting]:
    running = click.get_current_context()
    for parameter in running.command.params:
        name = parameter.name or ""
        told, value = origin(name), running.params.get(name)
        given_way = value != getattr(which, name, value)  # to what a plan or a journal says
        if name in names and told is not None and value not in ((), parameter.default) and not given_way:
            yield Setting(told, name.replace("_", "-"), value=_words(value))


def _words(value: Any) -> str:
    if isinstance(value, timedelta):
        return format_iso8601(value)
    return present("", list(value) if isinstance(value, tuple) else value)
