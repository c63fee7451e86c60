"""This checkout, copied."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]
_LEFT_OUT = (".git", ".venv", "build", "dist", "site", "node_modules", "__pycache__", ".*_cache", ".hypothesis")


def copy_checkout(folder: Path) -> Path:
    """Make `folder`, with everything that is kept under version control in it."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    return folder
