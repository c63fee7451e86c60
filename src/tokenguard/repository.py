"""The repository that a folder is in, and whether others than the user decide what stands in it.

Both as git has it, where a repository of another owner is refused unless ``safe.directory`` names it.
Source: git-config(1), ``safe.directory``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tokenguard.errors import UsageError
from tokenguard.files import MOST_LINKS
from tokenguard.system import effective_user, group_name, is_private_group, user_name

_GITFILE = b"gitdir:"
"""With which a file begins that stands for the folder ``.git``."""
_ROOT = 0
"""Whatever belongs to this user is trusted: it could change all else."""


def root_of(folder: Path) -> Path | None:
    """The nearest folder, from `folder` upward, that holds what git takes for a repository's; None without one.

    That is a ``.git``: a folder with a ``HEAD``, or a file that names such a folder, as in a worktree or a submodule.
    git walks past anything else. Source: gitrepository-layout(5).
    """
    return next((each for each in (folder, *folder.parents) if _is_kept_by_git(each / ".git")), None)


def _is_kept_by_git(path: Path) -> bool:
    try:
        if not path.is_file():  # of a pipe it would be waited for
            return os.path.lexists(path / "HEAD")
        with path.open("rb") as file:
            return file.read(len(_GITFILE)) == _GITFILE
    except OSError:  # of what cannot be looked at git makes nothing either
        return False


def check_owner(path: Path, status: os.stat_result) -> None:
    """Raise `UsageError` where another user owns the file at `path`, or others may write it, as its `status` says."""
    if reason := foreign(status):
        raise UsageError(
            f"{path}: not used, since {reason}: it would decide what is compliant",
            "if you trust what it says, name it: --config FILE is taken whoever owns it; else take it over with chown"
            " and chmod go-w",
        )


def check_owners(file: Path, root: Path) -> None:
    """The same for the folder of `file`, and of each link on the way to it, and each folder from there to `root`."""
    for folder in dict.fromkeys(folder for place in _places(file) for folder in _up(place, root)):
        check_owner(folder, folder.stat())


def _places(file: Path) -> Iterator[Path]:
    """The real folder of each link by which the existing `file` is reached, and that of the file itself."""
    steps = list(reversed(file.absolute().parts))
    place, links = Path(steps.pop()), 0
    while steps:
        step = steps.pop()
        path = place / step
        if step == os.pardir:
            place = place.parent
        elif path.is_symlink():
            yield place
            links += 1
            if links > MOST_LINKS:  # laid since the file was read by this path
                raise UsageError(f"{file}: not used, since it is reached by too many links", "name the file itself")
            steps += reversed(path.readlink().parts)  # the first of which, where that is the root, leads there
        elif steps:
            place = path
    yield place


def _up(folder: Path, root: Path) -> Iterator[Path]:
    yield folder
    if folder != root and folder.is_relative_to(root):
        yield from _up(folder.parent, root)


def foreign(status: os.stat_result) -> str:
    """Who, beside the user and root, decides what has this `status`, with its owner and mode; empty where nobody does.

    NOTE: git looks at owners alone. That others may write is refused, too, since then whoever wrote it is no more known
    than its owner; but not that the user's own private group may, as with the umask 002 that distributions set for
    users who have one.
    """
    if effective_user() is None:
        return ""
    about = f"owner {user_name(status.st_uid)}, mode {status.st_mode & 0o7777:04o}"
    if status.st_uid not in (_ROOT, effective_user()):
        return f"another user owns it ({about})"
    if status.st_mode & 0o002:
        return f"anyone may write it ({about})"
    if status.st_mode & 0o020 and not is_private_group(status.st_gid, status.st_uid):
        return f"its group {group_name(status.st_gid)} may write it ({about})"
    return ""
