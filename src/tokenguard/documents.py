"""Strict JSON: what a person wrote is read without guessing, or refused with the place."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import isinf
from typing import Any

from tokenguard.errors import DocumentError

Steps = tuple[str | int, ...]
"""Which value of a document: keys and indices, from the outermost in."""

MAXIMUM_DEPTH = 64
"""Deeper nesting than any document of ours needs, and far from Python's own limit."""
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""The escape of half a surrogate pair, be the other half beside it or not."""


class Withheld(bytes):
    """The content of a file of which no error repeats anything, neither value nor key nor line: only the place."""


class DuplicateKeyError(ValueError):
    """A key, which is its text, stands twice in one object."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        raise DuplicateKeyError(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
    return result


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise ValueError("Out of range: a number that cannot be held")
    return number


STRICT = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite)
"""Reads JSON, and nothing that only looks like it. Raises `ValueError`, of which `DuplicateKeyError` is one."""


def parse_document(data: bytes, source: str, unreadable: Callable[[str], Any] | None = None) -> Any:
    """Parse `data` as JSON (RFC 8259, UTF-8, a byte order mark is passed over).

    Refuses, as `DocumentError` naming `source`: anything else, a key that stands twice in one object, ``NaN`` and
    ``Infinity``, numbers beyond those of Python, half a surrogate pair, and nesting deeper than `MAXIMUM_DEPTH`. Of
    `Withheld` data the error repeats nothing.

    `unreadable`, where it is given, makes of a reason what stands for a value that is JSON but that no report can hold:
    a text with half a surrogate pair, a number beyond 64 bits. It stands for a whole list if one of its values is such.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(f"{source}: not UTF-8 text (byte {error.start})", "save the file as UTF-8") from error
    try:
        return _decode(text) if unreadable is None else _decode_in_part(text, unreadable)
    except json.JSONDecodeError as error:
        message = f"{source}: line {error.lineno}, column {error.colno}: not JSON: {error.msg}"
        raise DocumentError(message, "correct the file at that place") from error
    except DuplicateKeyError as error:
        what = f"the key {str(error)!r} stands twice in one object"
        if isinstance(data, Withheld):
            what = f"{place(text, _first_double(text))}: a key stands twice in one object"
        raise DocumentError(f"{source}: {what}", "only one of the two can be meant: remove the other") from error
    except UnicodeEncodeError as error:
        what = "half a surrogate pair: surrogates not allowed" if isinstance(data, Withheld) else str(error)
        raise DocumentError(f"{source}: not JSON: {what}", "correct the file") from error
    except (ValueError, RecursionError) as error:  # of our own words, or Python's about the length of a number
        raise DocumentError(f"{source}: not JSON: {error}", "correct the file") from error


def places_of(data: bytes, wanted: Sequence[tuple[str, ...]]) -> list[tuple[str, Steps]]:
    """Where in `data`, a JSON document, the value at each of the `wanted` paths begins, or the nearest around it.

    As ``line 3, column 7``, with the steps that lead there, indices as numbers. A member begins with its key.
    """
    text = data.decode("utf-8-sig")
    on_the_way = {path[:length] for path in wanted for length in range(len(path) + 1)}
    keyed = ((tuple(map(str, path)), path, at) for path, at in _values(text))
    found = {key: (path, at) for key, path, at in keyed if key in on_the_way}
    places = []
    for steps in wanted:
        nearest = next(steps[:length] for length in range(len(steps), -1, -1) if steps[:length] in found)
        path, at = found[nearest]
        places.append((place(text, at), path))
    return places


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},]|[^\s\[\]{},:"]+')
"""Of a text that is JSON; colons say nothing that the order does not."""


def _values(text: str) -> Iterator[tuple[Steps, int]]:
    """Each value in the JSON `text` in order: its path, and where it, or its key, begins."""
    path: list[Any] = []
    start = 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in ("]", "}"):
            path.pop()
        elif mark == ",":
            path[-1] = path[-1] + 1 if isinstance(path[-1], int) else None
        elif path and path[-1] is None:
            path[-1], start = json.loads(mark), token.start()
        else:
            yield tuple(path), start if path and isinstance(path[-1], str) else token.start()
            if mark in ("[", "{"):
                path.append(0 if mark == "[" else None)


def _first_double(text: str) -> int:
    """Where in the JSON `text` a key stands for the second time in one object."""
    seen: list[set[str | int]] = []
    for path, at in _values(text):
        del seen[len(path) :]
        seen += [set() for _ in range(len(path) - len(seen))]
        if path and path[-1] in seen[-1]:
            return at
        if path:
            seen[-1].add(path[-1])
    return 0


def place(text: str, at: int) -> str:
    """``line 3, column 7`` of the character `at` in `text`."""
    return f"line {text.count(chr(10), 0, at) + 1}, column {at - text.rfind(chr(10), 0, at)}"


def _decode(text: str) -> Any:
    _check_depth(text)
    document = STRICT.decode(text)
    refuse_half_pairs(text, document)
    return document


@dataclass(frozen=True, slots=True)
class _Flawed:
    """Stands for a value that no report can hold: what it is."""

    what: str


def _decode_in_part(text: str, unreadable: Callable[[str], Any]) -> Any:
    flawed: list[_Flawed] = []

    def number(convert: Callable[[str], Any], digits: str) -> Any:
        try:
            value = convert(digits)
        except ValueError:  # too large for a float, or too long for Python
            value = None
        if value is None or not (isinstance(value, float) or -(2**63) <= value < 2**64):
            flawed.append(_Flawed("a number beyond 64 bits"))
            return flawed[-1]
        return value

    _check_depth(text)
    decoder = json.JSONDecoder(
        object_pairs_hook=_object,
        parse_constant=_refuse_constant,
        parse_float=partial(number, _finite),
        parse_int=partial(number, int),
    )
    document = decoder.decode(text)
    if not flawed and not _HALF.search(text):
        return document
    document = _replaced(document, unreadable)
    return unreadable(f"it is {document.what}") if isinstance(document, _Flawed) else document


def _replaced(value: Any, unreadable: Callable[[str], Any]) -> Any:
    """`value` without what no report can hold; what stands for it says of which property it was."""
    match value:
        case str() if not _is_writable(value):
            return _Flawed("text with half a surrogate pair")
        case list():
            values = [_replaced(each, unreadable) for each in value]
            return next((each for each in values if isinstance(each, _Flawed)), values)
        case dict():
            members = {key: _replaced(each, unreadable) for key, each in value.items() if _is_writable(key)}
            return {
                key: unreadable(f"{key} is {each.what}") if isinstance(each, _Flawed) else each
                for key, each in members.items()
            }
    return value


def _is_writable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def refuse_half_pairs(text: str, document: Any) -> None:
    """Raise `ValueError` where a string of `document`, read from `text`, holds half a surrogate pair.

    To Python's parser that is a character; no report can hold it.
    """
    if _HALF.search(text):  # seldom, and much faster to look for
        check_writable(document)


def check_writable(value: Any) -> None:
    """Raise `ValueError` for what Python takes for a value but no report can hold: NaN, infinity, half a pair."""
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def write_document(document: Any) -> bytes:
    """`document` as JSON that people read and compare: indented, keys in the order given, a newline at the end."""
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"


def digest(document: Any) -> str:
    """SHA-256, in hex, of what `document` says, however it is laid out: it finds an accident, and no forgery."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _check_depth(text: str) -> None:
    """Refuse deep nesting before the parser recurses into it; brackets inside strings do not count."""
    if text.count("[") + text.count("{") <= MAXIMUM_DEPTH:
        return
    depth = 0
    quoted = escaped = False
    for character in text:
        if quoted:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                quoted = False
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth += 1
            if depth > MAXIMUM_DEPTH:
                raise ValueError(f"nested deeper than {MAXIMUM_DEPTH} levels")
        elif character in "]}":
            depth -= 1
