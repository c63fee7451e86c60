"""Which kind of our files one is, by how it begins."""

from __future__ import annotations

import re
from typing import NamedTuple

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
RULE = Kind("a rule", "`tokenguard scan --rules FILE` judges by one")
_PACKED = Kind("a compressed file", "`tokenguard scan --snapshot FILE` judges a snapshot, named .gz or .zst")
_ENDS = "nothing reads it back; of a report, only what `--format json` writes is"

_SAYS = re.compile(rb'"kind"\s*:\s*"tokenguard-([a-z]+)"')
_BY_WORD = {
    b"snapshot": SNAPSHOT,
    b"report": REPORT,
    b"plan": PLAN,
    b"diff": Kind("a comparison", "`tokenguard diff` writes such, and nothing reads it back"),
    b"explanation": Kind("an explanation", "`tokenguard explain` writes such, and nothing reads it back"),
    b"diagnosis": Kind("a diagnosis", "`tokenguard doctor` writes such, and nothing reads it back"),
    b"probe": Kind("the result of a probe", "`tokenguard probe` writes such, and nothing reads it back"),
}
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
        (rb'\s*\{(?=.*"resource"\s*:\s*")(?=.*"severity"\s*:).*"require"\s*:', RULE),
    )
)


def recognized(beginning: bytes) -> Kind | None:
    """What a file is that begins so, as far as it is one of ours, or what our reports are written in."""
    if said := _SAYS.search(beginning):
        word = said[1]
        return _BY_WORD.get(word) or Kind(f"of the kind {word.decode()!r}", "nothing here reads it")
    return next((kind for pattern, kind in _OTHERS if pattern.match(beginning)), None)
