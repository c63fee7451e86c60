"""`tokenguard diff`: what changed in a tenant, or in what was found there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tokenguard.cli import context, decisions, options, reports
from tokenguard.cli.configured import configured, configured_status
from tokenguard.cli.given import given
from tokenguard.cli.help import Command
from tokenguard.cli.options import Account, Into, Run, Where, Which
from tokenguard.cli.selection import choose_rules
from tokenguard.cli.sources import check_tenant, open_origin
from tokenguard.diff.reports import compare_reports, with_findings
from tokenguard.diff.snapshots import compare_snapshots
from tokenguard.differences import Difference
from tokenguard.errors import DocumentError, UsageError
from tokenguard.files import is_folder, is_stream, open_file
from tokenguard.hookspecs import DifferenceReporter
from tokenguard.judging.evaluate import evaluate
from tokenguard.kinds import BEGINNING, Kind
from tokenguard.misplaced import naming
from tokenguard.model import Limits, Need, Precedence, Report, Severity
from tokenguard.report_document import KIND as REPORT
from tokenguard.rules.needs import needs_of
from tokenguard.saved_report import open_report
from tokenguard.snapshot import open_snapshot, write_snapshot
from tokenguard.snapshot.lines import KIND as SNAPSHOT
from tokenguard.spool import Spool

PATH = click.Path(path_type=Path)
_KIND = re.compile(rb'"kind"\s*:\s*"(tokenguard-[a-z]+)"')
_COMPARED = Kind(
    "a snapshot or a JSON report", "`tokenguard collect` writes snapshots, `tokenguard scan --format json` reports"
)
"""Bytes in which a file says what it is."""
_JUDGING = ("rules", "select", "ignore", "settings", "exemptions")
"""Options that say by what to judge."""


@click.command(cls=Command)
@click.argument("old", type=PATH)
@click.argument("new", type=PATH, required=False)
@click.option("--live", is_flag=True, help="Compare the snapshot OLD with the live tenant.")
@click.option("--demo", is_flag=True, help="Compare the snapshot OLD with the embedded tenant.")
@options.account
@options.limits
@options.which
@decisions.exemptions
@click.option(
    "--fail-on-new", is_flag=True, help="Exit status 1 where a finding is new, or has other values than before."
)
@options.fail_on("The least severity that counts for --fail-on-new.")
@click.option(
    "--fail-on-change",
    is_flag=True,
    help="Exit status 1 where a resource is new, gone or changed, whatever the rules say of it.",
)
@options.into
@options.run
def diff(
    *,
    run: Run,
    into: Into,
    account: Account,
    limits: Limits,
    which: Which,
    old: Path,
    new: Path | None,
    live: bool,
    demo: bool,
    exemptions: Path | None,
    fail_on_new: bool,
    fail_on: str,
    fail_on_change: bool,
) -> int:
    """Say what changed from OLD to NEW: two snapshots, or two JSON reports, of one tenant.

    Snapshots are compared, and both judged by the rules of this run as `scan` would; reports have been judged already.
    What was not read or not evaluated on either side is never "gone" or "fixed": it is listed, and gives exit status 3.
    Formats: text, json and markdown. NEW may also be a folder of saved Graph answers.

    \b
    tokenguard diff monday.jsonl.zst tuesday.jsonl.zst
    tokenguard diff monday.jsonl.zst --live --fail-on-new
    tokenguard diff monday.jsonl.zst --live --fail-on-change
    tokenguard diff main.json branch.json --fail-on-new --format markdown
    """
    if not fail_on_new and any(given("fail_on")):
        raise UsageError(
            f"--fail-on {fail_on}: without --fail-on-new no finding fails a comparison", "give --fail-on-new as well"
        )
    if [new is not None, live, demo].count(True) != 1:
        raise UsageError("one thing to compare OLD with is needed", "name NEW, or give --live or --demo")
    writers = {name: each for name, each in context.plugins().reporters.items() if isinstance(each, DifferenceReporter)}
    outputs = reports.pair(writers, into)
    where = Where(demo=demo, precedence=str(Precedence.ALL), **asdict(account))
    least = Severity[fail_on.upper()] if fail_on_new else None
    if _kind(old) == SNAPSHOT:
        difference = _snapshots(
            run, where, old, new,
            limits=limits, which=which, exemptions=exemptions, least=least, fail_on_change=fail_on_change,
        )  # fmt: skip
    elif fail_on_change:
        raise UsageError(
            f"--fail-on-change: {old} is a report, which holds findings and no resources",
            "compare two snapshots, or give --fail-on-new",
        )
    else:
        difference = _reports(run, old, new, least)
    if difference.old.collected_at > difference.new.collected_at:
        context.say(
            f"{difference.old.source} is later than {difference.new.source}: what is told is the way back",
            quiet=run.quiet,
        )
    reports.write_each(
        outputs,
        lambda each, out, style: each.write_difference(difference, out, style),
        color=not into.no_color,
        verbose=run.verbose,
    )
    return difference.exit_status


def _kind(path: Path) -> str:
    """What a file says it is; raises `DocumentError` for one that is neither a snapshot nor a report, or no file."""
    if is_stream(path):
        raise DocumentError(
            f"{path}: is a pipe or a device, which can be read only once, and a comparison reads more than once",
            "write it into a file, and name that",
        )
    if path.suffix in (".gz", ".zst"):
        return SNAPSHOT
    with naming(path, _COMPARED), open_file(path, _COMPARED.name) as file:
        found = _KIND.search(file.read(BEGINNING))
        if found is None or found[1].decode() not in (SNAPSHOT, REPORT):
            raise DocumentError(f"{path}: neither a snapshot nor a JSON report of tokenguard", _COMPARED.use)
    return found[1].decode()


def _reports(run: Run, old: Path, new: Path | None, fail_on: Severity | None) -> Difference:
    if new is None or _kind(new) == SNAPSHOT:
        raise UsageError(
            f"{old} is a report, which can be compared with a report only",
            "write one of the other with `tokenguard scan --format json`",
        )
    for option, _ in given(*_JUDGING):
        raise UsageError(
            f"{option.opts[0]}: {old} is a report, which has been judged already",
            "leave it out, or compare two snapshots",
        )
    before, after = (replace(open_report(path), source=str(path)) for path in (old, new))
    check_tenant(run, after.header)
    return replace(compare_reports(before, after, fail_on), configured=configured_status(run))


def _snapshots(
    run: Run,
    where: Where,
    old: Path,
    new: Path | None,
    *,
    limits: Limits,
    which: Which,
    exemptions: Path | None,
    least: Severity | None,
    fail_on_change: bool,
) -> Difference:
    """What changed, and what the rules of this run say of both, each judged as it stands."""
    before = partial(open_snapshot, old, limits=limits)
    check_tenant(run, before().header)
    types = context.plugins().types
    selection = choose_rules(context.plugins(), run.config, which, everything=where.demo)
    rules = selection.chosen
    decided = decisions.read(run, selection.loaded, exemptions=exemptions)

    def judged(path: Path, source: str) -> Report:
        return evaluate(
            rules,
            open_snapshot(path, types, limits),
            types=types,
            exemptions=decided.exemptions,
            now=context.now(),
            fail_on=Severity.INFO,
            source=source,
            findings=Spool.of_findings(rules),
            not_evaluated=Spool.of_not_evaluated(rules),
        )

    needs = partial(_needs, old, limits, needs_of(rules, types))
    with _later(run, where, old, new, limits=limits, needs=needs) as (path, name):
        resources = compare_snapshots(before, partial(open_snapshot, path, limits=limits), str(old), name)
        after = judged(path, name)
        for notice in after.notices:
            context.say(notice, quiet=run.quiet)
        found = compare_reports(judged(old, str(old)), after, least)
        difference = with_findings(resources, found, fail_on_change=fail_on_change)
        return replace(difference, configured=configured(run, which, selection.settings, decided.settings))


@contextmanager
def _later(
    run: Run,
    where: Where,
    old: Path,
    new: Path | None,
    *,
    limits: Limits,
    needs: Callable[[], Mapping[str, Need]],
) -> Iterator[tuple[Path, str]]:
    """The snapshot to compare `old` with, and what to call it.

    Where it is no file, it is taken now, kept for the time being, and derived as `old` was.
    """
    if new is not None and not is_folder(new):
        if _kind(new) != SNAPSHOT:
            raise UsageError(f"{old} is a snapshot, {new} a report: they cannot be compared", "name two of one kind")
        yield new, str(new)
        return
    precedence = str(open_snapshot(old, limits=limits).header.precedence)
    with TemporaryDirectory() as place:
        path = Path(place) / "now.jsonl"
        with open_origin(run, replace(where, precedence=precedence), new, needs(), limits) as (found, name):
            write_snapshot(found, path)
        yield path, name


def _needs(path: Path, limits: Limits, judging: Mapping[str, Need]) -> Mapping[str, Need]:
    """What it takes to collect all that a snapshot knows, and no more.

    Of a type that it holds nothing of, what `judging` takes: only so can be judged what has come since.
    """
    snapshot = open_snapshot(path, limits=limits)
    known: dict[str, set[str]] = {type_: set() for type_ in snapshot.header.properties}
    for resource in snapshot.resources:
        known[resource.type] |= resource.properties.keys() - resource.unknown.keys()
    return {
        type_: Need(type_, frozenset(known[type_]) if summary.count else _read(judging, type_), summary.scope)
        for type_, summary in snapshot.summary().items()
        if type_ in context.plugins().types
    }


def _read(judging: Mapping[str, Need], type_: str) -> frozenset[str]:
    return judging[type_].properties if type_ in judging else frozenset()
