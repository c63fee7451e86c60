"""By what a run judged that is not its default, in words: the same in every format and by every command."""

from __future__ import annotations

from tokenguard.model import Configured, Origin, Setting, UsedFile


def in_words(item: Configured) -> list[str]:
    """Which configuration took part, and what it, the environment and the flags changed, a sentence each."""
    file = [] if item.file is None else [f"configuration {used_file(item.file)}"]
    return [*file, *map(_setting, item.settings)]


def used_file(item: UsedFile) -> str:
    """``tokenguard.toml (SHA-256 0123456789ab)``."""
    return f"{item.path} (SHA-256 {item.digest})"


def _setting(item: Setting) -> str:
    own = f", its own is {item.own}" if item.own else ""
    file = "" if item.file is None else used_file(item.file)
    match item.name:
        case "ignore":
            says = f"{item.rule} is ignored"
        case "severity":
            says = f"the severity of {item.rule} is {item.value}{own}"
        case "parameter":
            source = f" from {file}" if file else ""
            says = f"{item.rule}.{item.parameter} is {item.value}{source}{own}"
        case _:
            says = f"{item.name} {file or item.value}"
    return f"by {'the ' if item.origin is not Origin.FLAGS else ''}{item.origin}: {says}"
