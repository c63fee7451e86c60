"""Files that a command is to write, looked at before anything is read: a live tenant may take minutes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from tokenguard.files import is_folder, working_folder_exists


class Place(click.Path):
    """The type of an option that names a file to write."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if flaw := place_flaw(path):
            self.fail(f"{path}: {flaw}; name a file in a folder that exists", param, ctx)
        return path


def place_flaw(path: Path) -> str:
    """Why no file can be written at `path`, as far as its folder tells; empty where it can."""
    if str(path) == "-":
        return "is no file, but what others take for a stream"
    if not path.is_absolute() and not working_folder_exists():
        return "the working directory no longer exists"
    if is_folder(path):
        return "is a folder"
    return "" if is_folder(path.parent) else f"the folder {path.parent} does not exist"
