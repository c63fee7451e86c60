"""Judge one generated tenant, already in memory, with one engine: `python -m bench.engines ENGINE SIZE`.

Prints one JSON object: the seconds of judging alone, and the counts, which must be the same for every engine.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any

from bench.closures import RULES, Closures
from bench.data import LISTED, SIZES, VIOLATIONS, resources
from bench.value_filters import RULES as VALUE_FILTERS
from tokenguard.judging.engine import Engine
from tokenguard.model import ResourceType, Rule
from tokenguard.packs import read_pack
from tokenguard.plugins import Plugins, load_plugins
from tokenguard.rules.parameters import Override
from tokenguard.rules.parsing import parse_rules

Result = tuple[Mapping[str, int], Mapping[str, int]]
"""Selected and failed, by rule."""


def built_in_rules(plugins: Plugins) -> list[Rule]:
    documents = [document for pack in plugins.packs.values() for document in read_pack(pack)]
    allowed = {"token-lifetime-policy-on-unlisted-principal": Override(parameters={"allowed": [LISTED]})}
    return [rule for rule in parse_rules(documents, plugins.types, allowed) if rule.id in KNOWN]


KNOWN = {rule for rules in RULES.values() for rule, _, _ in rules}


def judge_with_tokenguard(
    type_: ResourceType, rules: list[Rule]
) -> tuple[Callable[[Any], object], Callable[[], Result]]:
    engine, failed = Engine(type_, rules), Counter[str]()

    def judge(resource: Any) -> None:
        for rule, _ in engine.judge(resource):
            failed[rule.id] += 1

    return judge, lambda: (engine.selected(), failed)


def judge_with_closures(type_: ResourceType, _: list[Rule]) -> tuple[Callable[[Any], object], Callable[[], Result]]:
    closures = Closures(type_.name)
    return closures.judge, lambda: (closures.selected, closures.failed)


def judge_one_by_one(
    compile_: Callable[[Mapping[str, Any]], Callable[[Any], bool]],
) -> Callable[[ResourceType, list[Rule]], tuple[Callable[[Any], object], Callable[[], Result]]]:
    """A general validator without any of our ways: each rule's `select`, then its `require`."""

    def engine(_: ResourceType, rules: list[Rule]) -> tuple[Callable[[Any], object], Callable[[], Result]]:
        selected, failed = Counter[str](), Counter[str]()
        compiled = [(r.id, compile_(r.select) if r.select else None, compile_(r.require)) for r in rules]

        def judge(resource: Any) -> None:
            for rule, select, require in compiled:
                if select is None or select(resource.properties):
                    selected[rule] += 1
                    if not require(resource.properties):
                        failed[rule] += 1

        return judge, lambda: (selected, failed)

    return engine


def judge_with_value_filters(
    _: ResourceType, rules: list[Rule]
) -> tuple[Callable[[Any], object], Callable[[], Result]]:
    from c7n.filters.core import ValueFilter

    def compile_(condition: Mapping[str, Any]) -> Callable[[Any], bool]:
        return ValueFilter({"type": "value", **condition}).match

    selected, failed = Counter[str](), Counter[str]()
    compiled = [
        (rule.id, [compile_(each) for each in selects], compile_(violates))
        for rule in rules
        for selects, violates in [VALUE_FILTERS[rule.id]]
    ]

    def judge(resource: Any) -> None:
        properties = resource.properties
        for rule, selects, violates in compiled:
            if all(select(properties) for select in selects):
                selected[rule] += 1
                if violates(properties):
                    failed[rule] += 1

    return judge, lambda: (selected, failed)


def compile_jsonschema_rs(schema: Mapping[str, Any]) -> Callable[[Any], bool]:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(dict(schema), offline=True).is_valid


def compile_jsonschema(schema: Mapping[str, Any]) -> Callable[[Any], bool]:
    import jsonschema

    return jsonschema.Draft202012Validator(schema).is_valid


def compile_fastjsonschema(schema: Mapping[str, Any]) -> Callable[[Any], bool]:
    import fastjsonschema

    validate = fastjsonschema.compile(dict(schema) | {"$schema": "http://json-schema.org/draft-07/schema"})

    def is_valid(value: Any) -> bool:
        try:
            validate(value)
        except fastjsonschema.JsonSchemaValueException:
            return False
        return True

    return is_valid


ENGINES = {
    "closures": judge_with_closures,
    "tokenguard": judge_with_tokenguard,
    "jsonschema-rs": judge_one_by_one(compile_jsonschema_rs),
    "jsonschema": judge_one_by_one(compile_jsonschema),
    "fastjsonschema": judge_one_by_one(compile_fastjsonschema),
    "c7n ValueFilter": judge_with_value_filters,
}


def main(name: str, size: str) -> None:
    plugins = load_plugins(())
    rules = built_in_rules(plugins)
    missing = KNOWN - {rule.id for rule in rules}
    assert not missing, f"no such rules any more: {missing}"
    loaded = {type_: list(group) for type_, group in groupby(resources(SIZES[size]), lambda r: r.type)}
    gc.freeze()
    seconds, selected, failed = 0.0, Counter[str](), Counter[str]()
    for type_, group in loaded.items():
        engine = ENGINES[name](plugins.types[type_], [rule for rule in rules if rule.resource == type_])
        seconds += _judge_all(engine[0], group)
        of_type = engine[1]()
        selected.update(of_type[0])
        failed.update(of_type[1])
    counts = {"selected": dict(sorted((+selected).items())), "failed": dict(sorted((+failed).items()))}
    assert sum(failed.values()) == VIOLATIONS[size], f"{sum(failed.values())} violations in the tenant of size {size}"
    print(json.dumps({"seconds": seconds, "counts": counts}))


def _judge_all(judge: Callable[[Any], object], group: Iterable[Any]) -> float:
    started = time.process_time()
    for resource in group:
        judge(resource)
    return time.process_time() - started


if __name__ == "__main__":
    main(*sys.argv[1:])
