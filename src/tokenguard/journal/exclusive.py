"""One writer at a time: two runs on one machine that write to one tenant would each see the other's half-done work."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tokenguard.errors import UsageError


@contextmanager
def exclusive(folder: Path, tenant: str) -> Iterator[None]:
    """Hold the lock of `tenant` in the state `folder` while the block runs; the end of the process frees it.

    Raises `UsageError` where another run holds it, and where its file is a link or somebody else's.
    """
    path = folder / f"{tenant}.lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError as error:
        raise _refusal(path, error.strerror or "") from error
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid():
            raise _refusal(path, "it is no regular file of your own")
        _lock(handle, tenant)
        yield
    finally:
        os.close(handle)


def _refusal(path: Path, why: str) -> UsageError:
    return UsageError(
        f"{path}: cannot be locked ({why}); nothing was changed",
        "remove it, or set XDG_STATE_HOME to a folder of your own that you may write to",
    )


def _lock(handle: int, tenant: str) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError(
            f"another run is writing to tenant {tenant} at this moment; nothing was changed", "wait until it has ended"
        ) from error
