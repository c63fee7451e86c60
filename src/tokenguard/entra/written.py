"""JSON as somebody wrote it: every key, also one that stands twice, and quotes escaped once too often."""

from __future__ import annotations

import json
from typing import Any


class Members(list[tuple[str, Any]]):
    """A JSON object with every key it was written with, in order."""


def load(text: object) -> tuple[Members, bool]:
    """The object that `text` holds, and whether its quotes were escaped; raises `ValueError` where it holds none.

    ``{\\"a\\":1}`` and ``"{\\"a\\":1}"`` both are what a shell makes of ``{"a":1}`` when it is quoted twice.
    """
    if not isinstance(text, str):
        raise ValueError("it is no text")  # noqa: TRY004  (one fate for all that is no JSON)
    try:
        value = _decode(text)
    except ValueError:
        if '\\"' not in text:
            raise
        value = _decode(f'"{text}"')
    escaped = isinstance(value, str)
    if escaped:
        value = _decode(value)
    if not isinstance(value, Members):
        raise ValueError("it is no object")  # noqa: TRY004
    return value, escaped


def shown(value: object, width: int = 60) -> str:
    """`value` for people, cut to `width` characters."""
    match value:
        case Members():
            return "an object"
        case list():
            return "a list"
        case str():
            written = f"'{printable(value)}'"
        case _:
            written = json.dumps(value, default=repr)
    return written if len(written) <= width else f"{written[: width - 1]}…"


def printable(text: str) -> str:
    """`text` without lone surrogates: JSON escapes can name them, but no file can hold them."""
    return text.encode("utf-8", "backslashreplace").decode()


def _decode(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=Members, parse_constant=_refuse_constant, strict=False)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at character {error.pos + 1}") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
