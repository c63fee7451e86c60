"""Hypothesis strategies for conditions of the rule language and for resources that they are about.

Values come from small pools, so that a condition and a resource meet often enough for both verdicts to occur.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from tokenguard.rules.fit import types_of
from tokenguard.rules.messages import SECONDS

Schema = Mapping[str, Any]
Strategy = st.SearchStrategy[Any]

TEXTS = ["", "a", "A", "ab", "abc", "b\n", "a.b", "é", "日本", "😀", "00000007-0000-0000-c000-000000000000"]
NUMBERS = [0, 1, 2, 3, 60, 3599, 3600, 3601, 2**53 - 1]
DURATIONS = {"PT0S": 0, "PT1M": 60, "PT59M59S": 3599, "PT1H": 3600, "PT1H1S": 3601}
PATTERN_PARTS = ["a", "b", "é", "\\.", "[a-c]", "[^a]", "[^a-zA-Z]", "(?:a|é)", "(b|)", "\\n", "日"]
QUANTIFIERS = ["", "", "*", "+", "?", "{2}", "{1,2}", "{1,}"]

texts = st.sampled_from(TEXTS)
numbers = st.sampled_from(NUMBERS)
counts = st.integers(0, 3)


@st.composite
def patterns(draw: st.DrawFn) -> str:
    """Regular expressions that a rule may hold."""
    parts = draw(st.lists(st.tuples(st.sampled_from(PATTERN_PARTS), st.sampled_from(QUANTIFIERS)), max_size=3))
    start, end = draw(st.sampled_from(["", "^"])), draw(st.sampled_from(["", "$"]))
    return start + "".join(part + quantifier for part, quantifier in parts) + end


def values(schema: Schema) -> Strategy:
    """Values that are valid against the schema of a resource type, or of a part of one."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    made: dict[str, Callable[[], Strategy]] = {
        "null": st.none,
        "boolean": st.booleans,
        "integer": lambda: numbers.filter(lambda number: number >= schema.get("minimum", 0)),
        "number": lambda: numbers,
        "string": lambda: texts,
        "array": lambda: st.lists(values(schema.get("items", {"type": "string"})), max_size=3),
        "object": lambda: _objects(schema),
    }
    return st.one_of(*(made[type_]() for type_ in sorted(_own_types(schema))))


def _objects(schema: Schema) -> Strategy:
    parts = {name: values(part) for name, part in schema.get("properties", {}).items()}
    required = {name: part for name, part in parts.items() if name in schema.get("required", ())}
    return st.fixed_dictionaries(
        required, optional={name: part for name, part in parts.items() if name not in required}
    )


def _own_types(schema: Schema) -> frozenset[str]:
    types = types_of(schema)
    return types - {"number"} if "integer" in types else types


def conditions(schema: Schema, name: str = "", depth: int = 2) -> Strategy:
    """Conditions in the rule language that fit a value of `schema`, the property `name`; of the resource if empty."""
    choices = _applicators(schema, name, depth) if depth else {}
    choices |= _assertions(schema, name)
    return st.sets(st.sampled_from(sorted(choices)), max_size=3).flatmap(
        lambda chosen: st.fixed_dictionaries({keyword: choices[keyword] for keyword in sorted(chosen)}).map(_sensible)
    )


def _sensible(condition: dict[str, Any]) -> dict[str, Any]:
    """Without the combinations that a rule may not hold."""
    for keyword, other in (
        ("minContains", "contains"),
        ("maxContains", "contains"),
        ("then", "if"),
        ("else", "if"),
    ):
        if other not in condition:
            condition.pop(keyword, None)
    for keyword, plain in (("maxDuration", "maximum"), ("minDuration", "minimum"), ("constDuration", "const")):
        if keyword in condition:
            condition.pop(plain, None)
    asks_nothing = {"minItems", "minLength", "required", "dependentRequired"}
    if "maxContains" not in condition:
        asks_nothing.add("minContains")
    for keyword in asks_nothing:
        if not condition.get(keyword, True):
            del condition[keyword]
    if not condition.keys() & {"then", "else"}:
        condition.pop("if", None)
    return condition


def _applicators(schema: Schema, name: str, depth: int) -> dict[str, Strategy]:
    here = st.deferred(lambda: conditions(schema, name, depth - 1))
    several = st.lists(here, min_size=1, max_size=2)
    made: dict[str, Strategy] = {"allOf": several, "anyOf": several, "oneOf": several}
    made |= dict.fromkeys(("not", "if", "then", "else"), here)
    if "array" in types_of(schema):
        items = st.deferred(lambda: conditions(schema.get("items", {}), name, depth - 1))
        made |= {"items": items, "contains": items}
    parts = schema.get("properties", {})
    if parts:
        chosen = st.sets(st.sampled_from(sorted(parts)), min_size=1, max_size=3)
        made["properties"] = chosen.flatmap(
            lambda names: st.fixed_dictionaries(
                {part: conditions(parts[part], part, depth - 1) for part in sorted(names)}
            )
        )
    return made


def _assertions(schema: Schema, name: str) -> dict[str, Strategy]:
    types = types_of(schema)
    made: dict[str, Strategy] = {}
    if name:
        made |= {"const": values(schema), "enum": st.lists(values(schema), max_size=3)}
        made["type"] = st.sampled_from(sorted(types))
    if "number" in types:
        made |= dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), numbers)
        made["minimum"] = st.sampled_from([each for each in NUMBERS if each > schema.get("minimum", -1)])
        made["multipleOf"] = st.sampled_from([1, 2, 60])
    if "number" in types and name.endswith(SECONDS):
        made |= dict.fromkeys(("maxDuration", "constDuration"), st.sampled_from(sorted(DURATIONS)))
        made["minDuration"] = st.sampled_from(sorted(DURATIONS.keys() - {"PT0S"}))
    if "string" in types:
        made |= {"minLength": counts, "maxLength": counts, "pattern": patterns().filter(bool)}
    if "array" in types:
        made |= dict.fromkeys(("minItems", "maxItems", "minContains", "maxContains"), counts)
        made["uniqueItems"] = st.just(True)
    names = sorted(schema.get("properties", {}))
    if names:
        lists = st.lists(st.sampled_from(names), max_size=2, unique=True)
        made |= {"required": lists, "dependentRequired": st.dictionaries(st.sampled_from(names), lists, max_size=2)}
    return made
