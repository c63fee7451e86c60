"""`tokenguard fix`: plan what would mend the findings, ask, and carry it out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from tokenguard.apply import Foreseen, plan_again, remaining
from tokenguard.changes import Plan
from tokenguard.cli import context, decisions, journals, options
from tokenguard.cli.afterwards import judge_again, say_what_is_left
from tokenguard.cli.applying import CarriedOut, Order, carry_out, fix_by, reading, resume
from tokenguard.cli.brakes import Brakes, brakes, check_safety, foreign, released
from tokenguard.cli.gaps import say_gaps
from tokenguard.cli.given import given
from tokenguard.cli.help import Command
from tokenguard.cli.options import Run, Where, Which
from tokenguard.cli.places import Place
from tokenguard.cli.plans import plan_lines
from tokenguard.cli.prose import write_lines
from tokenguard.cli.scope import Scope
from tokenguard.cli.sources import live_target
from tokenguard.cli.undo import undo_lines
from tokenguard.configured import in_words
from tokenguard.documents import write_document
from tokenguard.errors import TokenguardError, UsageError
from tokenguard.exit_status import ExitStatus
from tokenguard.files import read_file, replace_file
from tokenguard.journal import Record
from tokenguard.kinds import PLAN
from tokenguard.misplaced import naming
from tokenguard.model import Configured, Origin, Report
from tokenguard.planning.comparison import check_consent
from tokenguard.planning.document import parse_plan, plan_to_dict

PATH = click.Path(path_type=Path)


@click.command(cls=Command)
@options.where
@options.which
@decisions.exemptions
@decisions.baseline
@click.option("--only", multiple=True, metavar="RESOURCE", help="Mend this alone: an id, appId or name; repeatable.")
@click.option("--unsafe", is_flag=True, help="Plan also what its rule does not call safe.")
@click.option("--out", type=Place(), metavar="FILE", help="Keep the plan, for others to look at; mode 0600.")
@click.option("--plan", "agreed", type=PATH, metavar="FILE", help="Carry out exactly this plan, or nothing.")
@click.option("--resume", "begun", type=PATH, metavar="JOURNAL", help="Go on with what was interrupted.")
@foreign
@brakes
@options.fail_on("The least severity that gives exit status 1, if it is found once all is done.")
@options.run
def fix(
    *,
    run: Run,
    where: Where,
    which: Which,
    brakes: Brakes,
    exemptions: Path | None,
    baseline: Path | None,
    only: tuple[str, ...],
    unsafe: bool,
    out: Path | None,
    agreed: Path | None,
    begun: Path | None,
    foreign_journal: bool,
    fail_on: str,
) -> int:
    """Plan what would mend the findings of a live tenant and, after consent, carry it out.

    \b
    tokenguard fix --demo --dry-run --unsafe
    tokenguard fix --select 'retired-*' --dry-run --out plan.json
    tokenguard fix --plan plan.json
    """
    if where.demo and not brakes.dry_run:
        raise UsageError("the embedded tenant cannot be written to", "add --dry-run to see what would be done")
    if begun:
        record = journals.read(begun, foreign=foreign_journal)
        _alone(begun, "only", "out", "agreed", *([] if record.foreign else ["journal"]))
        if not record.foreign:  # whoever wrote another one does not choose what the tenant is judged by
            which = _served(which, record)
        scope = Scope.of(run, where, which, exemptions=exemptions, baseline=baseline, fail_on=fail_on)
        return _resume(scope, brakes, begun, record, unsafe=unsafe)
    if foreign_journal:
        raise UsageError("--foreign-journal says what may be resumed", "add --resume JOURNAL")
    consent = _plan(agreed) if agreed else None
    if consent:
        _alone(agreed, "only", "unsafe", "select", "ignore")
        which, only, unsafe = replace(which, select=tuple(consent.rules), ignore=()), consent.only, consent.unsafe
    now = context.now()
    scope = Scope.of(run, where, which, exemptions=exemptions, baseline=baseline, fail_on=fail_on)
    with scope.look(now) as (report, readings):
        plan = scope.plan(report, readings, now=now, only=only, unsafe=unsafe)
    context.clear()
    write_lines(plan_lines(plan))
    say_gaps(report)
    _say_by_what(scope.configured)
    if consent:
        check_consent(consent, plan, now=now, source=str(agreed))
    if out:
        with replace_file(out, "the plan") as file:
            file.write(write_document(plan_to_dict(plan)))
    if only and not (plan.changes or plan.skipped):
        context.say(f"No finding is about {' or '.join(only)}: --only takes an id, an appId or the exact name.")
    if not plan.changes:
        return report.exit_status
    again = _INSTEAD if where.demo else fix_by("--plan", out) if out else _AGAIN
    if not released(brakes, plan.changes, plan.tenant, again):
        return report.exit_status
    if not brakes.yes:
        # NOTE: who was asked may have thought for long, and whom a policy reaches is compared before no write.
        later = context.now()
        with scope.look(later) as (report, readings):
            rebuilt = scope.plan(report, readings, now=later, only=only, unsafe=unsafe)
        check_consent(plan, rebuilt, now=later, source="what you agreed to")
    order = Order("fix", plan.tenant, plan.precedence, plan.changes)
    return _judged(scope, carry_out(order, live_target(run, where), brakes), brakes)


def _plan(path: Path) -> Plan:
    with naming(path, PLAN):
        return parse_plan(read_file(path, "a plan"), str(path))


def _say_by_what(configured: Configured) -> None:
    """What made the plan what it is, but for the flags: who reads this has given them."""
    others = tuple(each for each in configured.settings if each.origin is not Origin.FLAGS)
    for line in in_words(Configured(settings=others)):
        context.say(f"Judged {line}")


_AGAIN = "run again without --dry-run"
_INSTEAD = "use a live tenant, or the sandbox, in place of --demo"


def _served(which: Which, record: Record) -> Which:
    """The rules that the changes of a journal serve, unless others are named."""
    served = tuple(dict.fromkeys(each.rule for change in record.header.changes for each in change.serves))
    return replace(
        which,
        select=which.select if any(given("select")) else served,
        ignore=which.ignore if any(given("ignore")) else (),
    )


def _resume(scope: Scope, brakes: Brakes, path: Path, record: Record, *, unsafe: bool) -> int:
    """Go on with what a journal says was consented to, and no more; then judge by the rules that it serves.

    Everything that is shown is derived from the operations and the tenant as it is now. A foreign journal is not
    carried on: what is left to do of it is planned anew, and gets a journal of its own.
    """
    header, target = record.header, live_target(scope.run, scope.where)
    with reading(header, target, brakes) as reader:
        if record.foreign:
            foreseen = plan_again(record, reader)
        else:
            foreseen = Foreseen(remaining(record, reader.writer.reverse), ())
        changes = reader.writer.describe(foreseen.changes)
    context.clear()
    write_lines(undo_lines(changes, foreseen))
    if header.purpose != "undo":  # it serves no rule, and nothing is judged
        _say_by_what(scope.configured)
    check_safety(brakes, changes, unsafe=unsafe)
    if not changes:
        context.say("Nothing is left to be written of this journal.")
    elif not released(brakes, changes, header.tenant, _AGAIN):
        return _as_it_is(scope, record, brakes)
    if not changes and (brakes.dry_run or record.foreign):
        status = _as_it_is(scope, record, brakes)
        return ExitStatus.UNCONFIRMED if foreseen.skipped else status
    asked = bool(changes) and not brakes.yes
    if record.foreign:
        order = Order("fix", header.tenant, header.precedence, changes)
        carried_out = carry_out(order, target, brakes, asked=asked)
    else:
        carried_out = resume(path, foreseen.changes, changes, target, brakes, asked=asked)
    if _serves_no_rule(record):
        whole = carried_out.whole and not foreseen.skipped
        return ExitStatus.COMPLIANT if whole else ExitStatus.UNCONFIRMED
    status = _judged(scope, carried_out, brakes)
    return ExitStatus.UNCONFIRMED if foreseen.skipped else status


def _serves_no_rule(record: Record) -> bool:
    """Whether the tenant is not evaluated after a journal: that of an undo. A foreign one does not choose that."""
    return record.header.purpose == "undo" and not record.foreign


def _as_it_is(scope: Scope, record: Record, brakes: Brakes) -> int:
    """How compliant the tenant of a journal is that is not resumed."""
    with reading(record.header, live_target(scope.run, scope.where), brakes):
        if _serves_no_rule(record):
            return ExitStatus.COMPLIANT
        with scope.look(context.now()) as (report, _):
            say_gaps(report)
            return report.exit_status


def _judged(scope: Scope, carried_out: CarriedOut, brakes: Brakes) -> int:
    """Judge the tenant as it is now; a change that failed or could not be confirmed goes before whatever that says."""

    def judge() -> Report:
        with scope.look(context.now()) as (report, _):
            return report

    try:
        report = judge_again(judge, carried_out.changes, brakes.wait)
    except TokenguardError as error:
        if carried_out.failed:
            error.exit_status = ExitStatus.UNCONFIRMED
        raise
    say_what_is_left(report, quiet=scope.run.quiet)
    return ExitStatus.UNCONFIRMED if carried_out.failed else report.exit_status


def _alone(file: Path | None, *names: str) -> None:
    """What is to be done stands in `file`; options of these names that would say it anew are refused.

    Those of the configuration and the environment say what is usual, and give way.
    """
    if named := [parameter.opts[0] for parameter, _ in given(*names)]:
        raise UsageError(f"{file}: says already what is to be done", f"leave out {' and '.join(named)}")
