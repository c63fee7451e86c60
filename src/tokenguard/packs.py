"""Rule packs on disk: a folder of rule documents, or a single one."""

from __future__ import annotations

from pathlib import Path

from tokenguard.errors import DocumentError
from tokenguard.files import files_below, read_file

MAXIMUM_RULE_SIZE = 4 * 1024 * 1024
"""Bytes; room for an allow-list of 100,000 ids."""


def read_pack(path: Path) -> list[tuple[str, bytes]]:
    """The rule documents at `path`, each with its name: a file, or every ``*.json`` below a folder but schemas.

    Links are followed and letter case does not matter: a rule that was passed over would look like one that passes.

    Raises `DocumentError` for a path that does not exist, cannot be read, or holds no rule.
    """
    files = sorted(filter(_is_rule_file, files_below(path, "a rule"))) if path.is_dir() else [path]
    if not files:
        raise DocumentError(
            f"{path}: no rule in this folder",
            "name a folder that holds *.json rule files; `tokenguard rules new` writes one",
        )
    return [(str(file), read_file(file, "a rule", MAXIMUM_RULE_SIZE)) for file in files]


def _is_rule_file(path: Path) -> bool:
    name = path.name.lower()
    return name.endswith(".json") and not name.endswith(".schema.json")
