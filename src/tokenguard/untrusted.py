"""Making text that others wrote harmless: names, definitions and reasons come from the tenant, rules from packs.

Nothing is dropped: what could command a terminal, break a line, reorder or hide text is shown as its escape, as in
``\\u202e``. What is merely foreign (any script, emoji, combining marks) stays as it is.
"""

from __future__ import annotations

import json
import re
from typing import Any

_INVISIBLE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0 and C1 controls: escape sequences, newlines, tabs
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u2028\u2029"  # line and paragraph separator
    "\ud800-\udfff"  # unpaired surrogates
    "\xad\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200d\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # other format characters
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff"  # zero width
    "]"
)
_COMMAND = re.compile(r"#(?=#(?:vso)?\[)|^\s*:(?=:)", re.IGNORECASE)
"""Where a line of output becomes a command to a CI service: ``##vso[`` and ``##[`` anywhere, ``::`` at the start.

Sources: ``Command`` of the Azure Pipelines agent, ``ActionCommand`` of the GitHub Actions runner.
"""
_MARKDOWN_SYNTAX = re.compile(r"[\\`*_\[\]<>&|~#!@$]|:(?=//)|(?<=www)\.")
_MENTION = re.compile(r"(?<=(?<!\w)\\@)(?=[a-zA-Z0-9])|(?<=\\#)(?=[0-9])")
"""Behind what GitHub makes a mention of, or a reference to an issue."""
_MARKDOWN_START = re.compile(r"^(\s*\d{0,9})([-+=.)])")
"""What at the start of a line makes an item of a list, a heading of the line before, or a rule."""
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def visible(text: str) -> str:
    """`text` on one line, with every character that is not seen, or not seen where it stands, as an escape.

    The same for what would make a command to a CI service of a line that `text` begins, or stands in.
    """
    if text.isascii() and text.isprintable() and "##" not in text and "::" not in text:  # nearly all, and much faster
        return text
    shown = _INVISIBLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
    return _COMMAND.sub(lambda match: f"{match[0][:-1]}\\x{ord(match[0][-1]):x}", shown)


def sarif_text(text: str) -> str:
    """`text` as a SARIF message that says just that.

    Braces delimit placeholders and are doubled (SARIF 2.1.0, 3.11.5). A link is ``[text](destination)``, and brackets
    elsewhere stand for themselves (3.11.6), so it is enough to take the middle of a link apart. A backslash before
    the brackets would not do: viewers find links by an expression that knows no escapes.
    """
    return doubled_braces(visible(text).replace("](", "]\\x28"))


def doubled_braces(text: str) -> str:
    """`text` so that SARIF finds no placeholder in it."""
    return text.replace("{", "{{").replace("}", "}}")


def markdown(text: str) -> str:
    """`text` as GitHub-flavoured Markdown that shows just that: no image, HTML, mention, emphasis, heading or list.

    No link either, but that GitHub makes one of whatever looks like an e-mail address, escaped or not. It looks for
    mentions and numbers of issues in what it has rendered, where no backslash is left, so that only a character within
    keeps them from being one: a zero-width space, as Dependabot and Renovate put there.
    """
    escaped = _MARKDOWN_SYNTAX.sub(lambda match: "\\" + match[0], visible(text))
    return _MARKDOWN_START.sub(r"\1\\\2", _MENTION.sub("&#8203;", escaped))


def json_bytes(value: Any) -> bytes:
    """`value` as JSON on one line that is safe to look at: invisible characters are JSON escapes and read back equal.

    Only an unpaired surrogate, which strict parsers refuse, reads back as the six characters of its escape.
    """
    text = _ENCODER.encode(value).replace("##[", "\\u0023#[").replace("##vso[", "\\u0023#vso[")
    if text.isascii() and "\x7f" not in text:  # the encoder has escaped the other controls
        return text.encode()
    return _INVISIBLE.sub(lambda match: _json_escape(match[0]), text).encode()


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    escape = "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
    return "\\" + escape if "\ud800" <= character <= "\udfff" else escape
