"""`tokenguard.toml`: what a team agreed on, beside the code it belongs to.

It chooses rules, severities, parameters, exemptions, formats and precedence, and can pin the tenant. It never says
how to sign in, to which hosts, through which proxy, with which certificates or plugins, and names no file outside its
repository: a file that arrives with a checkout must not be able to.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tokenguard.documents import place
from tokenguard.durations import parse_iso8601
from tokenguard.errors import DurationError, UsageError
from tokenguard.files import is_reached_directly, may_be_there, read_file
from tokenguard.model import Precedence, Severity, UsedFile
from tokenguard.repository import check_owner, check_owners, root_of
from tokenguard.rules.mistakes import LONGEST_LIST, cut, did_you_mean, quote

NAME = "tokenguard.toml"
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Configuration:
    """The content of one `tokenguard.toml`, paths resolved against its folder."""

    path: Path | None = None
    root: Path | None = None
    """The root of the repository that `path` is in, without one its folder: what it names does not lead out of that."""
    withheld: bool = False
    """Whether errors repeat nothing of the file: whoever named it may not know what it is, or where a link leads."""
    scan: Mapping[str, Any] = field(default_factory=dict)
    """Defaults for options of the same name, keys as click names them (``fail_on``)."""
    severities: Mapping[str, Severity] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tenant: str = ""
    """The only tenant id, lower case, that may be judged under this configuration; empty for any."""
    file: UsedFile | None = None
    """What was read."""
    named: bool = False
    """Whether somebody named it, and so takes what it says, whoever owns it."""

    def check_owner(self, path: Path) -> None:
        """Raise `UsageError` where others decide what the existing `path` says, which this configuration names."""
        if self.root is not None and not self.named:
            check_owner(path, path.stat())
            check_owners(path, self.root)


def find(start: Path) -> Path | None:
    """The nearest configuration file, from `start` upward to the repository's root; without one, in `start` alone."""
    root = root_of(start) or start
    for folder in (start, *start.parents):
        if os.path.lexists(folder / NAME):  # a link that leads nowhere too: its rules are not to be left out unseen
            return folder / NAME
        if folder == root:
            break
    return None


def load(path: Path, *, named: bool) -> Configuration:
    """Read `path`, which somebody `named`, or which was found. Raises `UsageError` with every mistake, one a line.

    What was found does not lead out of its repository, and nobody but the user and root may have written it, as
    `repository` has it. Of what was named, or is a link, errors repeat nothing.
    """
    import tomllib  # noqa: PLC0415  (most runs have no configuration)

    from tokenguard.cli import toml_limits  # noqa: PLC0415  (as above)

    folder = Path(os.path.realpath(path.parent))
    root = root_of(folder) or folder
    withheld = named or not is_reached_directly(path)
    data, text = _read(path, None if named else root, toml_limits.MAXIMUM_SIZE), ""
    toml_limits.check_limits(data, path)
    try:
        text = data.decode()
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # not only its own: a number of 5,000 digits
        what = _PLACE.search(str(error))
        said = (what[0] if what else "") if withheld else f": {error}"
        raise UsageError(f"{path}: not TOML{said}", "correct the file at that place") from error
    problems = _Problems(text, withheld=withheld)
    _check_keys(document, {"scan": ..., "severity": ..., "parameters": ...}, "", problems)
    scan = _table(document, "scan", problems)
    _check_keys(scan, _SCAN, "scan.", problems)
    values = {key: _SCAN[key](value, path.parent) for key, value in scan.items() if key in _SCAN}
    for key, value in values.items():
        if isinstance(value, _Wrong):
            problems.add(f"scan.{key}: {value.text}", f"scan.{key}: {value.plain}", key)
    severities = {}
    for rule, name in _table(document, "severity", problems).items():
        try:
            severities[rule] = Severity[name.upper()]
        except (AttributeError, KeyError):
            plain = "is none of info, low, medium, high, critical"
            problems.add(f"severity.{cut(rule)}: {quote(name)} {plain}", f"a value in [severity] {plain}", rule)
    parameters = _table(document, "parameters", problems)
    for rule, table in parameters.items():
        if not isinstance(table, dict):
            problems.add(
                f"parameters.{cut(rule)}: not a table; write [parameters.{cut(rule)}] and NAME = value below it",
                "not a table; write [parameters.RULE] and NAME = value below it",
                rule,
            )
    if lines := problems.lines():
        raise UsageError("\n".join(f"{path}: {line}" for line in lines), "correct the configuration file")
    tenant = values.pop("tenant", "")
    scan_values = {key.replace("-", "_"): value for key, value in values.items()}
    return Configuration(
        path, root, withheld, scan_values, severities, parameters, tenant, UsedFile.of(str(path), data), named
    )


def _read(path: Path, root: Path | None, maximum: int) -> bytes:
    if root is None:
        return read_file(path, "the configuration", maximum)
    data = read_file(path, "the configuration", maximum, within=root, inspect=partial(check_owner, path))
    check_owners(path, root)
    return data


_PLACE = re.compile(r" \(at [a-z0-9, ]+\)$")
"""What tomllib says last: ``(at line 3, column 7)``, ``(at end of document)``."""


class _Problems:
    """What is wrong with a configuration, the first `LONGEST_LIST` one a line."""

    def __init__(self, text: str, *, withheld: bool) -> None:
        self._text = text
        self._withheld = withheld
        self._found: list[tuple[str, str]] = []
        """What is said of each, and the key that it is about where its place is said."""
        self._more = 0

    def add(self, said: str, plain: str, key: str = "") -> None:
        """Note one; `plain` says it without anything of the file, and with the place of `key` where that is found."""
        if len(self._found) == LONGEST_LIST:
            self._more += 1
        else:
            self._found.append((plain, key) if self._withheld else (said, ""))

    def lines(self) -> list[str]:
        """All of them."""
        places = _places(self._text, {key for _, key in self._found if key})
        told = [f"{places[key]}: {said}" if key in places else said for said, key in self._found]
        return [*told, f"and {self._more} more"] if self._more else told


_KEY = re.compile(r'#[^\n]*|(?:"((?:[^"\\\n]|\\.)*)"?|\'([^\'\n]*)\'?|([\w-]+))([ \t]*[=.\]])?')
"""A comment, or what may be a key: a text or a word, with what follows a key.

NOTE: a text need not end: else each quote of a long line without an end would be followed to the end of that line.
"""


def _places(text: str, keys: Collection[str]) -> dict[str, str]:
    """Where in the TOML `text` each of `keys` first stands: ``line 3, column 7``; none for one that is not found."""
    found: dict[str, str] = {}
    for token in _KEY.finditer(text) if keys else ():
        key = token[1] or token[2] or token[3]
        if token[4] and key in keys and key not in found:
            found[key] = place(text, token.start())
    return found


@dataclass(frozen=True, slots=True)
class _Wrong:
    text: str
    plain: str


_TEXTS, _TEXT, _PATH = "a list of texts is needed", "a text is needed", "a path is needed"


def _texts(value: Any, folder: Path) -> Any:  # noqa: ARG001
    ok = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return value if ok else _Wrong(f"{_TEXTS}, found {quote(value)}", _TEXTS)


def _text(value: Any, folder: Path) -> Any:  # noqa: ARG001
    return value if isinstance(value, str) else _Wrong(f"{_TEXT}, found {quote(value)}", _TEXT)


def _file(value: Any, folder: Path) -> Any:
    ok = isinstance(value, str) and "\0" not in value
    return str(folder / value) if ok else _Wrong(f"{_PATH}, found {quote(value)}", _PATH)


def _rules(value: Any, folder: Path) -> Any:
    """Names of packs stay names; what stands for a path beside the file becomes that path."""
    texts = _texts(value, folder)
    if isinstance(texts, _Wrong):
        return texts
    return [str(folder / text) if "/" in text or may_be_there(folder / text) else text for text in texts]


def _one_of(names: Iterable[object]) -> Callable[[Any, Path], Any]:
    known = tuple(map(str, names))

    def check(value: Any, folder: Path) -> Any:  # noqa: ARG001
        plain = f"is none of {', '.join(known)}"
        return value if value in known else _Wrong(f"{quote(value)} {plain}", plain)

    return check


def _length(value: Any, folder: Path) -> Any:
    text = _text(value, folder)
    if isinstance(text, str):
        try:
            parse_iso8601(text)
        except DurationError:
            plain = "is no length of time such as P1D or PT12H"
            return _Wrong(f"{quote(value)} {plain}", plain)
    return text


def _tenant(value: Any, folder: Path) -> Any:
    text = _text(value, folder)
    if isinstance(text, str) and not _GUID.fullmatch(text):
        plain = "is no tenant id, a GUID; a name of a domain cannot be compared with one"
        return _Wrong(f"{quote(value)} {plain}", plain)
    return text.lower() if isinstance(text, str) else text


_SCAN: Mapping[str, Callable[[Any, Path], Any]] = {
    "rules": _rules,
    "select": _texts,
    "ignore": _texts,
    "precedence": _one_of(Precedence),
    "fail-on": _one_of(Severity),
    "exemptions": _file,
    "baseline": _file,
    "format": _texts,
    "max-age": _length,
    "tenant": _tenant,
}

_NEVER = (
    "auth",
    "cloud",
    "host",
    "url",
    "authority",
    "graph",
    "proxy",
    "cert",
    "ca-bundle",
    "plugin",
    "secret",
    "token",
)


def _table(document: Mapping[str, Any], name: str, problems: _Problems) -> Mapping[str, Any]:
    table = document.get(name, {})
    if isinstance(table, dict):
        return table
    problems.add(*[f"{name}: not a table; write [{name}] and the settings below it"] * 2)
    return {}


def _check_keys(table: Mapping[str, Any], known: Mapping[str, Any], prefix: str, problems: _Problems) -> None:
    for key in table:
        if key in known:
            continue
        if any(word in key.lower() for word in _NEVER):
            plain = (
                "sign-in, hosts, proxies, certificates and plugins cannot be set in a file that may "
                "arrive with a checkout; use the environment or a flag"
            )
        else:
            plain = f"unknown setting{did_you_mean(key, known)}"
        problems.add(f"{prefix}{cut(key)}: {plain}", plain, key)
