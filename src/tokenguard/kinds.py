"""What a file is that was given in the place of another: said by name, since its mistakes would lead nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tokenguard.errors import DocumentError
from tokenguard.files import is_stream

BEGINNING = 64 * 1024
"""Bytes in which a file says what it is."""


class Kind(NamedTuple):
    """A kind of file, and what it is good for."""

    name: str
    use: str


SNAPSHOT = Kind("a snapshot", "`tokenguard scan --snapshot FILE` judges one")
REPORT = Kind("a JSON report", "`tokenguard report FILE` writes one in other formats, `tokenguard diff` compares two")
PLAN = Kind("a plan", "`tokenguard fix --plan FILE` carries one out")
JOURNAL = Kind("a journal", "`tokenguard undo FILE` takes back what one tells of")
BASELINE = Kind("a baseline", "`tokenguard scan --baseline FILE` takes one")
EXEMPTIONS = Kind("a file of exemptions", "`tokenguard scan --exemptions FILE` takes one")
_RULE = Kind("a rule", "`tokenguard scan --rules FILE` judges by one")
_PACKED = Kind("a compressed file", "`tokenguard scan --snapshot FILE` judges a snapshot, named .gz or .zst")
_ENDS = "nothing reads it back; of a report, only what `--format json` writes is"

_SAYS = re.compile(rb'"kind"\s*:\s*"tokenguard-([a-z]+)"')
_BY_WORD = {b"snapshot": SNAPSHOT, b"report": REPORT, b"plan": PLAN}
_OTHERS = tuple(
    (re.compile(pattern, re.DOTALL), kind)
    for pattern, kind in (
        (rb"\x1f\x8b|\x28\xb5\x2f\xfd", _PACKED),
        (rb'\s*\{\s*"line"\s*:\s*"header"', JOURNAL),
        (rb'\s*\{(?=.*"runs"\s*:).*"version"\s*:\s*"2\.1\.0"', Kind("a SARIF report", _ENDS)),
        (rb'\s*\{.*"class_uid"\s*:\s*2003\b', Kind("an OCSF report", _ENDS)),
        (rb"\s*<\?xml[^>]*>\s*<testsuites\b", Kind("a JUnit report", _ENDS)),
        (rb"\s*<!doctype html", Kind("a page of HTML", _ENDS)),
        (rb'"status","severity","rule",', Kind("a CSV report", _ENDS)),
        (rb"# tokenguard: ", Kind("a Markdown report", _ENDS)),
        (rb'\s*\{(?=.*"created"\s*:)(?=.*"tenant"\s*:).*"findings"\s*:', BASELINE),
        (rb'\s*\{(\s*"\$schema"\s*:\s*"[^"]*"\s*,)?\s*"exemptions"\s*:', EXEMPTIONS),
        (rb'\s*\{(?=.*"resource"\s*:\s*")(?=.*"severity"\s*:).*"require"\s*:', _RULE),
    )
)


def recognized(beginning: bytes) -> Kind | None:
    """What a file is that begins so, as far as it is one of ours, or what our reports are written in."""
    if said := _SAYS.search(beginning):
        word = said[1]
        return _BY_WORD.get(word) or Kind(f"what tells of a {word.decode()}", "nothing reads it back")
    return next((kind for pattern, kind in _OTHERS if pattern.match(beginning)), None)


@contextmanager
def naming(path: Path, expected: Kind) -> Iterator[None]:
    """While the file at `path` is read as `expected`: where that fails and it is of another kind, the error says so."""
    try:
        yield
    except DocumentError as error:
        kind = recognized(_beginning(path))
        damaged = kind is _PACKED and expected is SNAPSHOT and path.suffix in (".gz", ".zst")
        if kind is None or kind == expected or damaged:
            raise
        raise type(error)(f"{path}: is {kind.name}, and {expected.name} is needed here", kind.use) from error


def _beginning(path: Path) -> bytes:
    """Nothing where it cannot be read again: a pipe, or what whoever read it before has told of."""
    if is_stream(path):
        return b""
    try:
        with path.open("rb") as file:
            return file.read(BEGINNING)
    except (OSError, ValueError):
        return b""
