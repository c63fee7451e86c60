"""Long lists, as they are shown: an allow-list may hold hundreds of ids, and come from a file that nobody reviewed."""

from __future__ import annotations

import hashlib
import json
from typing import Any

LONGEST = 10
"""Items of a list that is shown whole."""
FIRST = 3
"""Items that are shown of a longer one."""
_KEYS = {"count", "first", "sha256"}


def shown(value: Any) -> Any:
    """`value`, plain JSON, with each list of more than `LONGEST` items in it, however deep, as its excerpt.

    An excerpt is an object: ``count``, the ``first`` `FIRST` items, and 12 hex digits of the ``sha256`` of the whole
    list, by which two can be told apart. What has no such list, or has been shown before, stays as it is.
    """
    match value:
        case list() | tuple() if len(value) > LONGEST:
            return {"count": len(value), "first": [shown(item) for item in value[:FIRST]], "sha256": _digest(value)}
        case list() | tuple():
            return [shown(item) for item in value]
        case dict():
            return {key: shown(item) for key, item in value.items()}
        case _:
            return value


def is_excerpt(value: Any) -> bool:
    """Whether `value` is what `shown` makes of a long list."""
    return isinstance(value, dict) and value.keys() == _KEYS and isinstance(value["first"], list)


def _digest(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
