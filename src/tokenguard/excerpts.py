"""Long lists and texts, as they are shown: an allow-list may hold hundreds of ids, or be a file of another kind."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

LONGEST = 10
"""Items of a list that is shown whole."""
FIRST = 3
"""Items that are shown of a longer one."""
LONGEST_TEXT = 100
"""Characters of a text that is shown whole."""
BEGINNING = 60
"""Characters that are shown of a longer one."""
_LENGTH = re.compile(r"… \([0-9]+ characters\)")
_KEYS = {"count", "first", "sha256"}


def shown(value: Any, *, texts: bool = True) -> Any:
    """`value`, plain JSON, with each list of more than `LONGEST` items in it, however deep, as its excerpt.

    An excerpt is an object: ``count``, the ``first`` `FIRST` items, and 12 hex digits of the ``sha256`` of the whole
    list, by which two can be told apart. A text of more than `LONGEST_TEXT` characters, unless all `texts` are to be
    whole, is its beginning and its length. What is short, or has been shown before, stays as it is.
    """
    match value:
        case list() | tuple() if len(value) > LONGEST:
            first = [shown(item, texts=texts) for item in value[:FIRST]]
            return {"count": len(value), "first": first, "sha256": _digest(value)}
        case list() | tuple():
            return [shown(item, texts=texts) for item in value]
        case dict():
            return {key: shown(item, texts=texts) for key, item in value.items()}
        case str() if texts and len(value) > LONGEST_TEXT:
            return f"{value[:BEGINNING]}… ({len(value)} characters)"
        case _:
            return value


def is_beginning(value: Any) -> bool:
    """Whether `value` is what `shown` makes of a long text."""
    return isinstance(value, str) and _LENGTH.fullmatch(value, BEGINNING) is not None


def is_excerpt(value: Any) -> bool:
    """Whether `value` is what `shown` makes of a long list."""
    return isinstance(value, dict) and value.keys() == _KEYS and isinstance(value["first"], list)


def _digest(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
