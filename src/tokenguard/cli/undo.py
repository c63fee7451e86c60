"""`tokenguard undo`: bring back the state before a journal, where the tenant still is what the journal left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from tokenguard.apply import Undoing, plan_undo
from tokenguard.cli import context, options
from tokenguard.cli.applying import Order, carry_out, reading
from tokenguard.cli.brakes import Brakes, brakes, released
from tokenguard.cli.help import Command
from tokenguard.cli.options import Account, Run
from tokenguard.cli.plans import change_lines
from tokenguard.cli.prose import write_lines
from tokenguard.cli.sources import live_target
from tokenguard.exit_status import ExitStatus
from tokenguard.journal import read_journal


@click.command(cls=Command)
@click.argument("done", type=click.Path(path_type=Path), metavar="JOURNAL")
@options.account
@brakes
@options.run
def undo(*, run: Run, account: Account, brakes: Brakes, done: Path) -> int:
    """Take back what JOURNAL says was done, the last first; what somebody has changed since is left alone.

    A policy that was deleted comes back under a new id, with the same content and assignments.

    \b
    tokenguard undo journal.jsonl --dry-run
    """
    record = read_journal(done)
    header, target = record.header, live_target(run, account)
    with reading(header, target) as writer:
        undoing = plan_undo(record, writer)
    context.clear()
    write_lines(_lines(undoing))
    left = ExitStatus.UNCONFIRMED if undoing.skipped else ExitStatus.COMPLIANT
    if not undoing.changes:
        context.say("There is nothing to take back.")
        return left
    if not released(brakes, undoing.changes, header.tenant, "run again without --dry-run"):
        return left
    carried_out = carry_out(Order("undo", header.tenant, header.precedence, undoing.changes), target, brakes)
    return left if carried_out.whole else ExitStatus.UNCONFIRMED


def _lines(undoing: Undoing) -> Iterator[str]:
    for number, change in enumerate(undoing.changes, 1):
        yield from change_lines(change, number)
    for change, ended in undoing.skipped:
        yield f"left alone: {change.resource.name}: {ended.reason}"
