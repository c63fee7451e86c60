"""Lines that people read on standard output: on a terminal broken between words, their headings bold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain, pairwise

from tokenguard.cli.context import stdout, style_of
from tokenguard.layout import Page, Paint
from tokenguard.untrusted import visible

_COLUMNS = re.compile(r"(.*\S *)  (\S+(?: \S+)+)")
"""Text that has a column, two spaces or more from what is before it, of several words at its end."""


class Verbatim(str):
    """A line that is there to be copied, and is not broken."""

    __slots__ = ()


_BULLETS = ("- ", "* ")


def write_lines(lines: Iterable[str]) -> None:
    """Write `lines`, each with its indentation, which what does not fit beside it keeps, and hangs beside a bullet.

    A pipe gets them as they are.

    A heading is a line at the margin with an indented one below it. What stands in columns goes on in the last of them.
    What has no space in it is not broken: an address is opened, and a word copied, only whole.
    """
    out = stdout()
    page = Page(out, style_of(out))
    for line, following in pairwise(chain(lines, [""])):
        paint = Paint.BOLD if line[:1].strip() and following.startswith(" ") else Paint.NONE
        text = line.lstrip(" ")
        if isinstance(line, Verbatim) or " " not in text:
            page.row([(line, paint)])
        elif columns := _COLUMNS.fullmatch(text):
            page.line(columns[2], indent=len(line) - len(text), label=visible(columns[1]))
        else:
            page.line(text, indent=len(line) - len(text), paint=paint, further=2 if text.startswith(_BULLETS) else 0)
    out.flush()  # before anything that is said next on the same terminal
