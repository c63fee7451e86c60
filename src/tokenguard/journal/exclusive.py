"""One writer at a time: two runs on one machine that write to one tenant would each see the other's half-done work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tokenguard.errors import UsageError
from tokenguard.system import HeldError, locked


@contextmanager
def exclusive(folder: Path, tenant: str) -> Iterator[None]:
    """Hold the lock of `tenant` in the state `folder` while the block runs; the end of the process frees it.

    Raises `UsageError` where another run holds it, and where its file is a link or somebody else's.
    """
    with ExitStack() as lock:
        try:
            lock.enter_context(locked(folder, tenant))
        except HeldError as error:
            raise _held(error, tenant) from error
        except OSError as error:
            file = error.filename or folder / f"{tenant}.lock"
            raise UsageError(
                f"{file}: cannot be locked ({error.strerror}); nothing was changed",
                "remove it if it is a link, or keep tokenguard's state in a folder of your own on a file system that"
                " can lock files",
            ) from error
        yield


def _held(error: HeldError, tenant: str) -> UsageError:
    if error.file is None:
        return UsageError(
            f"another run is writing to tenant {tenant} at this moment; nothing was changed", "wait until it has ended"
        )
    process = f"the process {error.process}" if error.process else "a process whose number is not in it"
    return UsageError(
        f"{error.file}: another run is writing to tenant {tenant}, or was killed while it did: {process} made this"
        " file, and a run removes its own at its end; nothing was changed",
        "wait until that process has ended; if it is not there any more, or is another program, remove the file, and"
        " go on from that run's journal with `tokenguard fix --resume`",
    )
