"""What can be said of a resource although some of its properties could not be determined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def weakened(schema: Any, names: frozenset[str]) -> Any:
    """`schema` without the assertions that read any of the top-level properties `names`.

    What is not valid against the result is not valid against `schema`, whatever the values of `names`. Each subschema
    keeps its place, so that a path into the result is one into `schema`.
    """
    if not isinstance(schema, Mapping):
        return schema
    weak = dict(schema)
    if "properties" in weak:
        weak["properties"] = {name: name in names or sub for name, sub in weak["properties"].items()}
    if "required" in weak:  # an unknown property is there, only its value is not known
        weak["required"] = [name for name in weak["required"] if name not in names]
    if "dependentRequired" in weak:
        weak["dependentRequired"] = {
            name: [other for other in others if other not in names]
            for name, others in weak["dependentRequired"].items()
            if name not in names
        }
    if "allOf" in weak:
        weak["allOf"] = [weakened(sub, names) for sub in weak["allOf"]]
    for keyword in ("anyOf", "oneOf"):
        if any(weakened(sub, names) != sub for sub in weak.get(keyword, ())):
            del weak[keyword]
    for keyword in ("not", "if"):
        if keyword in weak and weakened(weak[keyword], names) != weak[keyword]:
            del weak[keyword]
    for keyword in ("then", "else"):  # without `if` they assert nothing
        if keyword in weak:
            weak[keyword] = weakened(weak[keyword], names)
    return weak
