"""Microsoft's description of Graph v1.0, no part of this project: `TOKENGUARD_GRAPH_CONTRACT` names its folder."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FOLDER = os.environ.get("TOKENGUARD_GRAPH_CONTRACT", "")
needs_contract = pytest.mark.skipif(
    not FOLDER, reason="TOKENGUARD_GRAPH_CONTRACT names no folder with the Graph contract"
)


@cache
def document(name: str) -> Any:
    return json.loads((Path(FOLDER) / name).read_bytes())


def paths() -> dict[str, Any]:
    """The operations, by path as the description spells it."""
    return dict(document("graph-v1.0-tokenguard.openapi.json")["paths"])


def permissions() -> dict[str, Any]:
    """The permissions of each operation, by the same paths."""
    return dict(document("permissions-tokenguard.json")["operations"])


def path_of(call: str) -> str | None:
    """The description's path for a call without its query; the one with the fewest blanks, None for none."""
    fitting = [path for path in paths() if _pattern(path).fullmatch(call)]
    return min(fitting, key=lambda path: path.count("{"), default=None)


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("".join(r"[^/()']+" if each.startswith("{") else re.escape(each) for each in _pieces(path)))


def _pieces(path: str) -> list[str]:
    return re.split(r"(\{[^}]*\})", path)


def parameters(operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The parameters of an operation, by name."""
    shared = document("graph-v1.0-tokenguard.openapi.json")["components"]["parameters"]
    listed = operation.get("parameters", ())
    found = [shared[each["$ref"].rpartition("/")[2]] if "$ref" in each else each for each in listed]
    return {each["name"]: each for each in found}
