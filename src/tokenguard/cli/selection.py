"""Which rules a run judges by, and with which severities and values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tokenguard.cli.configuration import Configuration
from tokenguard.cli.given import origin, withholds
from tokenguard.cli.options import Which
from tokenguard.errors import DocumentError, RuleError, UsageError
from tokenguard.excerpts import shown
from tokenguard.files import may_be_there, read_file
from tokenguard.model import Origin, Parameter, Rule, Setting, UsedFile
from tokenguard.packs import read_pack
from tokenguard.plugins import Plugins
from tokenguard.rules.messages import count, present
from tokenguard.rules.mistakes import did_you_mean, nearest
from tokenguard.rules.parameters import Override, parse_value
from tokenguard.rules.parsing import parse_rules

ON_REQUEST = frozenset({"principals"})
"""Packs that list every principal of a tenant, so they run only where they are named (the demo runs them all)."""

MAXIMUM_VALUE_SIZE = 1024 * 1024
"""Bytes of a file that holds the value of a parameter; room for 28,000 ids."""
MAXIMUM_ITEMS = 100_000
"""Of a list in such a file: of one letter each there could be half a million."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The rules of a run."""

    loaded: tuple[Rule, ...]
    chosen: tuple[Rule, ...]
    """Of these, those that are selected and not ignored."""
    settings: tuple[Setting, ...]
    """Which rules are ignored, and what was changed of others."""


def choose_rules(
    plugins: Plugins, configuration: Configuration, which: Which, *, everything: bool = False
) -> Selection:
    """Load the packs, apply the overrides, and leave out what is not selected, or ignored.

    A ``--set`` goes before the configuration's value. `everything`: without named packs, take all there are. Raises
    `UsageError` for a name that is nothing, `RuleError` with every mistake in the rule documents.
    """
    packs = which.rules or (("all",) if everything else ())
    within = configuration.root if origin("rules") is Origin.CONFIGURATION else None
    own = set(plugins.packs.values())
    documents = []
    for path in _packs(plugins, packs, configuration):
        found = read_pack(path, None if path in own else within)
        if within is not None and path not in own:
            for name, _ in found:
                configuration.check_owner(Path(name))
        documents += found
    rules = parse_rules(documents, plugins.types)
    by_id = {rule.id: rule for rule in rules}
    values = _values(by_id, plugins, configuration, which.settings)
    overrides = _overrides(by_id, values, configuration)
    if overrides:
        rules = parse_rules(documents, plugins.types, overrides)
    chosen = _matching(rules, which.select, "select", configuration) if which.select else set(by_id)
    ignored = _matching(rules, which.ignore, "ignore", configuration)
    chosen -= ignored
    if not chosen:
        raise UsageError(
            "no rule is left to judge by", "check --select and --ignore; `tokenguard rules list` lists all"
        )
    settings = (
        *(Setting(origin("ignore") or Origin.FLAGS, "ignore", rule) for rule in sorted(ignored)),
        *_changes(by_id, rules, values),
    )
    return Selection(rules, tuple(rule for rule in rules if rule.id in chosen), settings)


def _changes(
    before: Mapping[str, Rule], rules: Iterable[Rule], values: Mapping[str, Mapping[str, _Value]]
) -> Iterator[Setting]:
    """What is not as the rules themselves have it."""
    for rule in rules:
        own = before[rule.id]
        if rule.severity != own.severity:
            yield Setting(Origin.CONFIGURATION, "severity", rule.id, value=str(rule.severity), own=str(own.severity))
        for name, given in values.get(rule.id, {}).items():
            if given.value != own.parameters[name].value:
                value = _amount(given.value) if given.file else present(name, shown(given.value))
                yield Setting(
                    given.origin,
                    "parameter",
                    rule.id,
                    name,
                    value,
                    present(name, own.parameters[name].value),
                    given.file,
                )


def _amount(value: Any) -> str:
    """How much a file holds: what it holds is not repeated here."""
    return count(len(value), "value") if isinstance(value, list) else "1 value"


def pack_paths(plugins: Plugins, packs: Sequence[str]) -> list[Path]:
    """The folders and files that `packs` name; without any, every pack that does not have to be asked for."""
    if not packs:
        return [path for name, path in plugins.packs.items() if name not in ON_REQUEST]
    return [path for pack in packs for path in _pack(plugins, pack)]


def _packs(plugins: Plugins, packs: Sequence[str], configuration: Configuration) -> list[Path]:
    """The same, where the configuration may have named them."""
    try:
        return pack_paths(plugins, packs)
    except UsageError as error:
        if withholds(configuration, "rules"):
            raise UsageError(
                f"{configuration.path}: scan.rules: neither a rule pack nor a file or folder", error.hint
            ) from None
        raise


def is_in_a_pack(plugins: Plugins, rule: str) -> bool:
    """Whether any pack, judged by in this run or not, has a rule of this id."""
    return any(Path(name).stem == rule for pack in plugins.packs.values() for name, _ in read_pack(pack))


def _pack(plugins: Plugins, name: str) -> list[Path]:
    if name == "all":
        return list(plugins.packs.values())
    if name in plugins.packs:
        return [plugins.packs[name]]
    if may_be_there(Path(name)):
        return [Path(name)]
    raise UsageError(
        f"--rules {name}: neither a rule pack nor a file or folder{did_you_mean(name, ['all', *plugins.packs])}",
        "`tokenguard rules list` lists the packs",
    )


def _matching(rules: Iterable[Rule], patterns: Sequence[str], option: str, configuration: Configuration) -> set[str]:
    """Ids that any pattern (an id, or one with ``*`` and ``?``) matches; a pattern that matches none is a mistake."""
    ids = [rule.id for rule in rules]
    withheld = withholds(configuration, option)
    found: set[str] = set()
    for pattern in patterns:
        matched = {id_ for id_ in ids if fnmatchcase(id_, pattern)}
        if not matched:
            said = f"--{option} {pattern}: no such rule{nearest(pattern, ids)}"
            raise UsageError(
                f"{configuration.path}: scan.{option}: no such rule" if withheld else said,
                "`tokenguard rules list` lists the rules; a pack that runs only on request is named with --rules",
            )
        found |= matched
    return found


def _overrides(
    rules: Mapping[str, Rule], values: Mapping[str, Mapping[str, _Value]], configuration: Configuration
) -> dict[str, Override]:
    """What is changed, by rule id."""
    return {
        rule: Override(
            severity=configuration.severities.get(rule),
            parameters={name: each.value for name, each in values.get(rule, {}).items()},
            withheld=any(each.withheld for each in values.get(rule, {}).values()),
        )
        for rule in {*values, *configuration.severities} & rules.keys()
    }


def _values(
    rules: Mapping[str, Rule], plugins: Plugins, configuration: Configuration, settings: Sequence[str]
) -> dict[str, dict[str, _Value]]:
    """What the configuration and ``--set`` set parameters to, by rule id and name.

    A configuration may speak of rules whose pack is not judged by in this run, but not of rules that there are not.
    """
    for rule in sorted({*configuration.parameters, *configuration.severities} - rules.keys()):
        if not is_in_a_pack(plugins, rule):
            if configuration.withheld:
                raise UsageError(
                    f"{configuration.path}: [severity] or [parameters] names a rule that there is not", _LIST
                )
            raise _no_such_rule(rules, rule, f"{configuration.path}: {rule}")
    values: dict[str, dict[str, _Value]] = {
        rule: {name: _configured(rules[rule], name, value, configuration) for name, value in parameters.items()}
        for rule, parameters in configuration.parameters.items()
        if rule in rules
    }
    for setting in settings:
        rule, name, given = _setting(rules, setting)
        values.setdefault(rule, {})[name] = given
    return values


@dataclass(frozen=True, slots=True)
class _Value:
    """Of a parameter, as somebody set it."""

    value: Any
    withheld: bool
    """Whether errors repeat nothing of it: it is what a file holds."""
    origin: Origin
    file: UsedFile | None = None
    """What it was read from."""


def _configured(rule: Rule, name: str, value: Any, configuration: Configuration) -> _Value:
    """A value as the configuration gives it; ``@FILE``, beside the configuration, for one that stands in a file."""
    if not (isinstance(value, str) and value.startswith("@") and name in rule.parameters and configuration.path):
        return _Value(value, configuration.withheld, Origin.CONFIGURATION)
    path, target = configuration.path.parent / value[1:], f"{rule.id}.{name}"
    read = _read_value(rule.parameters[name], path, target, Origin.CONFIGURATION, configuration.root)
    configuration.check_owner(path)
    return read


def _setting(rules: Mapping[str, Rule], setting: str) -> tuple[str, str, _Value]:
    target, equals, text = setting.partition("=")
    rule, dot, name = target.rpartition(".")
    if not (equals and dot):
        raise UsageError(f"--set {setting}: not of the form RULE.PARAM=VALUE", "e.g. RULE.maximum=PT2H")
    if rule not in rules:
        raise _no_such_rule(rules, rule, f"--set {setting}")
    parameters = rules[rule].parameters
    if name not in parameters:
        listed = "`tokenguard rules show` lists them" if rules[rule].withheld else f"it has: {', '.join(parameters)}"
        raise UsageError(
            f"--set {setting}: rule {rule} has no parameter {name!r}", listed if parameters else "it has: none"
        )
    if text.startswith("@"):
        return rule, name, _read_value(parameters[name], Path(text[1:]), target, Origin.FLAGS)
    return rule, name, _Value(parse_value(parameters[name], text), withheld=False, origin=Origin.FLAGS)


def _read_value(parameter: Parameter, path: Path, target: str, told: Origin, within: Path | None = None) -> _Value:
    """What the file at `path` says. Raises `DocumentError` or `RuleError`, which repeat nothing of it."""
    data = read_file(path, f"the value of {target}", MAXIMUM_VALUE_SIZE, within)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path}: not UTF-8 text; the value of {target} was to be read from it") from error
    try:
        value = parse_value(parameter, text, withheld=True)
    except RuleError as error:
        raise RuleError(f"{path}: {error.message}", error.hint) from error
    if isinstance(value, list) and len(value) > MAXIMUM_ITEMS:
        raise UsageError(f"{path}: more than {MAXIMUM_ITEMS:,} items; the value of {target} was to be read from it")
    return _Value(value, withheld=True, origin=told, file=UsedFile.of(str(path), data))


_LIST = "`tokenguard rules list --rules all` lists the rules"


def _no_such_rule(rules: Mapping[str, Rule], rule: str, where: str) -> UsageError:
    return UsageError(f"{where}: no such rule{nearest(rule, rules)}", _LIST)
