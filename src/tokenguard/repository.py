"""The repository that a folder is in: as far as a file reaches that may have arrived with a checkout."""

from __future__ import annotations

import os
from pathlib import Path


def root_of(folder: Path) -> Path | None:
    """The nearest folder, from `folder` upward, that holds a ``.git``, be it a folder or a file; None without one."""
    return next((each for each in (folder, *folder.parents) if os.path.lexists(each / ".git")), None)
