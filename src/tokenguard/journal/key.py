"""The key of a machine's journals: whoever does not have it cannot write a line that passes for one of tokenguard's."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokenguard.errors import UsageError
from tokenguard.system import is_own, modes_tell, open_unlinked

VARIABLE = "TOKENGUARD_JOURNAL_KEY"
FILE = "journal.key"
_LENGTH = 32
_BEGINNING = b"tokenguard journal 2"
"""Stands where the code of the line before would, for the first line."""


@dataclass(frozen=True, slots=True)
class Key:
    """32 random bytes. They are in no message and no file but their own."""

    secret: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """What a journal calls it: the first 12 hex digits of its SHA-256."""
        return hashlib.sha256(self.secret).hexdigest()[:12]


class Chain:
    """The codes (HMAC-SHA-256) of a journal's lines: each is of its line and of the code before.

    So no line can be changed, added, left out in the middle, moved, or taken from another journal. That the last lines
    are missing cannot be seen: a crash leaves the same.
    """

    def __init__(self, key: Key) -> None:
        self._key = key
        self._last = _BEGINNING

    def sealed(self, line: Mapping[str, Any]) -> dict[str, Any]:
        """`line`, the next of the journal, with its code as ``mac``."""
        self._last = self._code(line)
        return {**line, "mac": self._last.hex()}

    def holds(self, line: Mapping[str, Any]) -> bool:
        """Whether the next line is as it was sealed."""
        plain = {name: value for name, value in line.items() if name != "mac"}
        self._last = self._code(plain)
        return hmac.compare_digest(self._last.hex(), str(line.get("mac", "")))

    def _code(self, line: Mapping[str, Any]) -> bytes:
        text = json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hmac.digest(self._key.secret, self._last + text.encode(), "sha256")


def known_keys(folder: Path, variable: str | None) -> tuple[Key, ...]:
    """The keys whose journals are this machine's own: that of the variable `VARIABLE`, and that of the state `folder`.

    Raises `UsageError` for a variable or a file that holds no key.
    """
    given = _of_text(variable) if variable else None
    kept = _read(folder / FILE)
    return tuple(each for each in (given, kept) if each is not None)


def writing_key(folder: Path, variable: str | None) -> Key:
    """The key for a new journal, made where there is none yet. Raises as `known_keys` does."""
    known = known_keys(folder, variable)
    return known[0] if known else _made(folder / FILE)


def _of_text(text: str) -> Key:
    if not re.fullmatch(rf"[0-9a-fA-F]{{{2 * _LENGTH}}}", text):
        raise UsageError(
            f"{VARIABLE} holds no key for journals: it takes {2 * _LENGTH} hex digits ({_LENGTH} bytes)",
            "make one with `openssl rand -hex 32`, and keep it where the pipeline keeps its secrets",
        )
    return Key(bytes.fromhex(text))


def _read(path: Path) -> Key | None:
    try:
        handle = open_unlinked(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refusal(path, f"cannot be opened ({error.strerror})") from error
    try:
        found = os.fstat(handle)
        open_to_others = modes_tell() and stat.S_IMODE(found.st_mode) & 0o077
        if not stat.S_ISREG(found.st_mode) or not is_own(found) or open_to_others:
            raise _refusal(path, "must be a regular file of your own, mode 0600")
        secret = os.read(handle, _LENGTH + 1)
    finally:
        os.close(handle)
    if len(secret) != _LENGTH:
        raise _refusal(path, f"holds no key of {_LENGTH} bytes")
    return Key(secret)


def _refusal(path: Path, why: str) -> UsageError:
    return UsageError(
        f"{path}: the key of the journals on this machine {why}; nothing was changed",
        "move it away to have a new one made; journals that were written with it are then those of another key",
    )


def _made(path: Path) -> Key:
    """A new key at `path`, whole or not at all; that of another run, where one was quicker."""
    key = Key(secrets.token_bytes(_LENGTH))
    try:
        handle, name = tempfile.mkstemp(prefix=f".{FILE}.", dir=path.parent)  # made with mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(key.secret)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(name, path)
        finally:
            Path(name).unlink()
    except OSError as error:
        raise _refusal(path, f"cannot be made ({error.strerror})") from error
    return _read(path) or key
