"""Whose a file is, as far as the system tells, and where a user's state is kept.

Windows has owners and access lists, but not in what `os.stat` gives: there nothing is said of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


def user() -> int | None:
    """The number of the user; None where users have none."""
    return os.getuid() if hasattr(os, "getuid") else None


def effective_user() -> int | None:
    """The number of the user that files are opened as; likewise."""
    return os.geteuid() if hasattr(os, "geteuid") else None


def is_own(status: os.stat_result) -> bool:
    """Whether the user owns what has this `status`; taken for granted where users have no number."""
    return user() in (None, status.st_uid)


def modes_tell() -> bool:
    """Whether the mode of a file says who may read and write it."""
    return user() is not None


def user_name(number: int) -> str:
    """The name of the user, with the number; the number alone where nobody knows it."""
    if sys.platform != "win32":
        import pwd  # noqa: PLC0415  (there is none on Windows, as of `grp` below)

        with suppress(KeyError):
            return f"{pwd.getpwuid(number).pw_name} ({number})"
    return str(number)


def group_name(number: int) -> str:
    """The same of a group."""
    if sys.platform != "win32":
        import grp  # noqa: PLC0415

        with suppress(KeyError):
            return f"{grp.getgrgid(number).gr_name} ({number})"
    return str(number)


def is_private_group(group: int, user: int) -> bool:
    """Whether `group` is the primary one of `user` alone, bears the same name, and has no other member.

    Users whose primary group it is need not be listed as its members. Source: pam_umask(8), ``usergroups``, by which
    such users get the umask 002.
    """
    if sys.platform != "win32":
        import grp  # noqa: PLC0415
        import pwd  # noqa: PLC0415

        with suppress(KeyError):  # nobody knows who is in it
            owner, found = pwd.getpwuid(user), grp.getgrgid(group)
            alone = (owner.pw_gid, owner.pw_name) == (group, found.gr_name) and set(found.gr_mem) <= {owner.pw_name}
            return alone and not any(each.pw_gid == group and each.pw_uid != user for each in pwd.getpwall())
    return False


def state_variable() -> str:
    """The variable that says where programs keep what one run leaves for the next.

    Sources: XDG Base Directory Specification, XDG_STATE_HOME; where users have no number, Microsoft's "Known folders",
    FOLDERID_LocalAppData, which is not carried from one machine to another.
    """
    return "LOCALAPPDATA" if user() is None else "XDG_STATE_HOME"


def state_home(environment: Mapping[str, str]) -> Path:
    """The folder that `state_variable` names in `environment`, or the one that it stands for.

    Raises `RuntimeError` where it names no absolute path and the user has no home.
    """
    named = Path(environment.get(state_variable(), ""))
    usual = ("AppData", "Local") if user() is None else (".local", "state")
    return named if named.is_absolute() else Path.home().joinpath(*usual)
