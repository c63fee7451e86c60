"""`tokenguard collect`: read now, judge later or elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from tokenguard.cli import context, options
from tokenguard.cli.help import Command
from tokenguard.cli.options import Run, Where, Which
from tokenguard.cli.places import Place
from tokenguard.cli.selection import choose_rules
from tokenguard.cli.sources import open_origin
from tokenguard.cli.unread import Unread
from tokenguard.exit_status import ExitStatus
from tokenguard.model import Limits
from tokenguard.rules.messages import count
from tokenguard.rules.needs import judging_needs, needs_of
from tokenguard.snapshot import write_snapshot


@click.command(cls=Command)
@options.where
@click.option(
    "--from", "folder", type=click.Path(path_type=Path), metavar="DIR", help="Read answers that somebody saved."
)
@options.limits
@options.which
@click.option(
    "--output",
    "-o",
    type=Place(),
    required=True,
    metavar="FILE",
    help="The snapshot to write; `.gz` and `.zst` compress it.",
)
@options.run
def collect(*, run: Run, where: Where, limits: Limits, which: Which, folder: Path | None, output: Path) -> int:
    """Write a snapshot of what the selected rules need, mode 0600: it holds names and ids of the tenant.

    What could not be read is said, and gives exit status 3; the snapshot is written all the same, with the reasons.

    \b
    tokenguard collect --output tenant.jsonl.gz
    tokenguard collect --from saved-answers/ --output tenant.jsonl
    """
    plugins = context.plugins()
    chosen = choose_rules(plugins, run.config, which, everything=where.demo).chosen
    needs = needs_of(chosen, plugins.types)
    unread = Unread(needs, judging_needs(chosen, plugins.types))
    with open_origin(run, where, folder, needs, limits) as (found, name):
        summary = write_snapshot(replace(found, resources=unread.watch(found.resources)), output)
    resources = count(sum(part.count for part in summary.values()), "resource")
    context.say(f"{output}: {resources} of {name}", quiet=run.quiet)
    failures = list(unread.lines(summary))
    for notice in unread.notices(summary):
        context.say(notice, quiet=run.quiet)
    for failure in failures:
        context.say(failure)
    return ExitStatus.NOT_EVALUATED if failures else ExitStatus.COMPLIANT
