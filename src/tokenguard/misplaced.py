"""A file that was given in the place of another: said by name, since its mistakes would lead nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from tokenguard.errors import DocumentError
from tokenguard.files import is_stream
from tokenguard.kinds import BEGINNING, Kind, recognized

Opening = Callable[[Path], AbstractContextManager[BinaryIO]]


def _as_it_is(path: Path) -> AbstractContextManager[BinaryIO]:
    return path.open("rb")


@contextmanager
def naming(path: Path, expected: Kind, opening: Opening = _as_it_is) -> Iterator[None]:
    """While the file at `path` is read as `expected`: where that fails and it is of another kind, the error says so.

    `opening`: how it is read, such as decompressed; a `DocumentError` of it means that nothing is known of the file.
    """
    try:
        yield
    except DocumentError as error:
        kind = recognized(_beginning(path, opening))
        if kind in (None, expected):
            raise
        raise type(error)(f"{path}: is {kind.name}, and {expected.name} is needed here", kind.use) from error


def _beginning(path: Path, opening: Opening) -> bytes:
    """Nothing where it cannot be read again: a pipe, or what whoever read it before has told of."""
    if is_stream(path):
        return b""
    try:
        with opening(path) as file:
            return file.read(BEGINNING)
    except (OSError, ValueError, DocumentError):
        return b""
