"""A lock that one process holds at a time: by the system, or by a file that only one process can make.

`fcntl.flock` where there is one, `msvcrt.locking` on Windows; both end with the process, however it ends. Where neither
is there, the file itself is the lock, and one that was left behind by a process that was killed is nobody's to take.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from tokenguard.system.opening import open_unlinked
from tokenguard.system.owning import is_own

_LONGEST = 20
"""Digits of a process's number, and more."""


class HeldError(Exception):
    """Another process holds the lock, or may: `file` is given where a file that it made is all that says so."""

    def __init__(self, file: Path | None = None, process: str = "") -> None:
        super().__init__(file, process)
        self.file = file
        self.process = process
        """Its number as the file has it; empty where that holds none."""


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Hold the lock `name`, whose file is in `folder`, while the block runs.

    Raises `HeldError`, and `OSError` where its file is a link, is not the user's own, or cannot be locked.
    """
    take = _system_lock()
    if take is None:
        with _by_its_file(folder / f"{name}.held"):
            yield
        return
    path = folder / f"{name}.lock"
    handle = open_unlinked(path, os.O_RDWR | os.O_CREAT)
    try:
        _check_own(handle, path)
        take(handle)
        yield
    finally:
        os.close(handle)  # which frees it


def _system_lock() -> Callable[[int], None] | None:
    """What locks an open file for this process, as far as the system has it."""
    for module, take in (("fcntl", _by_flock), ("msvcrt", _by_locking)):
        with suppress(ImportError):
            return partial(take, import_module(module))
    return None


def _by_flock(fcntl: Any, handle: int) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise HeldError from error


def _by_locking(msvcrt: Any, handle: int) -> None:
    """Lock the first byte, which need not be there.

    Source: Python, `msvcrt.locking`, and Microsoft's C run-time, ``_locking``: ``EACCES`` where it is locked already.
    """
    try:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    except PermissionError as error:
        raise HeldError from error


@contextmanager
def _by_its_file(path: Path) -> Iterator[None]:
    try:
        handle = open_unlinked(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except FileExistsError as error:
        raise HeldError(path, _process(path)) from error
    try:
        os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        made = os.fstat(handle)
        os.close(handle)
        with suppress(OSError):
            if os.path.samestat(path.lstat(), made):  # whoever removed it may have let another run begin
                path.unlink()


def _process(path: Path) -> str:
    """The number that the file at `path` holds. Raises `OSError` where it is a link or not the user's own."""
    try:
        handle = open_unlinked(path, os.O_RDONLY)
    except FileNotFoundError:  # it has ended meanwhile
        return ""
    try:
        _check_own(handle, path)
        said = os.read(handle, _LONGEST).decode("ascii", "replace").strip()
    finally:
        os.close(handle)
    return said if said.isdecimal() else ""


def _check_own(handle: int, path: Path) -> None:
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or not is_own(found):
        raise OSError(None, "it is no regular file of your own", str(path))
