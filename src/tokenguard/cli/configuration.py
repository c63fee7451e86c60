"""`tokenguard.toml`: what a team agreed on, beside the code it belongs to.

It chooses rules, severities, parameters, exemptions, formats and precedence, and can pin the tenant. It never says
how to sign in, to which hosts, through which proxy, with which certificates or plugins: a file that arrives with a
checkout must not be able to.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokenguard.errors import UsageError
from tokenguard.files import read_file
from tokenguard.model import Precedence, Severity
from tokenguard.rules.mistakes import did_you_mean

NAME = "tokenguard.toml"
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Configuration:
    """The content of one `tokenguard.toml`, paths resolved against its folder."""

    path: Path | None = None
    scan: Mapping[str, Any] = field(default_factory=dict)
    """Defaults for options of the same name, keys as click names them (``fail_on``)."""
    severities: Mapping[str, Severity] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tenant: str = ""
    """The only tenant id, lower case, that may be judged under this configuration; empty for any."""


def find(start: Path, home: Path) -> Path | None:
    """The nearest configuration file, from `start` upward to the repository's root or `home`, whichever comes first."""
    for folder in (start, *start.parents):
        if os.path.lexists(folder / NAME):  # a link that leads nowhere too: its rules are not to be left out unseen
            return folder / NAME
        if (folder / ".git").exists() or folder == home:
            return None
    return None


def load(path: Path) -> Configuration:
    """Read `path`. Raises `UsageError` with every mistake in it, one a line."""
    import tomllib  # noqa: PLC0415  (most runs have no configuration)

    from tokenguard.cli import toml_limits  # noqa: PLC0415  (as above)

    data = read_file(path, "the configuration", toml_limits.MAXIMUM_SIZE)
    toml_limits.check_limits(data, path)
    try:
        document = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:  # not only its own: a number of 5,000 digits
        raise UsageError(f"{path}: not TOML: {error}", "correct the file at that place") from error
    problems: list[str] = []
    _check_keys(document, {"scan": ..., "severity": ..., "parameters": ...}, "", problems)
    scan = _table(document, "scan", problems)
    _check_keys(scan, _SCAN, "scan.", problems)
    values = {key: _SCAN[key](value, path.parent) for key, value in scan.items() if key in _SCAN}
    problems += [f"scan.{key}: {value.text}" for key, value in values.items() if isinstance(value, _Wrong)]
    severities = {}
    for rule, name in _table(document, "severity", problems).items():
        try:
            severities[rule] = Severity[str(name).upper()]
        except KeyError:
            problems.append(f"severity.{rule}: {name!r} is none of info, low, medium, high, critical")
    parameters = _table(document, "parameters", problems)
    problems += [
        f"parameters.{rule}: not a table; write [parameters.{rule}] and NAME = value below it"
        for rule, table in parameters.items()
        if not isinstance(table, dict)
    ]
    if problems:
        raise UsageError("\n".join(f"{path}: {problem}" for problem in problems), "correct the configuration file")
    tenant = values.pop("tenant", "")
    scan_values = {key.replace("-", "_"): value for key, value in values.items()}
    return Configuration(path, scan_values, severities, parameters, tenant)


@dataclass(frozen=True, slots=True)
class _Wrong:
    text: str


def _texts(value: Any, folder: Path) -> Any:  # noqa: ARG001
    ok = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return value if ok else _Wrong(f"a list of texts is needed, found {value!r}")


def _text(value: Any, folder: Path) -> Any:  # noqa: ARG001
    return value if isinstance(value, str) else _Wrong(f"a text is needed, found {value!r}")


def _file(value: Any, folder: Path) -> Any:
    return str(folder / value) if isinstance(value, str) else _Wrong(f"a path is needed, found {value!r}")


def _rules(value: Any, folder: Path) -> Any:
    """Names of packs stay names; what stands for a path beside the file becomes that path."""
    texts = _texts(value, folder)
    if isinstance(texts, _Wrong):
        return texts
    return [str(folder / text) if "/" in text or (folder / text).exists() else text for text in texts]


def _one_of(names: Iterable[object]) -> Callable[[Any, Path], Any]:
    known = tuple(map(str, names))

    def check(value: Any, folder: Path) -> Any:  # noqa: ARG001
        return value if value in known else _Wrong(f"{value!r} is none of {', '.join(known)}")

    return check


def _tenant(value: Any, folder: Path) -> Any:
    text = _text(value, folder)
    if isinstance(text, str) and not _GUID.fullmatch(text):
        return _Wrong(f"{value!r} is no tenant id, a GUID; a name of a domain cannot be compared with one")
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


def _table(document: Mapping[str, Any], name: str, problems: list[str]) -> Mapping[str, Any]:
    table = document.get(name, {})
    if isinstance(table, dict):
        return table
    problems.append(f"{name}: not a table; write [{name}] and the settings below it")
    return {}


def _check_keys(table: Mapping[str, Any], known: Mapping[str, Any], prefix: str, problems: list[str]) -> None:
    for key in table:
        if key in known:
            continue
        if any(word in key.lower() for word in _NEVER):
            problems.append(
                f"{prefix}{key}: sign-in, hosts, proxies, certificates and plugins cannot be set in a file that may "
                "arrive with a checkout; use the environment or a flag"
            )
        else:
            problems.append(f"{prefix}{key}: unknown setting{did_you_mean(key, known)}")
