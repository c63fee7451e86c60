"""`tokenguard probe`: what lifetime does Entra really give a token, and is it the one that the policies say?"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import click

from tokenguard.cli import answers, context, options
from tokenguard.cli.explanations import basis
from tokenguard.cli.help import Command
from tokenguard.cli.lengths import length, shown, span
from tokenguard.cli.options import Account, Run, Where
from tokenguard.cli.sources import live_target, open_source, read
from tokenguard.errors import SourceError
from tokenguard.exit_status import ExitStatus
from tokenguard.explanation import Explanation
from tokenguard.hookspecs import Explainer, Prober
from tokenguard.issuance import Expected, Issued, consistent, met
from tokenguard.model import Precedence
from tokenguard.rules.needs import with_needs

KIND = "tokenguard-probe"
FORMAT_VERSION = 1
INTERVAL = 5.0
"""Seconds between two questions; a changed policy was seen to show after about ten."""


@click.command(cls=Command)
@click.option("--resource", required=True, metavar="URL|APPID", help="The API that the token is for.")
@click.option("--expect", type=length, help="The lifetime that it should have, e.g. PT5H or 5h.")
@click.option("--wait", type=length, default="0s", help="Ask again for this long, until it shows, e.g. 60s.")
@options.account
@answers.form
@options.run
def probe(*, run: Run, account: Account, resource: str, expect: timedelta | None, wait: timedelta, form: str) -> int:
    """Ask Entra for a token as this client, and compare its lifetime with --expect, or else with the policies.

    A new token is asked for each time. It is neither shown nor kept, and goes nowhere. `expires_in` is one second short
    of the lifetime, which counts as the lifetime; the token's own `exp` - `iat` may hold five minutes more.

    \b
    tokenguard probe --resource https://contoso.crm4.dynamics.com
    tokenguard probe --resource 00000007-0000-0000-c000-000000000000 --expect PT5H --wait 60s

    Exit status: 0 as expected, 1 not, 3 no token was issued, it contradicts the answer that it came in, or what to
    expect is not known.
    """
    collectors = context.plugins().collectors
    prober = next(each for each in collectors if isinstance(each, Prober))
    explainer = next(each for each in collectors if isinstance(each, Explainer))
    ask = prober.probe(live_target(run, account), resource)
    said, unknown = _said(run, account, explainer, resource)
    expected = said if expect is None else (_exactly(expect),)
    issued = _ask(ask, expected, wait.total_seconds(), partial(context.say, quiet=run.quiet))
    result = Result(resource, issued, expected, said, unknown, exact=expect is not None)
    answers.answer(form, _document(result), _lines(result))
    return result.status


@dataclass(frozen=True, slots=True)
class Result:
    """A token that was issued, and what it was held against."""

    resource: str
    issued: Issued
    expected: tuple[Expected, ...]
    said: tuple[Expected, ...]
    """What the policies say."""
    unknown: str
    """Why it is not known what they say."""
    exact: bool
    """Whether a length was asked for with ``--expect``."""

    @property
    def status(self) -> ExitStatus:
        if met(self.expected, self.issued):
            return ExitStatus.COMPLIANT if consistent(self.issued) else ExitStatus.NOT_EVALUATED
        if not self.expected or (self.issued.continuous and not self.exact):
            return ExitStatus.NOT_EVALUATED
        return ExitStatus.FINDINGS


def _said(run: Run, account: Account, explainer: Explainer, resource: str) -> tuple[tuple[Expected, ...], str]:
    """What the policies say of tokens for `resource`, and why that is not known."""
    where = Where(demo=False, precedence=Precedence.ALL, **asdict(account))
    try:
        with open_source(run, where, None) as source:
            search = explainer.find(source, resource)
            if len(search.subjects) != 1:
                number = len(search.subjects) or "no"
                return (), next(iter(search.doubts), f"the tenant has {number} applications of that address or appId")
            readings = read(run, where, source, with_needs({}, explainer.explained_by))
            facts = readings.facts(explainer.explained_by[0].type)
    except SourceError as error:
        return (), error.message
    if facts is None:
        return (), "the policies could not be read"
    found = explainer.explain(facts, search.subjects[0], Precedence.ALL)
    if found.unknown:
        return (), found.unknown
    return tuple(_expectations(found)), "" if found.in_force else found.notes[0]


def _expectations(found: Explanation) -> Iterator[Expected]:
    for each in found.in_force:
        yield Expected(each.shortest, each.longest, basis(each))


def _exactly(length: timedelta) -> Expected:
    seconds = int(length.total_seconds())
    return Expected(seconds, seconds, "--expect")


def _ask(ask: Callable[[], Issued], expected: Sequence[Expected], wait: float, say: Callable[[str], None]) -> Issued:
    """Ask until it is as expected, or `wait` seconds are over."""
    end = time.monotonic() + wait
    while True:
        issued = ask()
        left = end - time.monotonic()
        if not expected or met(expected, issued) or left <= 0:
            return issued
        say(f"expires_in is {issued.expires_in} s; asking again, for up to {math.ceil(left)} s more")
        time.sleep(min(INTERVAL, left))


def _document(result: Result) -> dict[str, Any]:
    """After ``schemas/probe.schema.json``."""
    return {
        "kind": KIND,
        "formatVersion": FORMAT_VERSION,
        "resource": result.resource,
        "credential": result.issued.credential,
        "expiresInSeconds": result.issued.expires_in,
        "claimedSeconds": result.issued.claimed,
        "continuousAccessEvaluation": result.issued.continuous,
        "expected": list(map(_span, result.expected)),
        "policies": list(map(_span, result.said)),
        "unknown": result.unknown,
        "exitStatus": result.status,
    }


def _span(expected: Expected) -> dict[str, Any]:
    return {"shortestSeconds": expected.shortest, "longestSeconds": expected.longest, "why": expected.why}


def _lines(result: Result) -> Iterator[str]:
    issued = result.issued
    yield f"{result.resource}, asked for with {issued.credential}"
    claims = "" if issued.claimed is None else f"; exp - iat {issued.claimed} s"
    yield f"  issued     expires_in {issued.expires_in} s, {shown(issued.expires_in)}{claims}"
    if result.exact:
        yield f"  expected   {_words(result.expected[0])}"
    for each in result.said:
        yield f"  policies   {_words(each)}"
    if result.unknown:
        yield f"  policies   not known: {result.unknown}"
    if not consistent(issued):
        yield "The token's own claims do not agree with the answer that it came in."
    agreed = met(result.said, issued)
    if issued.continuous and not agreed:
        yield "The token is for continuous access evaluation, where no policy decides."
    yield _verdict(result)
    yield from (f"It agrees with {each.why}." for each in agreed)


def _verdict(result: Result) -> str:
    match result.status:
        case ExitStatus.COMPLIANT:
            return "As expected."
        case ExitStatus.FINDINGS:
            return "Not as expected."
    doubtful = met(result.expected, result.issued)
    return "How long the token really lives is not known." if doubtful else "What to expect is not known."


def _words(expected: Expected) -> str:
    return f"{span(expected.shortest, expected.longest)}, {expected.why}"
