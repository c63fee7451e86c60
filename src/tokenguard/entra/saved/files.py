"""The files of a folder that hold JSON, and which call each is said to answer."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from tokenguard.documents import parse_document
from tokenguard.entra.reading import Unknown
from tokenguard.entra.saved.calls import address
from tokenguard.errors import DocumentError
from tokenguard.files import MAXIMUM_SIZE, files_below, read_file

CALLS_FILE = "calls.json"
_WHAT = "a saved answer of Microsoft Graph"
_BEGUN = re.compile(rb'\s*\{\s*"(?!kind":"tokenguard-)')
"""An object; but for a snapshot of ours, which holds one a line and may lie in the folder."""
_MARKED = re.compile(rb'"@odata\.(?:context|nextLink)"\s*:')


@dataclass(frozen=True, slots=True)
class SavedFile:
    """One file, parsed."""

    path: str
    """As the user named the folder."""
    document: Any
    call: str = ""
    """What ``calls.json`` says that it answers; empty where it does not say."""


def read_folder(folder: Path) -> list[SavedFile]:
    """Every file below `folder` that holds JSON, sorted by name; hidden ones are passed over.

    A file that ends with ``.json``, stands in ``calls.json`` or looks like an answer must be JSON, another one may be
    anything: a page that was passed over for being cut off would make the next one look like the whole list. Raises
    `DocumentError` naming the file.
    """
    if not folder.is_dir():
        raise DocumentError(f"{folder}: no such folder; {_WHAT}s were to be read from it", "check the path")
    files = sorted(_names(folder))
    names = [name for name in files if PurePosixPath(name).name != CALLS_FILE]
    calls: dict[str, str] = {}
    for name in files:
        if PurePosixPath(name).name == CALLS_FILE:
            calls |= _read_calls(folder, name, set(names), calls)
    return [file for name in names if (file := _read(folder, name, calls.get(name, ""))) is not None]


def _names(folder: Path) -> Iterator[str]:
    for path in files_below(folder, _WHAT):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            yield name.as_posix()


def _read_calls(folder: Path, file: str, there: Collection[str], known: Mapping[str, str]) -> Mapping[str, str]:
    """What the ``calls.json`` `file` says of files beside and below it, by their names from `folder` on."""
    path, beside = folder / file, PurePosixPath(file).parent
    document = _parse(read_file(path, _WHAT), path, None)
    if not isinstance(document, dict) or not all(isinstance(url, str) and address(url) for url in document.values()):
        raise DocumentError(
            f"{path}: is not an object of file names and URLs",
            'write {"file.json": "https://graph.microsoft.com/v1.0/organization"}',
        )
    calls: dict[str, str] = {}
    for name, url in document.items():
        full = str(beside / name.replace("\\", "/"))
        if full not in there:
            raise DocumentError(f"{path}: names {name!r}, which is not there", "correct the name, or save that answer")
        if calls.get(full, known.get(full, url)) != url:
            raise DocumentError(f"{path}: names {name!r}, of which another call was said before", "keep the right one")
        calls[full] = url
    return calls


def _read(folder: Path, name: str, call: str) -> SavedFile | None:
    path = folder / name
    expected = bool(call) or path.suffix.lower() == ".json"
    if not expected and path.stat().st_size > MAXIMUM_SIZE:
        return None
    data = read_file(path, _WHAT)
    try:
        return SavedFile(str(path), _parse(data, path), call)
    except DocumentError:
        if expected or _looks_like_an_answer(data):
            raise
        return None


def _looks_like_an_answer(data: bytes) -> bool:
    """Whether `data`, which is no JSON, was to be some: it begins so, or holds a mark that Graph sets."""
    text = data.removeprefix(codecs.BOM_UTF8).removeprefix(codecs.BOM_UTF16_LE).removeprefix(codecs.BOM_UTF16_BE)
    plain = text.replace(b"\0", b"")
    return bool(_BEGUN.match(plain) or _MARKED.search(plain))


def _parse(data: bytes, path: Path, unreadable: Callable[[str], Any] | None = Unknown) -> Any:
    """The JSON in `data`: UTF-8, or UTF-16 with a byte order mark, as PowerShell 5 redirects output to files.

    What no report can hold, such as half a surrogate pair, becomes `unreadable`, and everything around it is read; or
    else, as where a person wrote it, all is refused.
    """
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    try:  # half a pair, which is no text, becomes its escape, which is JSON
        data = data.decode(encoding, "surrogatepass").encode("utf-8", "backslashreplace")
    except UnicodeError as error:
        if encoding == "utf-16":
            raise DocumentError(f"{path}: damaged UTF-16 text ({error})", "save the answer again") from error
    return parse_document(data, str(path), unreadable)
