"""Opening files through no link, with the system's own means or by comparing what was seen with what was opened."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_ALWAYS = (
    getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOINHERIT", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)
"""No program that is started inherits the file, no pipe is waited for, and no line ending is rewritten."""
_REPARSE_TAGS = (0xA000000C, 0xA0000003)
"""Of a symbolic link and of a junction. Source: Microsoft, [MS-FSCC] 2.1.2.1, "Reparse Tags"."""
_TRIES = 3


def open_unlinked(path: Path, flags: int, mode: int = 0o600) -> int:
    """Open `path` with `flags` of `os.open`, unless a link stands there. Folders on the way may be links.

    Raises `OSError`, with ``ELOOP`` for a link.

    NOTE: where the system has no flag for that, what stands at the path is looked at before and compared with what was
    opened, so a link that is laid in between is seen; a file that it made at its other end would be left behind, empty.
    """
    if hasattr(os, "O_NOFOLLOW"):
        return os.open(path, flags | os.O_NOFOLLOW | _ALWAYS, mode)
    for _ in range(_TRIES - 1):
        try:
            return _opened_as_seen(path, flags, mode)
        except FileExistsError:
            if flags & os.O_EXCL:
                raise
    return _opened_as_seen(path, flags, mode)


def _opened_as_seen(path: Path, flags: int, mode: int) -> int:
    seen = _status(path)
    if seen is None and flags & os.O_CREAT:
        flags |= os.O_EXCL  # made now and by us, or not at all
    if seen is not None and is_link(seen):
        raise _loop(path)
    if seen is not None and stat.S_ISFIFO(seen.st_mode):
        raise OSError(errno.EINVAL, "it is a pipe", str(path))
    handle = os.open(path, flags | _ALWAYS, mode)
    there = _status(path)
    if there is None or is_link(there) or not os.path.samestat(os.fstat(handle), seen or there):
        os.close(handle)
        raise _loop(path)
    return handle


def open_below(root: Path, steps: tuple[str, ...]) -> int:
    """Open the regular file that `steps` lead to from the folder `root`, to read it; no step follows a link.

    Raises `OSError`, also where it is a folder, a pipe or a device.
    """
    if os.open not in os.supports_dir_fd or not hasattr(os, "O_NOFOLLOW"):
        return _checked(_opened_by_path(root, steps))
    folder_flags = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | os.O_NOFOLLOW
    handle = os.open(root, folder_flags)
    for number, step in enumerate(steps, 1):
        folder = handle
        try:
            if number < len(steps):
                handle = os.open(step, folder_flags, dir_fd=folder)
            else:
                _check_regular(os.stat(step, dir_fd=folder, follow_symlinks=False))  # opening a device can do things
                handle = os.open(step, os.O_RDONLY | os.O_NOFOLLOW | _ALWAYS, dir_fd=folder)
        finally:
            os.close(folder)
    return _checked(handle)


def _opened_by_path(root: Path, steps: tuple[str, ...]) -> int:
    place = root
    for step in steps:
        place /= step
        if is_link(place.lstat()):
            raise _loop(place)
    _check_regular(place.lstat())
    return open_unlinked(place, os.O_RDONLY)


def _checked(handle: int) -> int:
    """`handle`, of what was opened, whatever stood there before."""
    try:
        _check_regular(os.fstat(handle))
    except OSError:
        os.close(handle)
        raise
    return handle


def _check_regular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(None, "is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise OSError(None, "it is no regular file")


def is_link(status: os.stat_result) -> bool:
    """Whether a `status` of `os.lstat` is that of a link, or of what Windows calls a junction."""
    return stat.S_ISLNK(status.st_mode) or getattr(status, "st_reparse_tag", 0) in _REPARSE_TAGS


def sync_folder(folder: Path) -> None:
    """Put the names in `folder` on the disk: a new file is there after a power failure only then.

    Windows opens no folder to do so, and keeps names in a journal of its file system.
    """
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


def _loop(path: Path) -> OSError:
    return OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
