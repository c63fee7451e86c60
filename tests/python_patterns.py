"""Patterns of rules for Python's `re`, which judges none: the tests compare engines by it."""

from __future__ import annotations

import re


def to_python(pattern: str) -> str:
    r"""An accepted `pattern` for `re.search`, with ``$`` as the end of the text and nothing before it."""
    return re.sub(r"\\.|\[(?:\\.|[^\]\\])*\]|\$", lambda part: r"\Z" if part[0] == "$" else part[0], pattern)
