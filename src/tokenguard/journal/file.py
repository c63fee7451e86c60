"""The file of a journal: JSON Lines, mode 0600, every line sealed, and on the disk before anything follows from it."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tokenguard.changes import Operation, State
from tokenguard.consent import change_from_dict, change_to_dict, digest, operation_to_dict, without_words
from tokenguard.documents import parse_document
from tokenguard.errors import DocumentError, TokenguardError, UsageError
from tokenguard.exit_status import ExitStatus
from tokenguard.files import MAXIMUM_SIZE
from tokenguard.journal.key import VARIABLE, Chain, Key
from tokenguard.journal.record import Ended, Header, Place, Record
from tokenguard.judging.engine import document_mistakes
from tokenguard.model import Precedence, Tenant
from tokenguard.schemas import schema
from tokenguard.system import is_own, modes_tell, open_unlinked, sync_folder, user

VERSION = 2
_WRITTEN_BY_US = "name a file that `tokenguard fix` or `tokenguard undo` wrote, as it is"


class JournalError(TokenguardError):
    """A change was begun, and what becomes of it cannot be written down."""

    exit_status = ExitStatus.UNCONFIRMED


class Journal:
    """A journal that is being written. `record` is at every moment what reading the file anew would give."""

    def __init__(self, path: Path, handle: int, record: Record, chain: Chain, now: Callable[[], datetime]) -> None:
        self.path = path
        self.record = record
        self._handle = handle
        self._chain = chain
        self._now = now

    def intend(self, place: Place, operation: Operation) -> None:
        """Say what is about to be written."""
        self._append({"line": "intent", **_place_to_dict(place), "operation": operation_to_dict(operation)})

    def settle(self, place: Place, ended: Ended, observed: State | None) -> None:
        """Say what became of it; `observed` is the state that was read last."""
        state = None if observed is None else dict(observed)
        said = {"outcome": str(ended.fate), "reason": ended.reason, "observed": state}
        self._append({"line": "outcome", **_place_to_dict(place), **said})

    def end(self, change: str, ended: Ended) -> None:
        """Say what became of a whole change."""
        self._append({"line": "end", "change": change, "outcome": str(ended.fate), "reason": ended.reason})

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)

    def _append(self, line: dict[str, Any]) -> None:
        line = {**line, "at": self._now().isoformat(timespec="milliseconds"), "ids": dict(self.record.ids)}
        try:
            _write(self._handle, self._chain.sealed(line))
        except OSError as error:
            raise JournalError(
                f"{self.path}: the journal cannot be written on ({error.strerror}), so nothing more was changed",
                f"make room, then run: tokenguard fix --resume {self.path}",
            ) from error
        self.record.take(line)


def create_journal(path: Path, header: Header, now: Callable[[], datetime], key: Key) -> Journal:
    """Begin a journal at `path`, where nothing may be yet, with every line sealed by `key`. Raises `UsageError`."""
    chain = Chain(key)
    try:
        handle = _begin(path, chain.sealed(_header_to_dict(header, key)))
    except OSError as error:
        raise UsageError(
            f"{path}: the journal cannot be written there ({error.strerror})",
            "nothing was changed: name a new file in a folder that you may write to, with --journal",
        ) from error
    return Journal(path, handle, Record(header), chain, now)


def _begin(path: Path, line: Mapping[str, Any]) -> int:
    """A new file with its first line; none at all where that cannot be written."""
    handle = open_unlinked(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND)
    try:
        _write(handle, line)
        sync_folder(path.parent)
    except OSError:
        os.close(handle)
        path.unlink()
        raise
    return handle


def read_journal(path: Path, keys: Sequence[Key], *, foreign: bool = False) -> Record:
    """What the journal at `path` says; a last line that was cut off by a crash says nothing.

    `keys` are this machine's own. A journal that names none of them is read only where it may be `foreign`: then
    nothing shows that tokenguard wrote it, and the record says so.

    Raises `DocumentError` unless it is a regular file of this user's own, mode 0600, with nothing in it but what
    tokenguard writes, every line of it sealed by the key that it names where that is one of `keys`.
    """
    handle = _open(path, os.O_RDONLY)
    try:
        record, _ = _replay(_content(handle, path)[0], path, keys, foreign=foreign)
    finally:
        os.close(handle)
    return record


def resume_journal(path: Path, now: Callable[[], datetime], keys: Sequence[Key]) -> Journal:
    """Open the journal at `path` to go on with it, without a last line that was cut off. Raises as `read_journal`."""
    handle = _open(path, os.O_RDWR | os.O_APPEND)
    try:
        lines, size = _content(handle, path)
        record, chain = _replay(lines, path, keys, foreign=False)
        assert chain is not None, "only a foreign journal is read without one"
        os.ftruncate(handle, size)
    except BaseException:
        os.close(handle)
        raise
    return Journal(path, handle, record, chain, now)


def _open(path: Path, flags: int) -> int:
    try:
        handle = open_unlinked(path, flags)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise DocumentError(f"{path}: not taken as a journal: it is a link", "name the file itself") from error
        raise DocumentError(f"{path}: the journal cannot be opened ({error.strerror})", "check the path") from error
    found = os.fstat(handle)
    if problem := _problem(found):
        os.close(handle)
        raise DocumentError(
            f"{path}: not taken as a journal: {problem}",
            "a journal says what may be changed: it must be a file of your own, as tokenguard wrote it, mode 0600",
        )
    return handle


def _problem(found: os.stat_result) -> str:
    if not stat.S_ISREG(found.st_mode):
        return "it is no regular file"
    if not is_own(found):
        return f"it belongs to the user with the number {found.st_uid}, not to you ({user()})"
    if not modes_tell():
        return ""
    mode = stat.S_IMODE(found.st_mode)
    return f"others may read or write it (mode {mode:04o})" if mode != 0o600 else ""  # noqa: PLR2004


def _content(handle: int, path: Path) -> tuple[list[bytes], int]:
    """The whole lines, and where they end."""
    with os.fdopen(os.dup(handle), "rb") as file:
        data = file.read(MAXIMUM_SIZE + 1)
    if len(data) > MAXIMUM_SIZE:
        raise DocumentError(f"{path}: larger than any journal", _WRITTEN_BY_US)
    whole = data[: data.rfind(b"\n") + 1]
    return whole.splitlines(), len(whole)


def _replay(lines: Iterable[bytes], path: Path, keys: Sequence[Key], *, foreign: bool) -> tuple[Record, Chain | None]:
    record: Record | None = None
    chain: Chain | None = None
    for number, text in enumerate(lines, 1):
        source = f"{path}, line {number}"
        line = _parse(text, source, "header" if record is None else None)
        if record is None:
            key = next((each for each in keys if each.name == line.get("key")), None)
            if key is None and not foreign:
                raise _of_another_key(path, line)
            chain = None if key is None else Chain(key)
        if chain is not None and not chain.holds(line):
            raise DocumentError(
                f"{source}: not as tokenguard wrote it: its code does not fit the key of this machine that it names",
                "it was edited or damaged, and nothing makes it acceptable; plan anew with `tokenguard fix`",
            )
        if record is None:
            record = Record(_header_from_dict(line, source, foreign=chain is None), foreign=chain is None)
        elif record.expects(line):
            record.take(line)
        else:
            raise DocumentError(f"{source}: of something that was never begun: it was edited", _WRITTEN_BY_US)
    if record is None:
        raise DocumentError(f"{path}: an empty journal: nothing was written to the tenant", "there is nothing to do")
    return record, chain


def _of_another_key(path: Path, header: Mapping[str, Any]) -> DocumentError:
    named = f"with the key {header['key']}, which is not this machine's" if "key" in header else "without a key"
    return DocumentError(
        f"{path}: a journal that was written {named}: whoever wrote the file decides what is asked for",
        "with --foreign-journal, what it asks for is planned anew from what the tenant holds now and shown"
        + (f"; or set {VARIABLE} to the key that it was written with" if "key" in header else ""),
    )


def _parse(text: bytes, source: str, kind: str | None) -> Mapping[str, Any]:
    document = parse_document(text, source)
    said = document.get("line") if isinstance(document, dict) else None
    if said == "header" and document.get("version") == 1:
        raise DocumentError(
            f"{source}: a journal of format 1, which this version does not carry on",
            "look at what was written with `tokenguard scan`, and plan anew with `tokenguard fix`",
        )
    kinds = [kind] if kind else ["intent", "outcome", "end"]
    if said not in kinds:
        raise DocumentError(f"{source}: not a line of a journal here", _WRITTEN_BY_US)
    whole = schema("journal")
    mistakes = document_mistakes({**whole["$defs"][said], "$defs": whole["$defs"]}, document)
    if mistakes:
        raise DocumentError(f"{source}: not a line of a journal: {mistakes[0]}", _WRITTEN_BY_US)
    result: Mapping[str, Any] = document
    return result


def _place_to_dict(place: Place) -> dict[str, Any]:
    return {"change": place.change, "index": place.index, "step": str(place.step)}


def _header_to_dict(header: Header, key: Key) -> dict[str, Any]:
    return {
        "line": "header",
        "version": VERSION,
        "purpose": header.purpose,
        "tenant": {"id": header.tenant.id, "name": header.tenant.name},
        "cloud": header.cloud,
        "precedence": str(header.precedence),
        "startedAt": header.started_at,
        "producer": header.producer,
        "uid": header.uid,
        "key": key.name,
        "digest": digest(header.changes),
        "changes": [change_to_dict(change) for change in header.changes],
    }


def _header_from_dict(line: Mapping[str, Any], source: str, *, foreign: bool) -> Header:
    changes = tuple(change_from_dict(each) for each in line["changes"])
    if line["digest"] != digest(changes):
        raise DocumentError(f"{source}: the changes are not those that were begun: it was edited", _WRITTEN_BY_US)
    if len({change.id for change in changes}) < len(changes):
        raise DocumentError(f"{source}: a change stands in it twice: it was edited", _WRITTEN_BY_US)
    tenant = Tenant(**line["tenant"])
    if foreign:
        changes, tenant = tuple(map(without_words, changes)), Tenant(tenant.id)
    return Header(
        purpose=line["purpose"],
        tenant=tenant,
        cloud=line["cloud"],
        precedence=Precedence(line["precedence"]),
        started_at=line["startedAt"],
        producer=line["producer"],
        uid=line["uid"],
        changes=changes,
    )


def _write(handle: int, line: Mapping[str, Any]) -> None:
    data = json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
    while data:
        data = data[os.write(handle, data) :]
    os.fsync(handle)
