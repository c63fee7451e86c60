"""What an update of a policy does, told from its two states: in words, whom it reaches, whether it can be undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from tokenguard.changes import Operation, Refusal
from tokenguard.durations import format_timespan, humanize, parse_timespan
from tokenguard.entra.definition import Definition, parse_definition
from tokenguard.entra.facts import DirectoryObject, EntraFacts
from tokenguard.entra.fixing.fixer import holders_of
from tokenguard.entra.fixing.reach import NOBODY, clients_of, everyone
from tokenguard.entra.fixing.rewriting import further
from tokenguard.entra.reading import NOT_HELD, Unknown
from tokenguard.errors import DurationError
from tokenguard.model import Safety

State = Mapping[str, Any]
"""Of a policy, as `tokenguard.entra.fixing.operations.policy_state` makes it."""


_DAYS = 1000
"""No documented value of a retired setting has as many days."""


def definition_in(state: State) -> Definition:
    """The definition of a policy in `state`, parsed; what is no list of strings cannot be read."""
    strings = state.get("definition")
    return parse_definition(strings if isinstance(strings, list) else [None])


def update_words(before: State, after: State) -> str:
    """What becomes of a policy in the state `before`, in words; all of what changes is in them."""
    return ", ".join([*_definition_words(before, after), *_other_words(before, after)])


def _definition_words(before: State, after: State) -> Iterator[str]:
    if before.get("definition") == after.get("definition"):
        return
    old, new = definition_in(before), definition_in(after)
    said = list(_setting_words(old, new))
    if others := _others_changed(before, after):
        said.append(f"give {' and '.join(others)} another value")
    yield from said or ["write its definition in another way"]


def _setting_words(old: Definition, new: Definition) -> Iterator[str]:
    if new.lifetime != old.lifetime or isinstance(new.lifetime, Unknown):
        yield _lifetime_words(new.lifetime)
        if old.problems and not new.problems:
            yield "and write the definition anew, since it cannot be read"
    for before, after in ((old.retired, new.retired), (old.unknown, new.unknown)):
        if gone := _without(before, after):
            yield f"drop {' and '.join(gone)}"
        if added := _without(after, before):
            yield f"add {' and '.join(added)}"
    if corrected := _without(old.spellings, new.spellings):
        yield f"write {', '.join(corrected)}"
    if respelt := _without(new.spellings, old.spellings):
        yield f"write what is spelt {', '.join(each.partition(' -> ')[0] for each in respelt)}"


def _lifetime_words(lifetime: timedelta | Unknown | None) -> str:
    if isinstance(lifetime, Unknown):
        return f"write a definition that cannot be read ({lifetime.reason})"
    return "set no lifetime" if lifetime is None else f"set the lifetime to {humanize(lifetime)}"


def _other_words(before: State, after: State) -> Iterator[str]:
    if after.get("isOrganizationDefault") != before.get("isOrganizationDefault"):
        yield f"make it the organization default{'' if after.get('isOrganizationDefault') else ' no more'}"
    if after.get("displayName") != before.get("displayName"):
        yield f"call it “{after.get('displayName')}”"
    if after.get("description") != before.get("description"):
        yield f"describe it as “{after.get('description')}”"


def _without(these: Sequence[str], those: Sequence[str]) -> list[str]:
    return [each for each in these if each not in those]


def update_reach(facts: EntraFacts, policy_id: str, before: State, after: State) -> tuple[str, Safety] | Refusal:
    """Whom an update reaches, and whether it is safe; `Refusal` where who holds the policy is not known and matters."""
    default = bool(before["isOrganizationDefault"] or after["isOrganizationDefault"])
    becomes = before["isOrganizationDefault"] != after["isOrganizationDefault"]
    honoured = _honoured(before, after)
    if not honoured and not becomes:
        return NOBODY, Safety.UNSAFE if default else Safety.SAFE
    holders = holders_of(facts, policy_id) if honoured else ()
    if isinstance(holders, Refusal):
        return holders
    reached = [facts.objects.get(each) or DirectoryObject(NOT_HELD, {"id": each}) for each in holders]
    safety = Safety.UNSAFE if default or reached else Safety.SAFE
    return policy_reach(facts, reached, default=default), safety


def policy_reach(facts: EntraFacts, holders: Sequence[DirectoryObject], *, default: bool) -> str:
    """Whom a policy reaches that `holders` have, and as the organization default everybody else."""
    if not default:
        return clients_of(holders)
    return "; ".join([everyone(facts), *([clients_of(holders)] if holders else [])])


def _honoured(before: State, after: State) -> bool:
    """Whether Entra may issue other tokens for what holds the policy."""
    if before.get("definition") == after.get("definition"):
        return False
    old, new = definition_in(before), definition_in(after)
    if isinstance(old.lifetime, Unknown) or old.lifetime != new.lifetime or set(old.unknown) != set(new.unknown):
        return True  # two definitions that cannot be read may say different things, for all that is known of them
    if set(old.doubts) != set(new.doubts):
        return True  # Entra may have ignored the one, and heed the other, though both are doubtful
    return not new.complete or not set(new.unknown).isdisjoint(_others_changed(before, after))


def _others_changed(before: State, after: State) -> list[str]:
    """Settings but the lifetime, retired or not documented, that both hold, with different values."""
    old, new = _others(before), _others(after)
    return [name for name in old if name in new and old[name] != new[name]]


def _others(state: State) -> dict[str, Any]:
    if not definition_in(state).complete:
        return {}
    try:
        inside, beside = further(state.get("definition") or [], retired=True, unknown=True)
    except ValueError:  # a name stands there with two values
        return {}
    return {**inside, **beside}


def irreversible(operation: Operation) -> str:
    """Why `operation` may not be taken back, for people; empty where nothing is known to stand in the way.

    To take back an update or a deletion is to write what was there before. Which definitions Graph refuses is not
    documented, so only one that is written as documented is sure to be taken again.
    """
    before, after = operation.before, operation.after
    if before is None or "definition" not in before or (after and after["definition"] == before["definition"]):
        return ""
    doubt = _doubt(before)
    return f"Graph may not accept its definition as it is now, {_full(before)}, again: {doubt}" if doubt else ""


def _doubt(state: State) -> str:
    """Why the definition in `state` may not be accepted by Graph; empty for one that is written as documented."""
    definition = definition_in(state)
    if definition.problems:
        return "it cannot be read"
    if definition.out_of_range:
        return "its lifetime is out of the range that Entra accepts"
    if definition.spellings:
        return "it is not written as documented"
    if definition.unknown:
        return "it holds settings that are not documented"
    if not (definition.settings or definition.retired):
        return "it holds no setting"
    settings, _ = further(state["definition"], retired=True, unknown=False)
    return "" if all(map(_is_documented, settings.values())) else "it is not written as documented"


def _is_documented(value: object) -> bool:
    """Whether `value` is one of a retired setting, as Microsoft documented them: with at most three digits of days."""
    if value == "until-revoked" or not isinstance(value, str):
        return value == "until-revoked"
    try:
        length = parse_timespan(value)
    except DurationError:
        return False
    return length.days < _DAYS and format_timespan(length) == value


def _full(state: State) -> str:
    strings = state["definition"]
    return " ".join(map(str, strings)) if isinstance(strings, list) and strings else "none"
