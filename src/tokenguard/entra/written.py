"""JSON as somebody wrote it: every key, also one that stands twice, and what is JSON only once it is unescaped."""

from __future__ import annotations

import json
from typing import Any


class Members(list[tuple[str, Any]]):
    """A JSON object with every key it was written with, in order."""


def load(text: object) -> tuple[Members, str]:
    """The object that `text` holds, and why `text` is no JSON object as it stands; empty where it is one.

    ``{\\"a\\":1}`` and ``"{\\"a\\":1}"`` both are what a shell makes of ``{"a":1}`` when it is quoted twice. A tab or
    the end of a line within quotes is no JSON either. Raises `ValueError` for what holds no object however it is read.
    """
    if not isinstance(text, str):
        raise ValueError("it is no text")  # noqa: TRY004  (one fate for all that is no JSON)
    try:
        value, problem = _decode_leniently(text)
    except ValueError:
        if '\\"' not in text:
            raise
        value, problem = _decode(f'"{text}"', strict=False), "its quotes are escaped"
    if isinstance(value, str):
        problem = problem or "it is a JSON string that holds JSON"
        value = _decode(value, strict=False)
    if not isinstance(value, Members):
        raise ValueError("it is no object")  # noqa: TRY004
    return value, problem


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


def _decode_leniently(text: str) -> tuple[Any, str]:
    try:
        return _decode(text, strict=True), ""
    except ValueError:
        return _decode(text, strict=False), "it holds control characters that are not escaped"


def _decode(text: str, *, strict: bool) -> Any:
    try:
        return json.loads(text, object_pairs_hook=Members, parse_constant=_refuse_constant, strict=strict)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at character {error.pos + 1}") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
