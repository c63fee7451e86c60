"""Lengths of time on the command line: ``PT5H`` as in rules, or ``5h``, ``90m``, ``60s``."""

from __future__ import annotations

import re
from datetime import timedelta

import click

from tokenguard.durations import parse_iso8601
from tokenguard.errors import DurationError

_SHORT = re.compile(r"([0-9]{1,6})(h|m|s)")
_UNITS = {"h": "hours", "m": "minutes", "s": "seconds"}


class Length(click.ParamType):
    """A length of time; arrives as a `timedelta`."""

    name = "length"

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        if short := _SHORT.fullmatch(value):
            return timedelta(**{_UNITS[short[2]]: int(short[1])})
        try:
            return parse_iso8601(value)
        except DurationError as error:
            self.fail(f"{error.message}; {error.hint}", param, ctx)
