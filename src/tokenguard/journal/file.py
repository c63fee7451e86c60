"""The file of a journal: JSON Lines, mode 0600, every line on the disk before anything is done that follows from it."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tokenguard.changes import Operation, State
from tokenguard.consent import change_from_dict, change_to_dict, digest, operation_to_dict
from tokenguard.documents import parse_document
from tokenguard.errors import DocumentError, TokenguardError, UsageError
from tokenguard.exit_status import ExitStatus
from tokenguard.files import MAXIMUM_SIZE
from tokenguard.journal.record import Ended, Header, Place, Record
from tokenguard.judging.engine import document_mistakes
from tokenguard.model import Precedence, Tenant
from tokenguard.schemas import schema

VERSION = 1
_WRITTEN_BY_US = "name a file that `tokenguard fix` or `tokenguard undo` wrote, as it is"


class JournalError(TokenguardError):
    """A change was begun, and what becomes of it cannot be written down."""

    exit_status = ExitStatus.UNCONFIRMED


class Journal:
    """A journal that is being written. `record` is at every moment what reading the file anew would give."""

    def __init__(self, path: Path, handle: int, record: Record, now: Callable[[], datetime]) -> None:
        self.path = path
        self.record = record
        self._handle = handle
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
            _write(self._handle, line)
        except OSError as error:
            raise JournalError(
                f"{self.path}: the journal cannot be written on ({error.strerror}), so nothing more was changed",
                f"make room, then run: tokenguard fix --resume {self.path}",
            ) from error
        self.record.take(line)


def create_journal(path: Path, header: Header, now: Callable[[], datetime]) -> Journal:
    """Begin a journal at `path`, where nothing may be yet. Raises `UsageError`."""
    try:
        handle = _begin(path, _header_to_dict(header))
    except OSError as error:
        raise UsageError(
            f"{path}: the journal cannot be written there ({error.strerror})",
            "nothing was changed: name a new file in a folder that you may write to, with --journal",
        ) from error
    return Journal(path, handle, Record(header), now)


def _begin(path: Path, line: Mapping[str, Any]) -> int:
    """A new file with its first line; none at all where that cannot be written."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        _write(handle, line)
        _sync_folder(path.parent)
    except OSError:
        os.close(handle)
        path.unlink()
        raise
    return handle


def read_journal(path: Path) -> Record:
    """What the journal at `path` says; a last line that was cut off by a crash says nothing.

    Raises `DocumentError` unless it is a regular file of this user's own, mode 0600, with nothing in it but what
    tokenguard writes.
    """
    handle = _open(path, os.O_RDONLY)
    try:
        return _replay(_content(handle, path)[0], path)
    finally:
        os.close(handle)


def resume_journal(path: Path, now: Callable[[], datetime]) -> Journal:
    """Open the journal at `path` to go on with it, without a last line that was cut off. Raises as `read_journal`."""
    handle = _open(path, os.O_RDWR | os.O_APPEND)
    try:
        lines, size = _content(handle, path)
        record = _replay(lines, path)
        os.ftruncate(handle, size)
    except BaseException:
        os.close(handle)
        raise
    return Journal(path, handle, record, now)


def _open(path: Path, flags: int) -> int:
    try:
        handle = os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
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
    if found.st_uid != os.getuid():
        return f"it belongs to the user with the number {found.st_uid}, not to you ({os.getuid()})"
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


def _replay(lines: Iterable[bytes], path: Path) -> Record:
    record: Record | None = None
    for number, text in enumerate(lines, 1):
        source = f"{path}, line {number}"
        line = _parse(text, source, "header" if record is None else None)
        if record is None:
            record = Record(_header_from_dict(line, source))
        elif record.expects(line):
            record.take(line)
        else:
            raise DocumentError(f"{source}: of something that was never begun: it was edited", _WRITTEN_BY_US)
    if record is None:
        raise DocumentError(f"{path}: an empty journal: nothing was written to the tenant", "there is nothing to do")
    return record


def _parse(text: bytes, source: str, kind: str | None) -> Mapping[str, Any]:
    document = parse_document(text, source)
    said = document.get("line") if isinstance(document, dict) else None
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


def _header_to_dict(header: Header) -> dict[str, Any]:
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
        "digest": digest(header.changes),
        "changes": [change_to_dict(change) for change in header.changes],
    }


def _header_from_dict(line: Mapping[str, Any], source: str) -> Header:
    changes = tuple(change_from_dict(each) for each in line["changes"])
    if line["digest"] != digest(changes):
        raise DocumentError(f"{source}: the changes are not those that were begun: it was edited", _WRITTEN_BY_US)
    if line["uid"] != os.getuid():
        raise DocumentError(f"{source}: begun by the user with the number {line['uid']}, not by you", _WRITTEN_BY_US)
    return Header(
        purpose=line["purpose"],
        tenant=Tenant(**line["tenant"]),
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


def _sync_folder(folder: Path) -> None:
    """A new file is there after a power failure only when its folder is on the disk, too."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
