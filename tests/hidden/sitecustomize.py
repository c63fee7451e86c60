"""A system without what POSIX has: Python imports this at its start where the folder is on `PYTHONPATH`.

It stands for no system that there is: Windows differs in more, and has `msvcrt`.
"""

import os
import sys


class _Hidden:
    """An import that fails, as it does where there is no such module."""

    MODULES = frozenset({"fcntl", "msvcrt", "pwd", "grp", "termios", "tty", "pty", "resource", "syslog"})

    def find_spec(self, name, path=None, target=None):
        if name in self.MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, _Hidden())
for _name in _Hidden.MODULES:
    sys.modules.pop(_name, None)
for _name in (
    "getuid", "geteuid", "getgid", "getegid", "O_NOFOLLOW", "O_DIRECTORY", "O_NONBLOCK", "O_CLOEXEC", "O_PATH",
    "fchmod", "fchown", "chown", "lchown", "tcgetpgrp", "getpgrp", "memfd_create", "mkfifo",
):  # fmt: skip
    if hasattr(os, _name):
        delattr(os, _name)
os.supports_dir_fd.clear()
