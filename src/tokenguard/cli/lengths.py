"""Lengths of time as commands take them, ``PT5H`` as in rules or ``5h``, ``90m``, ``60s``, and as they answer."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Any

import click

from tokenguard.durations import humanize, parse_iso8601
from tokenguard.errors import DurationError

_SHORT = re.compile(r"([0-9]{1,6})(h|m|s)")
_UNITS = {"h": "hours", "m": "minutes", "s": "seconds"}


class Seconds(click.FloatRange):
    """The type of an option: finite and not negative. Every comparison with ``nan`` is false, so it would never end."""

    def __init__(self) -> None:
        super().__init__(min=0)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        seconds = super().convert(value, param, ctx)
        return seconds if math.isfinite(seconds) else self.fail(f"{value} is no number of seconds", param, ctx)


def length(text: str) -> timedelta:
    """The type of an option; raises `click.BadParameter` for what is no length."""
    if short := _SHORT.fullmatch(text):
        return timedelta(**{_UNITS[short[2]]: int(short[1])})
    try:
        return parse_iso8601(text)
    except DurationError as error:
        raise click.BadParameter(f"{error.message}; {error.hint}") from error


def shown(seconds: int) -> str:
    """Seconds for people: ``8 h``."""
    return humanize(timedelta(seconds=seconds))


def span(shortest: int, longest: int) -> str:
    """What lies between two numbers of seconds: ``1 h to 1 h 30 min``, or the one length that they are."""
    return shown(longest) if shortest == longest else f"{shown(shortest)} to {shown(longest)}"
