"""Lines of text for a terminal or a file: harmless, wrapped where there is a width, coloured where that is wanted."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from typing import BinaryIO

from tokenguard.hookspecs import Style
from tokenguard.untrusted import visible

NARROWEST = 12
"""Columns that text keeps beside its indentation, however narrow the terminal."""


class Paint(StrEnum):
    """How something is emphasized: the parameters of an ANSI "select graphic rendition" sequence."""

    NONE = ""
    BOLD = "1"
    DIM = "2"
    RED = "31"
    GREEN = "32"
    YELLOW = "33"
    BLUE = "34"
    BRIGHT_RED = "1;31"
    BRIGHT_GREEN = "1;32"
    BRIGHT_YELLOW = "1;33"


class Page:
    """Writes lines to `out`. Every text passes through `visible` here, so that none can be forgotten."""

    def __init__(self, out: BinaryIO, style: Style) -> None:
        self._out = out
        self.style = style

    def line(
        self, text: str = "", indent: int = 0, paint: Paint = Paint.NONE, label: str = "", further: int = 0
    ) -> None:
        """One logical line, what does not fit `further` indented. With a `label` the label is painted, and what follows
        hangs beside it."""
        hang = indent + cells(label) + 2 if label else indent
        if label and self.style.width and self.style.width - hang < NARROWEST:
            self.line(label, indent, paint)
            label, hang, paint = "", indent + 2, Paint.NONE
        room = max(self.style.width - hang - further, NARROWEST) if self.style.width else 0
        lines = wrap(visible(text), room)
        first = next(lines)
        if label:
            self._write(" " * indent + self._painted(label, paint) + "  " + first)
        else:
            self._write(" " * hang + self._painted(first, paint))
        for rest in lines:
            self._write(" " * (hang + further) + (rest if label else self._painted(rest, paint)))

    def row(self, parts: list[tuple[str, Paint]]) -> None:
        """Parts that the caller has aligned, on one line that is not wrapped."""
        self._write("".join(self._painted(visible(text), paint) for text, paint in parts))

    def _painted(self, text: str, paint: Paint) -> str:
        return f"\x1b[{paint}m{text}\x1b[0m" if self.style.color and paint and text else text

    def _write(self, text: str) -> None:
        self._out.write(text.rstrip(" ").encode() + b"\n")


def cells(text: str) -> int:
    """Columns that `text` takes on a terminal: two for wide East Asian characters and emoji, none for marks."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def wrap(text: str, width: int) -> Iterator[str]:
    """`text` in lines of at most `width` columns, broken at spaces, and within a word only if it is longer than that.

    Always at least one line. A `width` of 0 is no limit.
    """
    if not width or cells(text) <= width:
        yield text
        return
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if cells(longer) <= width:
            line = longer
            continue
        if line:
            yield line
        *full, line = _chop(word, width)
        yield from full
    yield line


def _chop(word: str, width: int) -> Iterator[str]:
    start = used = 0
    for position, character in enumerate(word):
        used += _cells(character)
        if used > width:
            yield word[start:position]
            start, used = position, _cells(character)
    yield word[start:]


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
