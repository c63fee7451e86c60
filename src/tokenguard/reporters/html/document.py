"""From a report to the text of the page, piece by piece.

Nothing from a tenant or a rule can become markup, and the page could not act on it if it did: Jinja escapes every
value, `visible` takes its controls before that, and the content security policy names the one style sheet and the one
script that may run by their digests, and allows nothing else: no network, no frame, no form, no markup made by script.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tokenguard import __version__
from tokenguard.configured import in_words
from tokenguard.excerpts import shown
from tokenguard.exit_status import ExitStatus
from tokenguard.model import Report
from tokenguard.reporters import wording
from tokenguard.reporters.conclusions import exemptions, obstacles, verdict
from tokenguard.reporters.html import entries, overview, picture
from tokenguard.rules.messages import count, present
from tokenguard.untrusted import visible

_FOLDER = Path(__file__).parent


def pieces(report: Report) -> Iterator[str]:
    """The whole page. What it holds of findings, `entries` bounds; the rest is as long as the list of rules."""
    style, script = _asset("report.css"), _asset("report.js")
    return (
        _environment()
        .get_template("report.html")
        .generate(
            report=report,
            style=style,
            script=script,
            policy=_policy(style, script),
            verdict=verdict(report),
            obstacles=obstacles(report),
            exemptions=exemptions(report.findings) if any(result.exempt for result in report.rules) else [],
            severities=overview.severities(report.rules),
            frameworks=overview.frameworks(report.rules),
            totals=overview.totals(report.rules, report.fail_on),
            picture=picture.draw(report.lifetimes, picture.states(report)),
            rules=map(Markup, entries.rules(report)),
            entries=map(Markup, entries.lines(report)),
            left_out=entries.left_out(report),
            configured=in_words(report.configured),
            quoted=quoted,
            wording=wording,
            count=count,
            present=present,
            shown=shown,
            meaning=ExitStatus(report.exit_status).meaning,
            version=__version__,
        )
    )


def quoted(text: str) -> list[str]:
    """`text` in parts, of which every second stands between backticks; in one where those do not pair."""
    parts = text.split("`")
    return parts if len(parts) % 2 else [text]


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _harmless(value: Any) -> Any:
    """What every expression of the template passes through before it is escaped. Numbers read ``180,000``."""
    if type(value) is int:
        return f"{value:,}"
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _asset(name: str) -> Markup:
    return Markup((_FOLDER / name).read_text())  # noqa: S704  (a file of this package)


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
