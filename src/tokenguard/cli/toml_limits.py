"""How large, deep and full of names a configuration may be, found out before a parser builds anything from it.

Python's parser of TOML keeps about a kilobyte for every name and for every table above it: a key of 20,000 parts, in a
file of 40 KB, takes more than 2 GB.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tokenguard.errors import UsageError

MAXIMUM_SIZE = 1024 * 1024
"""Bytes."""
MAXIMUM_DEPTH = 16
"""Levels of tables and lists; each part of a dotted key is one. A configuration of ours has four."""
MAXIMUM_PARTS = 10_000
"""Parts of keys and of the names of tables, and lists and tables that are values, over the whole file: depth alone does
not bound what a parser keeps."""

_STRUCTURE = re.compile(rb"[\[\]{}=.,\n#\"']")
_ENDS = {
    b'"': re.compile(rb'\\.|["\n]'),
    b"'": re.compile(rb"['\n]"),
    b'"""': re.compile(rb'\\.|"""', re.DOTALL),
    b"'''": re.compile(rb"'''"),
}
"""What may end a string, by what it begins with; an escape is passed over."""


def check_limits(data: bytes, path: Path) -> None:
    """Raise `UsageError` where the TOML in `data`, read from `path`, is deeper or has more names than allowed.

    What is no TOML passes as far as it can be followed: the parser stops at the same place, and says what is wrong.
    """
    parts = 0
    for depth, at, is_part in levels(data):
        parts += is_part
        if depth > MAXIMUM_DEPTH:
            raise _refused(path, data, at, f"is nested deeper than {MAXIMUM_DEPTH} levels")
        if parts > MAXIMUM_PARTS:
            raise _refused(path, data, at, f"has more than {MAXIMUM_PARTS:,} names, lists and tables")


def levels(data: bytes) -> Iterator[tuple[int, int, bool]]:
    """In one pass over TOML: each level that is reached, at which byte, and whether that counts as a part.

    A part is a name that leads to something, or the beginning of a list or table that is a value.

    The document is level 1. Never less than what a parser makes of it: the name of a table may lead through lists of
    tables that stand before it (``[[a]]``, then ``[a.b]``), each of them a level that no bracket of its own shows.
    """
    depth = table = 1
    """The level that has been reached, and that of the table in which the keys stand."""
    opened: list[tuple[bytes, int]] = []
    """The brackets that are open in a value, each with the level around it."""
    key, header, lists = True, 0, 0
    """Whether a name is read and no value; the names in the header of a table; and how many of those were of lists."""
    for mark, at in _marks(data):
        part = mark in b"[.=" if key else mark in b"[{"
        if mark == b"\n" and not opened:
            depth, key, header = table, True, 0
        elif key and not opened and (mark == b"[" or (header and mark == b".")):
            if mark == b"[" and header:
                lists, part = lists + 1, False
            else:
                header += 1
            depth = table = 1 + header + min(header, lists)
        elif key and part:
            depth, key = depth + (mark == b"."), mark == b"."
        elif mark in b"[{":
            opened.append((mark, depth))
            depth, key = depth + 1, mark == b"{"
        elif mark in b"]}" and opened:
            depth, key = opened.pop()[1], False
        elif mark == b"," and opened and opened[-1][0] == b"{":
            depth, key = opened[-1][1] + 1, True
        yield depth, at, part


def _marks(data: bytes) -> Iterator[tuple[bytes, int]]:
    """What gives TOML its structure, and where: brackets, commas, dots, ``=`` and ends of lines, outside of texts.

    Ends where a string or a comment has no end.
    """
    at = 0
    while at >= 0 and (found := _STRUCTURE.search(data, at)):
        mark, start, at = found[0], found.start(), found.end()
        if mark == b"#":
            at = data.find(b"\n", at)
        elif mark in b"\"'":
            at = _string_end(data, start)
        else:
            yield mark, start


def _string_end(data: bytes, start: int) -> int:
    """Behind the string that begins at `start`, or -1 where it does not end as it should."""
    quote = data[start : start + 1]
    long = data.startswith(quote * 3, start)
    delimiter = quote * 3 if long else quote
    for found in _ENDS[delimiter].finditer(data, start + len(delimiter)):
        if found[0] == delimiter:
            end = found.end()
            for _ in range(2 * long):  # one or two quotes more may stand at the end of a long one
                end += data.startswith(quote, end)
            return end
        if found[0] == b"\n":
            break
    return -1


def _refused(path: Path, data: bytes, at: int, what: str) -> UsageError:
    line = data.count(b"\n", 0, at) + 1
    return UsageError(f"{path}: line {line}: {what}, as no configuration of tokenguard needs", "correct the file there")
