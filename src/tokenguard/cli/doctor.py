"""`tokenguard doctor`: who signs in, what that may read, and what is missing. It changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import click

from tokenguard.cli import answers, context, options
from tokenguard.cli.configured import configured
from tokenguard.cli.help import Command
from tokenguard.cli.options import Account, Run, Which
from tokenguard.cli.prose import Verbatim
from tokenguard.cli.selection import choose_rules
from tokenguard.cli.sources import live_target
from tokenguard.configured import in_words
from tokenguard.examination import Access, AccessState, Examination
from tokenguard.exit_status import ExitStatus
from tokenguard.hookspecs import Examiner
from tokenguard.judging.evaluate import in_report_order
from tokenguard.model import ResourceType, Rule
from tokenguard.report_document import configured_to_dict
from tokenguard.rules.needs import judging_needs

KIND = "tokenguard-diagnosis"
FORMAT_VERSION = 2


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What one rule takes of the tenant."""

    rule: Rule
    accesses: tuple[Access, ...]
    obstacles: tuple[str, ...]
    """Why it counts as not evaluated; none where nothing stands in its way."""


@click.command(cls=Command)
@options.account
@options.which
@answers.form
@options.run
def doctor(*, run: Run, account: Account, which: Which, form: str) -> int:
    """Sign in, and say which of the selected rules could be evaluated with that, and what the others lack.

    \b
    tokenguard doctor
    tokenguard doctor --rules all --format json
    """
    plugins = context.plugins()
    selection = choose_rules(plugins, run.config, which)
    chosen = selection.chosen
    examiner = next(each for each in plugins.collectors if isinstance(each, Examiner))
    known = {type_.name for type_ in examiner.resource_types}
    needs = {rule.id: judging_needs([rule], plugins.types)[rule.resource] for rule in chosen if rule.resource in known}
    found = examiner.examine(live_target(run, account), needs)
    diagnoses = [diagnose(rule, plugins.types[rule.resource], found) for rule in in_report_order(chosen)]
    width = context.style_of(context.stdout()).width
    by = configured(run, which, selection.settings)
    document = {**_document(found, diagnoses), "configured": configured_to_dict(by)}
    answers.answer(form, document, [*_lines(found, diagnoses, width), *in_words(by)])
    return ExitStatus.NOT_EVALUATED if any(each.obstacles for each in diagnoses) else ExitStatus.COMPLIANT


def diagnose(rule: Rule, type_: ResourceType, found: Examination) -> Diagnosis:
    """What `found` means for `rule`, which judges `type_`."""
    accesses = found.accesses[rule.id] if rule.id in found.accesses else (_by_its_word(type_, found.permissions),)
    return Diagnosis(rule, accesses, tuple(access.obstacle for access in accesses if access.obstacle))


def _by_its_word(type_: ResourceType, held: Collection[str]) -> Access:
    """What the token says of reading a type that a plugin reads, where nothing can be tried."""
    lacking = tuple(name for name in type_.permissions if name not in held)
    if not lacking:
        return Access(type_.name, type_.permissions)
    why = f"{type_.name} takes {', '.join(lacking)}; whether anything else that the token holds serves, was not tried"
    return Access(type_.name, type_.permissions, lacking, why, AccessState.MISSING)


def _document(found: Examination, diagnoses: Iterable[Diagnosis]) -> Mapping[str, Any]:
    """After ``schemas/doctor.schema.json``."""
    return {
        "kind": KIND,
        "formatVersion": FORMAT_VERSION,
        "tenant": found.tenant,
        "cloud": found.cloud,
        "credential": found.credential,
        "client": found.client,
        "delegated": found.delegated,
        "permissions": found.permissions,
        "rules": [
            {
                "id": each.rule.id,
                "resource": each.rule.resource,
                "evaluable": not each.obstacles,
                "obstacles": each.obstacles,
                "accesses": [{**asdict(access), "state": str(access.state)} for access in each.accesses],
            }
            for each in diagnoses
        ],
        "excess": found.excess,
        "grants": [
            {"permission": each.permission, "azureCli": each.azure_cli, "powershell": each.powershell}
            for each in found.grants
        ],
        "notices": [{"text": text, "strict": types} for text, types in _notices(found).items()],
    }


def _notices(found: Examination) -> dict[str, list[str]]:
    """Each notice once, with the resource types of which ``--strict`` leaves the rules not evaluated for it."""
    strict: dict[str, list[str]] = {}
    for notice in found.notices:
        strict.setdefault(notice.text, []).extend([notice.type] * notice.strict)
    return strict


def _lines(found: Examination, diagnoses: list[Diagnosis], width: int) -> Iterator[str]:
    yield f"tenant       {found.tenant or 'not said by the token'}"
    yield f"cloud        {found.cloud}"
    yield f"credential   {found.credential}"
    yield f"client       {found.client or 'not said by the token'}{', acting for a person' * found.delegated}"
    yield f"permissions  {', '.join(found.permissions) or 'none that the token speaks of'}"
    yield ""
    yield from table([_row(each) for each in diagnoses], width)
    yield ""
    yield from dict.fromkeys(obstacle for each in diagnoses for obstacle in each.obstacles)
    for grant in found.grants:
        yield f"To grant {grant.permission}, as an administrator of the tenant, run one of:"
        yield Verbatim(f"  {grant.azure_cli}")
        yield Verbatim(f"  {grant.powershell}")
    for text, strict in _notices(found).items():
        what = f"; with --strict no rule over {', '.join(strict)} is evaluated" if strict else ""
        yield f"Notice: {text}{what}"
    if found.excess:
        enough = dict.fromkeys(name for each in diagnoses for access in each.accesses for name in access.permissions)
        yield f"The token holds more than these rules need: {', '.join(found.excess)}. Enough: {', '.join(enough)}"
    yield _total(diagnoses)


def _total(diagnoses: Collection[Diagnosis]) -> str:
    able = sum(not each.obstacles for each in diagnoses)
    doubtful = sum(bool(each.obstacles) and not any(access.answer for access in each.accesses) for each in diagnoses)
    total = f"{able} of {len(diagnoses)} rules could be evaluated."
    if not doubtful:
        return total
    which = "1 more was" if doubtful == 1 else f"{doubtful} more were"
    return f"{total} {which} answered although a permission is missing, which counts as not evaluated."


def table(rows: Collection[tuple[str, str, str]], width: int) -> Iterator[str]:
    """Rules, what each takes, and its state: on a line, or below the rule where `width` columns are too few for one."""
    titled = [("rule", "takes", "state"), *rows]
    first, second, third = (max(len(row[column]) for row in titled) for column in range(3))
    if width and first + second + third + 4 > width:
        for rule, takes, state in rows:
            yield rule
            yield f"  takes {takes or 'nothing'}: {state}"
    else:
        yield from (f"{rule.ljust(first)}  {takes.ljust(second)}  {state}" for rule, takes, state in titled)


def _row(diagnosis: Diagnosis) -> tuple[str, str, str]:
    takes = dict.fromkeys(name for access in diagnosis.accesses for name in access.permissions)
    return diagnosis.rule.id, ", ".join(takes), state_of(diagnosis.accesses)


def state_of(accesses: Collection[Access]) -> str:
    """What stands in the way of a rule that takes `accesses`, in a few words; ``held`` where nothing does."""
    met = {access.state for access in accesses}
    missing = _lacking(accesses, AccessState.MISSING, AccessState.UNREADABLE)
    answered = {name: None for name in _lacking(accesses, AccessState.ANSWERED) if name not in missing}
    words = [
        f"missing {', '.join(missing)}" if missing else "",
        # What hangs on a call that was refused for want of a permission comes to the same answer.
        "refused" if AccessState.REFUSED in met and AccessState.MISSING not in met else "",
        "not readable" if AccessState.UNREADABLE in met else "",
        f"answered although missing {', '.join(answered)}" if answered else "",
    ]
    return "; ".join(filter(None, words)) or "held"


def _lacking(accesses: Iterable[Access], *states: AccessState) -> dict[str, None]:
    return dict.fromkeys(name for access in accesses if access.state in states for name in access.lacking)
