"""`tokenguard diff`: what changed in a tenant, or in what was found there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from click.core import ParameterSource

from tokenguard.cli import context, options, reports
from tokenguard.cli.help import Command
from tokenguard.cli.options import Account, Into, Run, Where
from tokenguard.cli.sources import check_tenant, open_origin
from tokenguard.diff.reports import compare_reports
from tokenguard.diff.snapshots import compare_snapshots
from tokenguard.differences import Difference
from tokenguard.errors import DocumentError, UsageError
from tokenguard.files import open_file
from tokenguard.hookspecs import DifferenceReporter
from tokenguard.model import Need, Precedence, Severity
from tokenguard.report_document import KIND as REPORT
from tokenguard.saved_report import open_report
from tokenguard.snapshot import open_snapshot, write_snapshot
from tokenguard.snapshot.lines import KIND as SNAPSHOT

PATH = click.Path(path_type=Path)
_KIND = re.compile(rb'"kind"\s*:\s*"(tokenguard-[a-z]+)"')
_BEGINNING = 64 * 1024
"""Bytes in which a file says what it is."""


@click.command(cls=Command)
@click.argument("old", type=PATH)
@click.argument("new", type=PATH, required=False)
@click.option("--live", is_flag=True, help="Compare the snapshot OLD with the live tenant.")
@click.option("--demo", is_flag=True, help="Compare the snapshot OLD with the embedded tenant.")
@options.account
@click.option(
    "--fail-on-new",
    is_flag=True,
    help="Of two reports: exit status 1 where a finding is new, or has other values than before.",
)
@options.fail_on("The least severity that counts for --fail-on-new.")
@options.into
@options.run
def diff(
    *,
    run: Run,
    into: Into,
    account: Account,
    old: Path,
    new: Path | None,
    live: bool,
    demo: bool,
    fail_on_new: bool,
    fail_on: str,
) -> int:
    """Say what changed from OLD to NEW: two snapshots, or two JSON reports, of one tenant.

    What was not read or not evaluated on either side is never "gone" or "fixed": it is listed, and gives exit status 3.
    Formats: text, json and markdown. NEW may also be a folder of saved Graph answers.

    \b
    tokenguard diff monday.jsonl.zst tuesday.jsonl.zst
    tokenguard diff monday.jsonl.zst --live
    tokenguard diff main.json branch.json --fail-on-new --format markdown
    """
    given = click.get_current_context().get_parameter_source("fail_on")
    if given is ParameterSource.COMMANDLINE and not fail_on_new:
        raise UsageError(
            f"--fail-on {fail_on}: without --fail-on-new no finding fails a comparison", "give --fail-on-new as well"
        )
    if [new is not None, live, demo].count(True) != 1:
        raise UsageError("one thing to compare OLD with is needed", "name NEW, or give --live or --demo")
    writers = {name: each for name, each in context.plugins().reporters.items() if isinstance(each, DifferenceReporter)}
    outputs = reports.pair(writers, into)
    where = Where(demo=demo, precedence=str(Precedence.ALL), **asdict(account))
    if _kind(old) == SNAPSHOT:
        if fail_on_new:
            raise UsageError(
                f"--fail-on-new: {old} is a snapshot, and findings are in reports", "name two JSON reports"
            )
        difference = _snapshots(run, where, old, new)
    else:
        difference = _reports(run, old, new, Severity[fail_on.upper()] if fail_on_new else None)
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
    if path.exists() and not path.is_file() and not path.is_dir():
        raise DocumentError(
            f"{path}: is a pipe or a device, which can be read only once, and a comparison reads more than once",
            "write it into a file, and name that",
        )
    if path.suffix in (".gz", ".zst"):
        return SNAPSHOT
    with open_file(path, "a snapshot or a JSON report") as file:
        found = _KIND.search(file.read(_BEGINNING))
    if found is None or found[1].decode() not in (SNAPSHOT, REPORT):
        raise DocumentError(
            f"{path}: neither a snapshot nor a JSON report of tokenguard",
            "`tokenguard collect` writes snapshots, `tokenguard scan --format json` reports",
        )
    return found[1].decode()


def _reports(run: Run, old: Path, new: Path | None, fail_on: Severity | None) -> Difference:
    if new is None or _kind(new) == SNAPSHOT:
        raise UsageError(
            f"{old} is a report, which can be compared with a report only",
            "write one of the other with `tokenguard scan --format json`",
        )
    before, after = (replace(open_report(path), source=str(path)) for path in (old, new))
    check_tenant(run, after.header)
    return compare_reports(before, after, fail_on)


def _snapshots(run: Run, where: Where, old: Path, new: Path | None) -> Difference:
    before = partial(open_snapshot, old)
    check_tenant(run, before().header)
    if new is not None and not new.is_dir():
        if _kind(new) != SNAPSHOT:
            raise UsageError(f"{old} is a snapshot, {new} a report: they cannot be compared", "name two of one kind")
        return compare_snapshots(before, partial(open_snapshot, new), str(old), str(new))
    with _collected(run, where, old, new) as (path, name):
        return compare_snapshots(before, partial(open_snapshot, path), str(old), name)


@contextmanager
def _collected(run: Run, where: Where, old: Path, folder: Path | None) -> Iterator[tuple[Path, str]]:
    """A snapshot, for the time being, of what `old` holds, taken now and derived as `old` was; and what to call it."""
    precedence = str(open_snapshot(old).header.precedence)
    with TemporaryDirectory() as place:
        path = Path(place) / "now.jsonl"
        with open_origin(run, replace(where, precedence=precedence), folder, _needs(old)) as (found, name):
            write_snapshot(found, path)
        yield path, name


def _needs(path: Path) -> Mapping[str, Need]:
    """What it takes to collect all that a snapshot knows, and no more."""
    snapshot = open_snapshot(path)
    known: dict[str, set[str]] = {type_: set() for type_ in snapshot.header.properties}
    for resource in snapshot.resources:
        known[resource.type] |= resource.properties.keys() - resource.unknown.keys()
    return {
        type_: Need(type_, frozenset(known[type_]), summary.scope)
        for type_, summary in snapshot.summary().items()
        if type_ in context.plugins().types
    }
