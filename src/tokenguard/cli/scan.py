"""`tokenguard scan`: read, judge, report, and say the verdict in the exit status."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import click

from tokenguard.age import NOTICED
from tokenguard.cli import context, decisions, options, reports
from tokenguard.cli.configured import configured
from tokenguard.cli.given import origin
from tokenguard.cli.help import Command
from tokenguard.cli.lengths import length
from tokenguard.cli.options import Into, Run, Where, Which
from tokenguard.cli.places import Place
from tokenguard.cli.selection import choose_rules
from tokenguard.cli.sources import open_origin
from tokenguard.documents import write_document
from tokenguard.exit_status import ExitStatus
from tokenguard.files import replace_file
from tokenguard.judging.evaluate import evaluate, exit_status
from tokenguard.model import Limits, Origin, Severity, Snapshot
from tokenguard.rules.needs import needs_of
from tokenguard.spool import Spool

PATH = click.Path(path_type=Path)


@click.command(cls=Command)
@options.where
@click.option(
    "--snapshot",
    type=PATH,
    metavar="FILE|DIR",
    help="Read a snapshot, or a folder of Graph answers that somebody saved, rather than a live tenant.",
)
@options.limits
@options.which
@decisions.exemptions
@decisions.baseline
@click.option("--write-baseline", type=Place(), help="Write what was found as a baseline.")
@click.option(
    "--max-age",
    type=length,
    envvar="TOKENGUARD_MAX_AGE",
    metavar="LENGTH",
    help="Evaluate no snapshot that is older, or may be, e.g. P1D.",
)
@click.option(
    "--strict", is_flag=True, help="Refuse exemptions that do not apply, and evaluate nothing that is a week old."
)
@options.into
@click.option("--save-snapshot", type=Place(), help="Keep what was read, to judge it again later.")
@options.fail_on("The least severity that gives exit status 1.")
@click.option("--exit-zero", is_flag=True, help="Let no finding give 1; what is not evaluated still gives 3.")
@options.run
def scan(
    *,
    run: Run,
    where: Where,
    limits: Limits,
    which: Which,
    snapshot: Path | None,
    exemptions: Path | None,
    baseline: Path | None,
    write_baseline: Path | None,
    max_age: timedelta | None,
    strict: bool,
    into: Into,
    save_snapshot: Path | None,
    fail_on: str,
    exit_zero: bool,
) -> int:
    """Judge a live tenant, a snapshot or saved answers against the rules.

    \b
    tokenguard scan --demo
    tokenguard scan --snapshot tenant.jsonl.gz --format sarif --output tokenguard.sarif
    tokenguard scan --select 'access-token-*' --set access-token-lifetime-too-long.maximum=PT2H
    """
    plugins = context.plugins()
    outputs = reports.pair(plugins.reporters, into, (write_baseline, save_snapshot))
    selection = choose_rules(plugins, run.config, which, everything=where.demo)
    chosen = selection.chosen
    decided = decisions.read(run, selection.loaded, exemptions=exemptions, baseline=baseline)
    with open_origin(run, where, snapshot, needs_of(chosen, plugins.types), limits) as (found, name):
        report = evaluate(
            chosen,
            _kept(found, save_snapshot, limits) if save_snapshot else found,
            types=plugins.types,
            exemptions=decided.exemptions,
            baseline=decided.baseline,
            now=context.now(),
            fail_on=Severity[fail_on.upper()],
            source=name,
            findings=Spool.of_findings(chosen),
            not_evaluated=Spool.of_not_evaluated(chosen),
            max_age=_oldest(max_age, strict=strict),
            strict=strict,
        )
    report = replace(report, configured=configured(run, which, selection.settings, decided.settings))
    if write_baseline:
        from tokenguard.judging.baseline import baseline_document  # noqa: PLC0415  (as most scans make none)

        with replace_file(write_baseline, "the baseline") as file:
            file.write(write_document(baseline_document(report)))
    status = exit_status(report.rules, None) if exit_zero else ExitStatus(report.exit_status)
    reports.write(outputs, report, color=not into.no_color, verbose=run.verbose, ends_with=status)
    return status


def _oldest(max_age: timedelta | None, *, strict: bool) -> timedelta | None:
    """A configuration, which may arrive with a checkout, does not take from ``--strict`` what it asks for itself."""
    if max_age is not None and strict and origin("max_age") is Origin.CONFIGURATION:
        return min(max_age, NOTICED)
    return max_age


def _kept(snapshot: Snapshot, path: Path, limits: Limits) -> Snapshot:
    """Write the snapshot first and judge what was written: then a later scan of the file cannot say otherwise."""
    from tokenguard.snapshot import open_snapshot, write_snapshot  # noqa: PLC0415  (as above)

    write_snapshot(snapshot, path)
    return open_snapshot(path, context.plugins().types, limits)
