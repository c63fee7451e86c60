"""Where the documents are that travel with the program: JSON Schemas and built-in rules."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

SCHEMA_BASE = "urn:tokenguard:schema:"
"""Prefix of every schema's ``$id``: a name, not an address, so nothing can ever be fetched from it."""


def data_folder(name: str) -> Path:
    """The folder `name` (``rules`` or ``schemas``): inside the wheel, or at the root of an editable checkout."""
    package = Path(__file__).parent
    packed = package / "_data" / name
    return packed if packed.is_dir() else package.parent.parent / name


@cache
def schema(name: str) -> dict[str, Any]:
    """The schema document `name`, e.g. ``"rule"`` or ``"resources/organization"``. Do not change what comes back."""
    document: dict[str, Any] = json.loads((data_folder("schemas") / f"{name}.schema.json").read_bytes())
    return document
