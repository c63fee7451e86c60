"""Rule packs on disk: a folder of rule documents, or a single one."""

from __future__ import annotations

from pathlib import Path

from tokenguard.documents import Withheld
from tokenguard.errors import DocumentError
from tokenguard.files import check_within, files_below, is_folder, is_reached_directly, read_file

MAXIMUM_RULE_SIZE = 4 * 1024 * 1024
"""Bytes; room for an allow-list of 100,000 ids."""


def read_pack(path: Path, within: Path | None = None) -> list[tuple[str, bytes]]:
    """The rule documents at `path`, each with its name: a file, or every ``*.json`` below a folder but schemas.

    Links are followed and letter case does not matter: a rule that was passed over would look like one that passes.
    `within`: a folder that none of them may lead out of, as `read_file` has it. Without it a file that a link leads to
    from elsewhere is read, but `Withheld` from errors: whoever named the folder may not know what lies behind the link.

    Raises `DocumentError` for a path that does not exist, cannot be read, or holds no rule.
    """
    if within is not None:
        check_within(path, "rules", within)
    files = sorted(filter(_is_rule_file, files_below(path, "a rule", within))) if is_folder(path) else [path]
    if not files:
        raise DocumentError(
            f"{path}: no rule in this folder",
            "name a folder that holds *.json rule files; `tokenguard rules new` writes one",
        )
    return [(str(file), _read(file, within)) for file in files]


def _read(path: Path, within: Path | None) -> bytes:
    data = read_file(path, "a rule", MAXIMUM_RULE_SIZE, within)
    return data if within is not None or is_reached_directly(path) else Withheld(data)


def _is_rule_file(path: Path) -> bool:
    name = path.name.lower()
    return name.endswith(".json") and not name.endswith(".schema.json")
