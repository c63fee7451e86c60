"""A large JSON object, read member by member, and a list in it item by item, so that memory holds one item at a time.

As strict as `documents`: UTF-8, no key twice in one object, no ``NaN``, no half of a surrogate pair; white space and
the order of keys are free.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from tokenguard.documents import STRICT, DuplicateKeyError, refuse_half_pairs
from tokenguard.errors import DocumentError

LARGEST = 64 * 1024 * 1024
"""Characters of a single value (for a list: of one item); more than any that we write, and little enough to hold."""
_CHUNK = 256 * 1024
_BLANK = re.compile(r"[ \t\n\r]*")
_LONGEST_TOKEN = 16
"""Characters that a literal, an escape or the sign of a number can lack at most where the text is cut within it."""


class JsonStream:
    """One pass over the JSON object in `file`; `source` is its name in messages.

    `members` names each member in turn; before the next is asked for, `value` or `items` must have read what it holds.
    All raise `DocumentError` for what is not JSON, or ends too early.
    """

    def __init__(self, file: BinaryIO, source: str) -> None:
        self._file = file
        self._source = source
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._at = 0
        self._line = 1
        """Number of the line that `_text` begins in."""
        self._ended = False

    def members(self) -> Iterator[str]:
        """The names of the members, to the end of the object and of the file."""
        self._take("{")
        names: set[str] = set()
        if self._next() == "}":
            self._take("}")
        else:
            while True:
                yield self._name(names)
                if self._take(",", "}") == "}":
                    break
        if self._next():
            raise self._wrong("goes on after the end of its JSON", self._at)

    def items(self) -> Iterator[Any]:
        """The items of the list that comes next."""
        self._take("[")
        if self._next() == "]":
            self._take("]")
            return
        while True:
            yield self.value()
            if self._take(",", "]") == "]":
                return

    def value(self) -> Any:
        """The value that comes next, whole."""
        self._next()
        while True:
            try:
                value, end = STRICT.raw_decode(self._text, self._at)
                if end + _LONGEST_TOKEN <= len(self._text) or self._ended:  # a number may go on
                    refuse_half_pairs(self._text[self._at : end], value)
                    self._at = end
                    return value
            except json.JSONDecodeError as error:
                if self._ended or not _may_be_cut(error, self._text):
                    raise self._wrong(f"not JSON: {error.msg}", error.pos) from error
            except DuplicateKeyError as error:
                raise self._wrong(f"the key {str(error)!r} stands twice in one object", self._at) from error
            except (ValueError, RecursionError) as error:
                raise self._wrong(f"not JSON: {error}", self._at) from error
            self._read_on()

    def _name(self, names: set[str]) -> str:
        if self._next() != '"':
            raise self._unexpected('"')
        name: str = self.value()
        if name in names:
            raise self._wrong(f"the key {name!r} stands twice in one object", self._at)
        names.add(name)
        self._take(":")
        return name

    def _take(self, *expected: str) -> str:
        found = self._next()
        if found not in expected:
            raise self._unexpected(*expected)
        self._at += 1
        return found

    def _next(self) -> str:
        """The character after white space, which stays; empty at the end of the file."""
        while True:
            self._at = _BLANK.match(self._text, self._at).end()  # type: ignore[union-attr]  # it matches always
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                return ""
            self._read_on()

    def _read_on(self) -> None:
        """Let go of what has been read, and add to what has not: ever more, so that no long value is copied often."""
        if len(self._text) - self._at > LARGEST:
            raise self._wrong(f"a value of more than {LARGEST >> 20} Mi characters", self._at)
        data = self._file.read(max(_CHUNK, len(self._text) - self._at))
        try:
            text = self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            raise self._wrong("not UTF-8 text", len(self._text)) from error
        self._line += self._text.count("\n", 0, self._at)
        self._text = self._text[self._at :] + text
        self._at = 0
        self._ended = not data

    def _unexpected(self, *expected: str) -> DocumentError:
        found = self._next()
        wanted = " or ".join(map(repr, expected))
        return self._wrong(f"not JSON: {wanted} expected, found {found!r}" if found else "cut off", self._at)

    def _wrong(self, what: str, position: int) -> DocumentError:
        line = self._line + self._text.count("\n", 0, position)
        return DocumentError(f"{self._source}: line {line}: {what}", "write or copy the file again")


def _may_be_cut(error: json.JSONDecodeError, text: str) -> bool:
    """Whether more text could mend it: the parser came to the end of `text`, or of a string without its end."""
    return error.msg.startswith("Unterminated string") or error.pos > len(text) - _LONGEST_TOKEN
