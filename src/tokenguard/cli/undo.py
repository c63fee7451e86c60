"""`tokenguard undo`: bring back the state before a journal, where the tenant still is what the journal left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from tokenguard.apply import Foreseen, plan_undo
from tokenguard.changes import Change
from tokenguard.cli import context, journals, options
from tokenguard.cli.applying import Order, carry_out, reading, undo_by
from tokenguard.cli.brakes import Brakes, brakes, check_safety, foreign, released
from tokenguard.cli.help import Command
from tokenguard.cli.options import Account, Run
from tokenguard.cli.plans import change_lines
from tokenguard.cli.prose import write_lines
from tokenguard.cli.sources import live_target
from tokenguard.exit_status import ExitStatus
from tokenguard.journal import Fate


@click.command(cls=Command)
@click.argument("done", type=click.Path(path_type=Path), metavar="JOURNAL")
@click.option("--unsafe", is_flag=True, help="Take back also what is not safe to take back.")
@foreign
@options.account
@brakes
@options.run
def undo(*, run: Run, account: Account, brakes: Brakes, done: Path, unsafe: bool, foreign_journal: bool) -> int:
    """Take back what JOURNAL says was done, the last first; what somebody has changed since is left alone.

    A policy that was deleted comes back under a new id, with the same content and assignments.

    \b
    tokenguard undo journal.jsonl --dry-run
    """
    record = journals.read(done, foreign=foreign_journal)
    header, target = record.header, live_target(run, account)
    with reading(header, target, brakes) as reader:
        foreseen = plan_undo(record, reader)
        changes = reader.writer.describe(foreseen.changes)
    context.clear()
    write_lines(undo_lines(changes, foreseen))
    left = ExitStatus.UNCONFIRMED if foreseen.skipped else ExitStatus.COMPLIANT
    if any(ended.fate is Fate.UNCONFIRMED for _, ended in foreseen.skipped):
        context.say(f"To look again: {undo_by(done, unsafe=unsafe)}{' --foreign-journal' if record.foreign else ''}")
    if not changes:
        context.say("There is nothing to take back." if not foreseen.skipped else "There is nothing else to take back.")
        return left
    check_safety(brakes, changes, unsafe=unsafe)
    if not released(brakes, changes, header.tenant, "run again without --dry-run"):
        return left
    order = Order("undo", header.tenant, header.precedence, changes)
    carried_out = carry_out(order, target, brakes, asked=not brakes.yes)
    return left if carried_out.whole else ExitStatus.UNCONFIRMED


def undo_lines(changes: tuple[Change, ...], foreseen: Foreseen) -> Iterator[str]:
    """What would be done of a journal, and what would not, a line each."""
    for number, change in enumerate(changes, 1):
        yield from change_lines(change, number)
    for change, ended in foreseen.skipped:
        yield f"left alone: {change.resource.name}: {ended.reason}"
