"""Sizes as commands take them: a number of bytes, or ``16GiB``."""

from __future__ import annotations

import re

import click

_SIZE = re.compile(r"([0-9]{1,18}) ?(?:([KMGT])iB)?", re.IGNORECASE)
_SHIFTS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}


def size(text: str) -> int:
    """The type of an option: bytes, at least one; raises `click.BadParameter` for what is no size."""
    found = _SIZE.fullmatch(text.strip())
    if found and (number := int(found[1]) << _SHIFTS[(found[2] or "").upper()]):
        return number
    raise click.BadParameter(f"{text!r} is no size; write a number of bytes, or one with KiB, MiB, GiB or TiB")
