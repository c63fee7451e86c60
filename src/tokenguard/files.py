"""Reading what a user named, and writing so that a good file is never replaced by half of a new one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from tokenguard.documents import Withheld
from tokenguard.errors import DocumentError, UsageError
from tokenguard.system import open_below

MAXIMUM_SIZE = 64 * 1024 * 1024
"""Bytes; more than rules, exemptions, baselines and journals need. Snapshots are streamed and have no such limit."""

MOST_LINKS = 40
"""As many as Linux follows for one path."""


_ELSEWHERE = ("/proc", "/sys", "/dev")
"""What the system shows there is in no repository, even if that begins at the root of the file system."""

_GIT = ".git"
"""Where git keeps what is its own, in lower case."""


def read_file(
    path: Path,
    what: str,
    maximum: int = MAXIMUM_SIZE,
    within: Path | None = None,
    inspect: Callable[[os.stat_result], None] = lambda _: None,
) -> bytes:
    """The content of `path`, which holds `what` (for the message). Raises `DocumentError`.

    `inspect` is called with the status of what was opened, before it is read.

    `within`: a folder that it must not lead out of, since others chose the path. Then it must be a regular file, and
    what it holds is `Withheld` from errors.
    """
    with open_file(path, what) if within is None else _open_within(path, what, within) as file:
        inspect(os.fstat(file.fileno()))
        data = file.read(maximum + 1)
    if len(data) > maximum:
        raise DocumentError(f"{path}: larger than {maximum // 2**20} MiB; {what} is never that large")
    return data if within is None else Withheld(data)


def may_be_there(path: Path) -> bool:
    """Whether something stands at `path`, or it cannot be told for lack of permission: reading it says so then."""
    try:
        path.stat()
    except PermissionError:
        return True
    except (OSError, ValueError):  # a name that is too long, or that no system takes, leads to nothing
        return False
    return True


def is_folder(path: Path) -> bool:
    """Whether `path` is a folder, as far as can be told: of what cannot be looked at, reading it says why."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def working_folder_exists() -> bool:
    """Whether there is a folder that relative paths start from: a process may be in one that was removed."""
    try:
        os.getcwd()  # noqa: PTH109  (no path is wanted)
    except OSError:
        return False
    return True


def is_stream(path: Path) -> bool:
    """Whether `path` is a pipe or a device, which can be read only once; likewise."""
    try:
        return path.exists() and not path.is_file() and not path.is_dir()
    except (OSError, ValueError):
        return False


def files_below(folder: Path, what: str, within: Path | None = None) -> Iterator[Path]:
    """Every file below `folder`, which holds `what` (for the message), in no order; links are followed, each once.

    What git keeps in ``.git`` is passed over: in a clone it stands beside what was written there.

    `within`: a folder that none of them may lead out of.

    Raises `DocumentError` for a folder that cannot be read: what is in it would be passed over unseen.
    """

    def refuse(error: OSError) -> None:
        raise DocumentError(
            f"{error.filename}: cannot be read ({error.strerror}); {what} was to be read from it"
        ) from error

    seen: set[str] = set()
    for parent, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(parent)
        if within is not None:
            check_within(Path(parent), what, within)
        if real in seen:  # by a second link, or by one that leads back up
            folders.clear()
            continue
        seen.add(real)
        folders[:] = (name for name in folders if name.lower() != _GIT)
        yield from (Path(parent, name) for name in names)


def _is_inside(real: Path, root: Path) -> bool:
    """Whether `real` is in the folder `root`, no link being in either, and not in what git or the system keep."""
    if not real.is_relative_to(root):
        return False
    if any(real.is_relative_to(folder) and not root.is_relative_to(folder) for folder in _ELSEWHERE):
        return False
    return _GIT not in (part.lower() for part in real.relative_to(root).parts)  # in CI it often holds a token


def check_within(path: Path, what: str, within: Path) -> None:
    """Raise `DocumentError` unless `path`, which holds `what`, lies within the folder `within`."""
    _steps_within(path, what, within)


def is_reached_directly(path: Path) -> bool:
    """Whether no link stands between the working directory, or the root for an absolute `path`, and the file."""
    try:
        here = "" if path.is_absolute() else os.path.realpath(".")
        return os.path.realpath(path) == os.path.normpath(Path(here, path))
    except OSError:  # the working directory no longer exists
        return False


def _steps_within(path: Path, what: str, within: Path) -> tuple[Path, tuple[str, ...]]:
    """The real folder `within`, and the steps from there to the real `path`. Raises `DocumentError`."""
    with _refusing(path, what):
        real, root = Path(_real(path)), Path(_real(within))
    if not _is_inside(real, root):
        raise DocumentError(
            f"{path}: leads out of {within}, or into what git keeps there; {what} was to be read from it",
            "what a configuration names lies in the same repository, without one in its own folder; name another file"
            " on the command line",
        )
    return root, real.relative_to(root).parts


@contextmanager
def _open_within(path: Path, what: str, within: Path) -> Iterator[BinaryIO]:
    """As `open_file`, if `path` is a regular file in the folder `within`, however it may be changed meanwhile.

    The real path is opened step by step from `within`, and no step follows a link: what is laid there after the path
    was looked at is an error, and no other file. Nothing is waited for, as the other end of a pipe would be.
    """
    root, steps = _steps_within(path, what, within)
    with _refusing(path, what), os.fdopen(open_below(root, steps), "rb") as file:
        if os.fstat(file.fileno()).st_dev != root.stat().st_dev:  # the system's own may be mounted anywhere
            raise DocumentError(
                f"{path}: lies on another file system than {within}; {what} was to be read from it",
                "name it on the command line, where it may lie anywhere",
            )
        yield cast("BinaryIO", file)


def _real(path: Path) -> str:
    try:
        return os.path.realpath(path)
    except ValueError as error:
        raise OSError(None, str(error)) from error


@contextmanager
def open_file(path: Path, what: str) -> Iterator[BinaryIO]:
    """`path`, which holds `what` (for the message), to read as a stream. Raises `DocumentError`, also while reading."""
    with _refusing(path, what), path.open("rb") as file:
        yield cast("BinaryIO", file)


@contextmanager
def _refusing(path: Path, what: str) -> Iterator[None]:
    try:
        yield
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
    for _ in range(MOST_LINKS):
        if not path.is_symlink():
            break
        folder = os.path.realpath(path.parent)
        if f"{folder}/".startswith(("/dev/", "/proc/")):
            return True
        path = Path(folder, path.readlink())
    return False
