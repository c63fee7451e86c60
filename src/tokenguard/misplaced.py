"""A file that was given in the place of another: said by name, since its mistakes would lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tokenguard.errors import DocumentError
from tokenguard.files import is_stream
from tokenguard.kinds import BEGINNING, PACKED, SNAPSHOT, Kind, recognized


@contextmanager
def naming(path: Path, expected: Kind) -> Iterator[None]:
    """While the file at `path` is read as `expected`: where that fails and it is of another kind, the error says so."""
    try:
        yield
    except DocumentError as error:
        kind = recognized(_beginning(path))
        damaged = kind is PACKED and expected is SNAPSHOT and path.suffix in (".gz", ".zst")
        if kind is None or kind == expected or damaged:
            raise
        raise type(error)(f"{path}: is {kind.name}, and {expected.name} is needed here", kind.use) from error


def _beginning(path: Path) -> bytes:
    """Nothing where it cannot be read again: a pipe, or what whoever read it before has told of."""
    if is_stream(path):
        return b""
    try:
        with path.open("rb") as file:
            return file.read(BEGINNING)
    except (OSError, ValueError):
        return b""
