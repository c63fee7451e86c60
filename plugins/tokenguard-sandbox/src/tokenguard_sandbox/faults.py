"""Faults that can be switched on: ``METHOD PATH=ACTION[,option=value]...``, e.g. ``GET /policies/*=403,times=1``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from typing import Any

from tokenguard.errors import UsageError
from tokenguard_sandbox.answers import Answer, Call, RefusedError
from tokenguard_sandbox.odata import link, same_page

STATUSES = ("400", "401", "403", "404", "409", "429", "500", "502", "503", "504")
PAGES = ("loop", "foreign", "empty", "last", "gap", "twice", "none")
TOKENS = ("expired", "challenge")
CONNECTION = ("reset", "hang", "slow", "cut", "half", "lost")
ACTIONS = {
    **dict.fromkeys(STATUSES, "that status, in Graph's error body"),
    "html": "200 with a page of HTML",
    "expired": "401 for this token from now on, as if it had expired; a new token is taken",
    "challenge": "401 with a claims challenge for this token from now on",
    "loop": "a nextLink to the page itself",
    "foreign": "a nextLink to another host",
    "empty": "a page without rows, and a nextLink to the page that was asked for",
    "last": "a page without its nextLink, as if no other followed",
    "gap": "a page without the row in its middle",
    "twice": "a page with its first row in the place of its last",
    "none": "a page without rows or nextLink",
    "number": "`value` instead of the number that a $count is",
    "missing": "a part of a batch that gets no answer",
    "late": "a write that is answered at once and seen after `seconds`",
    "lost": "a call that is carried out, and the connection reset instead of an answer",
    "reset": "the connection reset, nothing carried out",
    "hang": "no answer for `seconds`, then a reset",
    "slow": "the right answer after `seconds`",
    "cut": "the connection closed in the middle of the body",
    "half": "a complete answer with half a body",
}
_GRAMMAR = re.compile(r"(?P<method>[A-Z]+|\*)\s+(?P<path>/\S*?)=(?P<action>[\w]+)(?P<options>(?:,[\w-]+=[^,]+)*)")
_COUNT, _LENGTH = r"\d{1,9}", r"\d{1,9}(\.\d+)?"
_OPTIONS = {
    "times": (_COUNT, "a whole number from 0 up"),
    "after": (_COUNT, "a whole number from 0 up"),
    "retry-after": (rf"(date:)?{_LENGTH}|none", "seconds, date:SECONDS or none"),
    "seconds": (_LENGTH, "a number of seconds"),
    "only": ("batch|alone", "batch or alone"),
    "value": (r"[\w.-]{1,40}", "letters, digits, dots and dashes, at most 40"),
}
"""How the value of each is written, as a pattern and in words."""
_SECONDS = {"late": 5.0, "slow": 1.0, "hang": 3600.0}
_SERVED = {"retry-after": STATUSES, "seconds": tuple(_SECONDS), "value": ("number",)}
"""The actions of an option that is not for all."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, and when."""

    method: str
    """``*`` for any."""
    path: str
    """Below ``/v1.0`` for Graph, whole for the token service; ``*`` stands for any characters."""
    action: str
    times: int | None = None
    """How often; None for ever."""
    after: int = 0
    """How many matching calls go well first."""
    retry_after: str = ""
    """The header: seconds, or ``date:`` and the seconds until then; empty for none."""
    seconds: float = 0
    value: str = "0"
    only: str = ""
    """``batch`` for parts of batches alone, ``alone`` for other calls alone."""

    def matches(self, method: str, path: str, *, in_batch: bool) -> bool:
        if in_batch and (self.only == "alone" or self.action in CONNECTION + TOKENS):
            return False
        if not in_batch and (self.only == "batch" or self.action == "missing"):
            return False
        return self.method in ("*", method) and _glob(self.path).fullmatch(path) is not None


class Faults:
    """The faults of a running sandbox, and how often each has met a call."""

    def __init__(self) -> None:
        self._armed: list[tuple[Fault, list[int]]] = []

    def add(self, fault: Fault) -> None:
        self._armed.append((fault, [0]))

    def clear(self) -> None:
        self._armed.clear()

    def strike(self, method: str, path: str, *, in_batch: bool) -> Fault | None:
        """The fault that this call meets, if any: the first that has not had its fill."""
        struck = None
        for fault, met in self._armed:
            if not fault.matches(method, path, in_batch=in_batch):
                continue
            met[0] += 1
            past = met[0] - fault.after
            if struck is None and past > 0 and (fault.times is None or past <= fault.times):
                struck = fault
        return struck

    def describe(self) -> list[dict[str, Any]]:
        return [{**asdict(fault), "met": met[0]} for fault, met in self._armed]


@cache
def _glob(path: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, path.split("*"))), re.DOTALL)


def parse_fault(text: str) -> Fault:
    """Read a fault as people write it; raises `UsageError`."""
    found = _GRAMMAR.fullmatch(text.strip())
    if not found:
        raise UsageError(f"{text!r} is no fault", hint="METHOD PATH=ACTION[,option=value], e.g. 'GET /policies/*=403'")
    if re.match(r"/v1\.0(/|$)", found["path"]) or "?" in found["path"]:
        raise UsageError(
            f"{text!r} could never strike",
            hint="PATH begins after /v1.0 and ends before the query: GET /policies/*=403",
        )
    if found["action"] not in ACTIONS:
        raise UsageError(f"{text!r}: unknown action {found['action']!r}", hint=f"one of {', '.join(ACTIONS)}")
    return _with(Fault(found["method"], found["path"], found["action"]), _options(text, found))


def _options(text: str, found: re.Match[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for name, _, value in (each.partition("=") for each in found["options"].split(",")[1:]):
        if name not in _OPTIONS:
            raise UsageError(f"{text!r}: unknown option {name!r}", hint=f"one of {', '.join(_OPTIONS)}")
        if name in options:
            raise UsageError(f"{text!r}: {name} stands twice", hint="give it once, or write two faults")
        pattern, words = _OPTIONS[name]
        if not re.fullmatch(pattern, value, re.ASCII):
            raise UsageError(f"{text!r}: {name}={value} cannot be", hint=f"{name} is {words}")
        if found["action"] not in _SERVED.get(name, ACTIONS):
            raise UsageError(
                f"{text!r}: {name} means nothing for {found['action']}", hint=f"it is for {', '.join(_SERVED[name])}"
            )
        options[name] = value
    never = {"batch": CONNECTION + TOKENS, "alone": ("missing",)}.get(options.get("only", ""), ())
    if found["action"] in never:
        raise UsageError(
            f"{text!r} could never strike", hint=f"{found['action']} strikes nothing that only={options['only']} leaves"
        )
    return options


def _with(fault: Fault, options: Mapping[str, str]) -> Fault:
    retry_after = options.get("retry-after", "none")
    return replace(
        fault,
        times=int(options["times"]) if "times" in options else None,
        after=int(options.get("after", 0)),
        retry_after="" if retry_after == "none" else retry_after,
        seconds=float(options.get("seconds", _SECONDS.get(fault.action, 0))),
        value=options.get("value", "0"),
        only=options.get("only", ""),
    )


def instead(fault: Fault) -> Answer | None:
    """What is answered instead of asking Graph; None for a fault of another kind."""
    if fault.action == "html":
        return Answer(
            200, "<!doctype html><title>Proxy</title><p>Sign in to the network.</p>", content_type="text/html"
        )
    if fault.action not in STATUSES:
        return None
    return RefusedError(int(fault.action), headers=_retry_after(fault.retry_after)).answer


def altered(fault: Fault, call: Call, answer: Answer) -> Answer:
    """What becomes of Graph's answer under a fault of paging or counting; other answers pass."""
    if fault.action == "number" and answer.content_type == "text/plain":
        return replace(answer, body=fault.value)
    if fault.action not in PAGES or not isinstance(answer.body, dict) or "value" not in answer.body:
        return answer
    body = {name: value for name, value in answer.body.items() if name != NEXT}
    rows, link_there = body["value"], {NEXT: answer.body[NEXT]} if NEXT in answer.body else {}
    elsewhere = "https://graph.attacker.example/v1.0/servicePrincipals?$skiptoken=x"
    changed: dict[str, dict[str, Any]] = {
        "loop": {NEXT: link(call, call.query)},
        "foreign": {NEXT: elsewhere},
        "empty": {NEXT: same_page(call), "value": []},
        "last": {},
        "gap": {**link_there, "value": rows[: len(rows) // 2] + rows[len(rows) // 2 + 1 :]},
        "twice": {**link_there, "value": [*rows[:-1], *rows[:1]]},
        "none": {"value": []},
    }
    return replace(answer, body=body | changed[fault.action])


NEXT = "@odata.nextLink"


def _retry_after(value: str) -> dict[str, str]:
    if value.startswith("date:"):
        moment = datetime.now(UTC) + timedelta(seconds=float(value.removeprefix("date:")))
        return {"Retry-After": format_datetime(moment, usegmt=True)}
    return {"Retry-After": value} if value else {}
