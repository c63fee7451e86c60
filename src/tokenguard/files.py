"""Reading what a user named, and writing so that a good file is never replaced by half of a new one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from tokenguard.errors import DocumentError, UsageError

MAXIMUM_SIZE = 64 * 1024 * 1024
"""Bytes; more than rules, exemptions, baselines and journals need. Snapshots are streamed and have no such limit."""

_MOST_LINKS = 40
"""As many as Linux follows for one path."""


def read_file(path: Path, what: str, maximum: int = MAXIMUM_SIZE) -> bytes:
    """The content of `path`, which holds `what` (for the message). Raises `DocumentError`."""
    with open_file(path, what) as file:
        data = file.read(maximum + 1)
    if len(data) > maximum:
        raise DocumentError(f"{path}: larger than {maximum // 2**20} MiB; {what} is never that large")
    return data


def files_below(folder: Path, what: str) -> Iterator[Path]:
    """Every file below `folder`, which holds `what` (for the message), in no order; links are followed, each once.

    Raises `DocumentError` for a folder that cannot be read: what is in it would be passed over unseen.
    """

    def refuse(error: OSError) -> None:
        raise DocumentError(
            f"{error.filename}: cannot be read ({error.strerror}); {what} was to be read from it"
        ) from error

    seen: set[str] = set()
    for parent, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:  # by a second link, or by one that leads back up
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(parent, name) for name in names)


@contextmanager
def open_file(path: Path, what: str) -> Iterator[BinaryIO]:
    """`path`, which holds `what` (for the message), to read as a stream. Raises `DocumentError`, also while reading."""
    try:
        with path.open("rb") as file:
            yield cast("BinaryIO", file)
    except FileNotFoundError as error:
        raise DocumentError(f"{path}: no such file; {what} was to be read from it", "check the path") from error
    except IsADirectoryError as error:
        raise DocumentError(f"{path}: is a folder; {what} was to be read from it", "name a file in it") from error
    except OSError as error:
        raise DocumentError(f"{path}: cannot be read ({error.strerror}); it should hold {what}") from error


@contextmanager
def replace_file(path: Path, what: str) -> Iterator[BinaryIO]:
    """Write `what` to a new file beside `path` and put it in its place when all is written, mode 0600.

    On any error, and on Ctrl-C, what stood at `path` stays as it was. A link is replaced as a file is, since somebody
    else may have laid it in a shared folder. A device, a pipe, or an open file of ours, such as ``/dev/stdout``, is
    written to directly.
    Raises `UsageError` when it cannot be written, or not to its end.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(None, "is a folder")
        if _is_descriptor(path) or (path.exists() and not path.is_file()):
            with path.open("wb") as file:
                yield file
        else:
            with _beside(path) as replacement:
                yield replacement
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(
            f"{path}: {what} cannot be written there ({error.strerror or error})",
            "name a file in a folder that exists, that you may write to, and that has room",
        ) from error


@contextmanager
def _beside(path: Path) -> Iterator[BinaryIO]:
    import tempfile  # noqa: PLC0415  (3 ms to import, and a report often goes to standard output)

    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # made with mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            yield cast("BinaryIO", file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()


def _is_descriptor(path: Path) -> bool:
    """Whether `path` is, or leads to, a link that stands for an open file: they are in ``/dev`` and below ``/proc``."""
    for _ in range(_MOST_LINKS):
        if not path.is_symlink():
            break
        folder = os.path.realpath(path.parent)
        if f"{folder}/".startswith(("/dev/", "/proc/")):
            return True
        path = Path(folder, path.readlink())
    return False
