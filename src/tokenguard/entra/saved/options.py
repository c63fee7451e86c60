"""Which query options leave a list whole.

Listed are those that do, each with the values of which that is known: Graph learns new ones, and takes many spellings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from tokenguard.entra.saved.calls import split

_PATHS = r"[\w.,/*@ -]*"
_EXPANDED = rf"(?:\w+|\*)(?:\(\$?select={_PATHS}\))?"
_WHOLE: Mapping[str, re.Pattern[str]] = {
    "select": re.compile(_PATHS, re.ASCII),
    "orderby": re.compile(r"[\w.,/ ]*", re.ASCII),
    "count": re.compile("true|false", re.IGNORECASE),
    "expand": re.compile(f"{_EXPANDED}(?:,{_EXPANDED})*", re.ASCII | re.IGNORECASE),
    "format": re.compile(r"(?:application/)?json(?:; ?odata\.(?:metadata|streaming)=\w+)*", re.ASCII | re.IGNORECASE),
    "consistencylevel": re.compile("eventual", re.IGNORECASE),
    "top": re.compile(r"[0-9]{1,9}"),
    "skiptoken": re.compile(".*", re.DOTALL),
}
"""Without the ``$`` that Graph does not insist on. ``$top`` is the size of a page, unless a list ends with it.

Source: Microsoft Graph, "Use query parameters to customize responses" and "Paging Microsoft Graph data".
"""


def narrowing(url: str) -> str:
    """The first option of a call that may have left out rows, as it was written; empty where none did."""
    seen: set[str] = set()
    for written, value in _options(url):
        name = _name(written)
        if name in seen or name not in _WHOLE or not _WHOLE[name].fullmatch(value):
            return written or "="
        seen.add(name)
    return "#" if split(url).fragment else ""


def page_size(url: str) -> int | None:
    """How many rows a call asks for at a time; None where it does not say."""
    sizes = (value for name, value in _options(url) if _name(name) == "top" and _WHOLE["top"].fullmatch(value))
    return next(map(int, sizes), None)


def is_continued(url: str) -> bool:
    """Whether a call asks for a page that is not the first."""
    return any(_name(name) == "skiptoken" for name, _ in _options(url))


def _name(written: str) -> str:
    return written.lower().removeprefix("$") if written.isascii() else written


def _options(url: str) -> list[tuple[str, str]]:
    return parse_qsl(split(url).query, keep_blank_values=True)
