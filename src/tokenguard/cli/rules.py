"""`tokenguard rules`: what is checked, why, and rules of one's own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from tokenguard.cli import completion, context
from tokenguard.cli.help import Group
from tokenguard.cli.prose import write_lines
from tokenguard.cli.selection import ON_REQUEST, pack_paths
from tokenguard.errors import UsageError
from tokenguard.files import may_be_there
from tokenguard.model import Outcome, Remediation, Rule
from tokenguard.packs import read_pack
from tokenguard.rules.messages import count, present
from tokenguard.rules.mistakes import did_you_mean
from tokenguard.rules.parsing import parse_rules
from tokenguard.rules.soundness import EDITOR_SCHEMA
from tokenguard.schemas import data_folder, schema
from tokenguard.untrusted import visible

_rules_option = click.option(
    "--rules",
    "packs",
    multiple=True,
    metavar="PACK|PATH",
    shell_complete=completion.packs,
    help="A rule pack by name, a folder, or a file; may be given several times. Default: all packs.",
)

_ABSENT = {
    Outcome.NOT_EVALUATED: "is not evaluated",
    Outcome.FAIL: "is a finding",
    Outcome.PASS: "complies",
}


@click.group(cls=Group)
def rules() -> None:
    """List, show, check and write rules."""


@rules.command("list")
@_rules_option
def list_rules(packs: tuple[str, ...]) -> None:
    """List the rules, pack by pack.

    \b
    tokenguard rules list
    tokenguard rules list --rules ./rules
    """
    for path in _paths(packs):
        found = _load([path])
        width = max(len(rule.id) for rule in found)
        name = f"{path.name} (only with --rules {path.name})" if path.name in ON_REQUEST else path.name
        write_lines([name, *(f"  {rule.severity!s:<8}  {rule.id:<{width}}  {rule.title}" for rule in found)])


@rules.command()
@click.argument("id_", metavar="ID", shell_complete=completion.rules)
@_rules_option
def show(id_: str, packs: tuple[str, ...]) -> None:
    """Explain one rule: what it demands, why, what can be set, and how to mend what it finds.

    \b
    tokenguard rules show access-token-lifetime-too-long
    """
    by_id = {rule.id: rule for rule in _load(_paths(packs))}
    if id_ not in by_id:
        raise UsageError(f"no rule {id_!r}{did_you_mean(id_, by_id)}", "`tokenguard rules list` lists the rules")
    write_lines("\n\n".join(_page(by_id[id_])).split("\n"))


@rules.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
def check(paths: tuple[Path, ...]) -> None:
    """Check rule files, and say everything that is wrong with them. Without a PATH: every pack.

    \b
    tokenguard rules check rules/ more/one-rule.json
    """
    found = _load(paths or _paths(()))
    examples = sum(len(rule.examples) for rule in found)
    click.echo(f"{count(len(found), 'rule')}, {count(examples, 'example')}: no mistakes")


@rules.command()
@click.argument("id_", metavar="ID")
@click.option(
    "--resource",
    required=True,
    metavar="TYPE",
    shell_complete=completion.resource_types,
    help="The resource type that the rule is over.",
)
@click.option(
    "--output",
    default=".",
    show_default="here",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The folder to write to.",
)
def new(id_: str, resource: str, output: Path) -> None:
    """Write a rule to start from. ID states the defect, e.g. access-token-lifetime-too-long.

    \b
    tokenguard rules new session-too-long --resource servicePrincipal --output rules
    """
    from tokenguard.rules.drafts import draft_rule  # noqa: PLC0415  (only this command needs it)

    if not re.fullmatch(schema("dialect")["properties"]["id"]["pattern"], id_):
        raise UsageError(
            f"{id_!r} is no rule id", "name the defect in lower-case words with hyphens, e.g. lifetime-too-long"
        )
    types = context.plugins().types
    if resource not in types:
        raise UsageError(f"--resource {resource}: no such resource type{did_you_mean(resource, types)}")
    text = json.dumps(draft_rule(id_, types[resource]), indent=2, ensure_ascii=False) + "\n"
    file = output / f"{id_}.json"
    parse_rules([(str(file), text.encode())], types)
    _write_new(file, text.encode())
    if not may_be_there(output / EDITOR_SCHEMA):
        _write_new(output / EDITOR_SCHEMA, (data_folder("schemas") / EDITOR_SCHEMA).read_bytes())
    click.echo(str(file))
    context.say(f"Change it to what you need, then run `tokenguard rules check {file}`.")


def _paths(packs: Sequence[str]) -> list[Path]:
    return pack_paths(context.plugins(), packs or ("all",))


def _load(paths: Iterable[Path]) -> tuple[Rule, ...]:
    documents = [document for path in paths for document in read_pack(path)]
    return parse_rules(documents, context.plugins().types)


def _write_new(path: Path, data: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError as error:
        raise UsageError(f"{path}: is there already, and is not overwritten", "choose another id or folder") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})", "name a folder that exists") from error


def _page(rule: Rule) -> Iterator[str]:
    """The sections of a rule's page."""
    from tokenguard.rules.wording import in_words  # noqa: PLC0415  (only this command needs it)

    yield f"{rule.id}\n  {visible(rule.title)}"
    yield f"Severity: {rule.severity}\nResource: {rule.resource}\nFile:     {visible(rule.source)}"
    if rule.select is not None:
        yield _section("Only where", in_words(rule.select))
    yield _section("Demands that", in_words(rule.require))
    if rule.pinned_app_ids is not None:
        yield _section("Where the tenant has no such object", [_ABSENT[rule.absent]])
    if rule.parameters:
        yield _section("Can be set", (f"--set {rule.id}.{part}" for part in _parameters(rule)))
    if rule.rationale:
        yield _section("Why", [rule.rationale])
    if rule.remediation is not None:
        yield _section("How to mend it", _remediation(rule.remediation))
    if rule.references:
        yield _section("Read more", rule.references)
    if rule.frameworks:
        yield _section("Frameworks", (f"{name}: {', '.join(ids)}" for name, ids in rule.frameworks.items()))


def _section(title: str, lines: Iterable[str]) -> str:
    return "\n".join([title, *(f"  {visible(part)}" for line in lines for part in line.splitlines())])


def _parameters(rule: Rule) -> Iterator[str]:
    for name, parameter in rule.parameters.items():
        yield f"{name}={present(name, parameter.value)}  {parameter.title} ({parameter.keyword})"


def _remediation(remediation: Remediation) -> Iterator[str]:
    if remediation.remove:
        yield f"remove the resource ({remediation.safety})"
    for name, value in (remediation.set or {}).items():
        yield f"set {name} to {present(name, value)} ({remediation.safety})"
    if remediation.guidance:
        yield remediation.guidance
