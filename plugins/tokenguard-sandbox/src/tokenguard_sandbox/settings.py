"""What can be chosen about a sandbox: delays, and what Microsoft does not document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any

from tokenguard.errors import UsageError
from tokenguard_sandbox.permissions import KNOWN

READ_PERMISSIONS = ("Application.Read.All", "Organization.Read.All", "Policy.Read.All")
WRITE_PERMISSIONS = ("Application.ReadWrite.All", "Policy.ReadWrite.ApplicationConfiguration")
_LARGEST = 10**9
"""Of any number: beyond some thirty years of seconds, dates and 64 bits end."""
_SETS = {"read": READ_PERMISSIONS, "write": (*READ_PERMISSIONS, *WRITE_PERMISSIONS), "": ()}


def _choice(*values: str, help: str) -> Any:  # noqa: A002  (as everywhere on a command line)
    return field(default=values[0], metadata={"choices": values, "help": help})


def _names(*default: str, help: str) -> Any:  # noqa: A002
    return field(default=default, metadata={"names": True, "help": help})


def _number(default: float, *, at_least: float = 0, help: str) -> Any:  # noqa: A002
    return field(default=default, metadata={"at_least": at_least, "help": help})


@dataclass(frozen=True, slots=True)
class Settings:
    """One sandbox's choices. Of each choice the first value is the default; the README says what is documented."""

    propagation: float = _number(10, help="seconds until a changed policy shows in new tokens")
    read_delay: float = _number(0, help="seconds by which reads lag behind writes")
    permissions: tuple[str, ...] = _names(
        *READ_PERMISSIONS, help="application permissions granted; read and write are sets"
    )
    client: str = _choice("enabled", "disabled", help="whether the client's service principal may sign in")
    client_secret: str = _choice("valid", "expired", help="whether the client's secret still holds")
    precedence: str = _choice("documented-2026", "classic", help="which policy is in force where several could be")
    default_lifetime: int = _number(3600, at_least=600, help="seconds a token lives that no policy governs")
    cae: str = _choice("on", "off", help="24-hour Graph tokens for clients that declare the capability cp1")
    policy_page_size: int = _number(100, at_least=1, help="rows in a page of policies or of appliesTo")
    policy_count: str = _choice("answer", "refuse", help="the $count of policies: its number, or 400")
    second_assignment: str = _choice("409", "400", help="status for a second policy on one object")
    second_default: str = _choice("refuse", "replace", "allow", help="a second organization default")
    delete_assigned: str = _choice("refuse", "unassign", help="deleting a policy that is still assigned")
    duplicate_names: str = _choice("allow", "refuse", help="two policies of one display name")
    definitions: str = _choice(
        "strict", "any", help="whether a policy is written only with a definition exactly as documented"
    )
    several_definitions: str = _choice("refuse", "accept", help="more than one string in a definition")
    applies_to_type: str = _choice("always", "never", help="@odata.type on the rows of appliesTo")
    applies_to_rows: str = _choice("full", "bare", help="what a row of appliesTo tells of its object: all, or the id")
    applies_to_permissions: str = _choice("data", "page", help="as Microsoft's permission data, or its page, has it")
    conditional_access_interval: float = _number(
        1, help="seconds from a call of Conditional Access to the next that is not throttled"
    )
    batch_count: str = _choice("number", "base64", help="how a batch carries the text of a $count")
    batch_order: str = _choice("shuffled", "kept", help="order of the answers in a batch")

    def changed(self, values: Mapping[str, Any]) -> Settings:
        """These settings with others in place, by name, with ``-`` or ``_``; raises `UsageError`."""
        known = {each.name: each for each in fields(self)}
        new = {}
        for name, value in values.items():
            where = known.get(name.replace("-", "_"))
            if where is None:
                names = ", ".join(spelt(each) for each in known)
                raise UsageError(f"the sandbox has no setting {name!r}", hint=f"settings: {names}")
            new[where.name] = _read(where, value)
        return replace(self, **new)


def spelt(name: str) -> str:
    """The name as people write it on the command line."""
    return name.replace("_", "-")


def _read(where: Field[Any], value: Any) -> Any:
    if "names" in where.metadata:
        return _permissions(value.split(",") if isinstance(value, str) else value)
    if choices := where.metadata.get("choices"):
        if str(value) in choices:
            return str(value)
        raise UsageError(f"setting {spelt(where.name)}={value} is none of its choices", hint=f"one of {choices}")
    least = where.metadata["at_least"]
    try:
        number = int(value) if where.type == "int" else float(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or not least <= number <= _LARGEST:
        raise UsageError(
            f"setting {spelt(where.name)}={value} is no number from {least} to {_LARGEST}", hint=where.metadata["help"]
        )
    return number


def _permissions(names: Any) -> tuple[str, ...]:
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise UsageError("setting permissions is no list of names", hint='["Policy.Read.All"], "read" or "write"')
    chosen = sorted({each for name in names for each in _SETS.get(name.strip(), (name.strip(),))})
    for name in chosen:
        if name not in KNOWN:
            raise UsageError(f"the sandbox knows no permission {name!r}", hint=_nearest(name))
    return tuple(chosen)


def _nearest(name: str) -> str:
    known = {each.lower(): each for each in (*KNOWN, *filter(None, _SETS))}
    near = [known[each] for each in get_close_matches(name.lower(), known)]
    return f"did you mean {' or '.join(near)}?" if near else f"it knows {', '.join(sorted(KNOWN))}"
