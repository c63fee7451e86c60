"""The folder where tokenguard keeps what one run leaves for the next: journals, their key, and locks."""

from __future__ import annotations

import stat
from pathlib import Path

from tokenguard.errors import UsageError
from tokenguard.system import is_link, modes_tell, state_variable, user


def checked_state_folder(folder: Path, *, make: bool = True) -> Path:
    """`folder`, made for this user alone where it is not there yet, unless it is only to be read.

    Raises `UsageError` where it cannot be made, or where somebody else could put something into it, or in its place.
    """
    try:
        if make:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        elif not folder.exists():
            return folder
        if is_link(folder.lstat()):
            raise _refusal(folder, "is a link, which may be turned elsewhere")
        problem = _problem(folder, stat.S_IWGRP | stat.S_IWOTH, sticky=0) or _problem(
            folder.parent, stat.S_IWOTH, sticky=stat.S_ISVTX
        )
    except OSError as error:
        raise _refusal(folder, f"cannot be used ({error.strerror})") from error
    if problem:
        raise _refusal(folder, problem)
    return folder


def _problem(folder: Path, forbidden: int, *, sticky: int) -> str:
    """Why `folder` cannot be trusted; `forbidden`: the bits of its mode by which others could write to it.

    `sticky`: the bit that makes this no problem, since nobody replaces in it what belongs to somebody else.
    """
    found = folder.stat()
    if not modes_tell():
        return ""
    if found.st_uid not in (user(), 0):
        return f"is not safe: {folder} belongs to the user with the number {found.st_uid}"
    mode = stat.S_IMODE(found.st_mode)
    writable = mode & forbidden and not mode & sticky
    return f"is not safe: others may write to {folder} (mode {mode:04o})" if writable else ""


def _refusal(folder: Path, why: str) -> UsageError:
    return UsageError(
        f"{folder}: the folder for journals {why}; nothing was changed",
        f"set {state_variable()} to a folder of your own that nobody else may write to",
    )
