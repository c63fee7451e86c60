"""One writer at a time: two runs on one machine that write to one tenant would each see the other's half-done work."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tokenguard.errors import UsageError


@contextmanager
def exclusive(folder: Path, tenant: str) -> Iterator[None]:
    """Hold the lock of `tenant` in `folder` while the block runs; the end of the process frees it, however it comes.

    Raises `UsageError` where another run holds it.
    """
    path = folder / f"{tenant}.lock"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be locked ({error.strerror}); nothing was changed",
            "set XDG_STATE_HOME to a folder that you may write to",
        ) from error
    try:
        _lock(handle, tenant)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, tenant: str) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError(
            f"another run is writing to tenant {tenant} at this moment; nothing was changed", "wait until it has ended"
        ) from error
