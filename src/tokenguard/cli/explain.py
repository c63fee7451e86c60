"""`tokenguard explain`: which lifetime is in force for one application's tokens, why, and what would change it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import click

from tokenguard.cli import answers, context, decisions, options
from tokenguard.cli.configured import configured
from tokenguard.cli.explanations import Judged, document, lines
from tokenguard.cli.help import Command
from tokenguard.cli.options import Run, Where, Which
from tokenguard.cli.selection import choose_rules
from tokenguard.cli.sources import open_source, read
from tokenguard.errors import SourceError, UsageError
from tokenguard.exit_status import ExitStatus
from tokenguard.explanation import Explanation, Search, Subject
from tokenguard.files import is_folder
from tokenguard.hookspecs import Explainer
from tokenguard.judging.evaluate import evaluate
from tokenguard.model import Exemption, Outcome, Precedence, Rule, Severity
from tokenguard.rules.needs import needs_of, with_needs
from tokenguard.spool import Spool


@click.command(cls=Command)
@click.argument("application", metavar="NAME|ID|APPID")
@options.where
@click.option(
    "--snapshot",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Read a folder of Graph answers that somebody saved, rather than a live tenant.",
)
@options.which
@decisions.exemptions
@answers.form
@options.run
def explain(
    *,
    application: str,
    run: Run,
    where: Where,
    folder: Path | None,
    which: Which,
    exemptions: Path | None,
    form: str,
) -> int:
    """Say which lifetime is in force for the tokens of one application, and why.

    It is named by its display name, the object id of its service principal or registration, its appId, or the address
    of the resource, e.g. https://contoso.crm4.dynamics.com.

    \b
    tokenguard explain --demo Dataverse
    tokenguard explain 00000007-0000-0000-c000-000000000000 --format json

    Exit status: 0 explained, 2 there is no such application, or several of that name, 3 its lifetime or something else
    that concerns it is not known, or not all could be looked through for that name.
    """
    _check_folder(where, folder)
    _check_text(application)
    plugins = context.plugins()
    selection = choose_rules(plugins, run.config, which)
    chosen = selection.chosen
    decisions_read = decisions.read(run, selection.loaded, exemptions=exemptions)
    decided = decisions_read.exemptions
    explainer = next(each for each in plugins.collectors if isinstance(each, Explainer))
    with open_source(run, where, folder) as source:
        search = explainer.find(source, application)
        subject = _only(application, search)
        rules = list(about_one(chosen, subject, explainer.subject_types, decided))
        readings = read(run, where, source, with_needs(needs_of(rules, plugins.types), explainer.explained_by))
        report = evaluate(
            rules,
            readings.snapshot(),
            types=plugins.types,
            exemptions=decided,
            now=context.now(),
            fail_on=Severity.LOW,
            source=source.name,
            findings=Spool.of_findings(rules),
            not_evaluated=Spool.of_not_evaluated(rules),
        )
        facts = readings.facts(explainer.explained_by[0].type)
    if facts is None:
        raise SourceError(f"the policies of {source.name} could not be read", "`tokenguard doctor` says why")
    found = explainer.explain(facts, subject, Precedence(where.precedence))
    its_own = found.concerned | {subject.app_id}  # an object that should be there and is not goes by its appId
    about = [item for item in report.findings if item.resource.id in its_own]
    unjudged = [item for item in report.not_evaluated if item.resource is None or item.resource.id in its_own]
    for notice in report.notices:
        context.say(notice, quiet=run.quiet)
    by = configured(run, which, selection.settings, decisions_read.settings)
    judged = Judged(about, unjudged, _concerning(decided, chosen, found), report.scanned_at, by)
    answers.answer(
        form,
        document(report.header, search, found, judged),
        lines(report.header, search, found, judged),
    )
    return ExitStatus.NOT_EVALUATED if found.unknown or unjudged or search.doubts else ExitStatus.COMPLIANT


def about_one(
    rules: Iterable[Rule], subject: Subject, subject_types: Collection[str], exemptions: Iterable[Exemption]
) -> Iterator[Rule]:
    """`rules` as they judge `subject`: of its own kinds of objects nothing else needs to be read.

    Where an exemption names it by its name, all have to be seen: another of that name takes the exemption from both.
    """
    names = {ref.name for ref in subject.refs()}
    by_name = {each.rule for each in exemptions if each.resource in names}
    its_own = frozenset({subject.app_id})
    for rule in rules:
        if rule.resource not in subject_types or not subject.app_id or rule.id in by_name:
            yield rule
        elif rule.pinned_app_ids is None:
            yield replace(rule, pinned_app_ids=its_own, absent=Outcome.PASS)
        elif subject.app_id in rule.pinned_app_ids:
            yield replace(rule, pinned_app_ids=its_own)


def _concerning(exemptions: Iterable[Exemption], rules: Iterable[Rule], found: Explanation) -> list[Exemption]:
    """Those from any of `rules` that name the application, what it holds, or what governs it; expired ones included."""
    of = {rule.id for rule in rules}
    ids = found.concerned | {found.subject.app_id}
    policies = (each.policy for considered in found.orders.values() for each in considered if each.policy)
    names = {ref.name for ref in (*found.subject.refs(), *policies)}
    return [each for each in exemptions if each.rule in of and (each.resource.lower() in ids or each.resource in names)]


def _check_text(name: str) -> None:
    """Of bytes that are none the command line has unpaired surrogates, which Graph cannot be asked for."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{name!r} is no text", "name the application by its object id or appId") from error


def _check_folder(where: Where, folder: Path | None) -> None:
    if folder is None:
        return
    if where.demo:
        raise UsageError(f"--demo and {folder} are two things to read", "leave one of them out")
    if not is_folder(folder):
        raise UsageError(
            f"{folder}: is no folder of saved answers; a snapshot holds conclusions, not every policy considered",
            "name a folder that `tokenguard collect --from` could read, or a live tenant",
        )


def _only(text: str, search: Search) -> Subject:
    """The one application that was found; raises `SourceError` where it is not known whether there is one."""
    if len(search.subjects) == 1:
        return search.subjects[0]
    if search.subjects:
        listed = "\n".join(f"  {name}" for subject in search.subjects for name in _names(subject))
        raise UsageError(
            f"{text!r} stands for {len(search.subjects)} applications:\n{listed}", "name one by its appId or object id"
        )
    if search.doubts:
        reasons = "\n".join(f"  {doubt}" for doubt in search.doubts)
        raise SourceError(
            f"{text!r} was not found, but not all could be looked through:\n{reasons}",
            "give its object id or appId; `tokenguard doctor` says what a sign-in may not read",
        )
    raise UsageError(f"there is no application {text!r} in this tenant", "give its exact name, object id or appId")


def _names(subject: Subject) -> Iterator[str]:
    for ref in subject.refs():
        yield f"{ref.type} {ref.id}, appId {subject.app_id or 'none'}: {ref.name}"
