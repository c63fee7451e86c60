"""Writing JSON documents piece by piece, so that memory does not grow with their lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, BinaryIO

from tokenguard.untrusted import json_bytes


def write_json(value: Any, out: BinaryIO) -> None:
    """Write `value`: objects and lists laid out over lines, and each iterator as a list, one item a line."""
    out.writelines(_pieces(value))
    out.write(b"\n")


def _pieces(value: Any) -> Iterator[bytes]:
    match value:
        case dict():
            yield from _joined(
                b"{", (chain([json_bytes(name), b":"], _pieces(item)) for name, item in value.items()), b"}"
            )
        case list():
            yield from _joined(b"[", (_pieces(item) for item in value), b"]")
        case Iterator():
            yield from _joined(b"[", ([json_bytes(item)] for item in value), b"]")
        case _:
            yield json_bytes(value)


def _joined(opening: bytes, parts: Iterable[Iterable[bytes]], closing: bytes) -> Iterator[bytes]:
    yield opening
    separator = b"\n"
    for part in parts:
        yield separator
        yield from part
        separator = b",\n"
    yield (b"\n" if separator != b"\n" else b"") + closing
