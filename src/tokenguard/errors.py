"""What can go wrong, said so that a person can act on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class TokenguardError(Exception):
    """Base of every error that a user can cause or mend.

    `message` says what was being done, to which file, rule or resource, and what was found; `hint` says what
    to do next. The command line prints both and exits with `exit_status`.
    """

    exit_status = 2
    """As `exit_status.ExitStatus` has it. 2: nothing was started; subclasses for failures on the way say 3."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(TokenguardError):
    """The command line or the configuration asks for something that cannot be."""


class DurationError(TokenguardError):
    """A text is not a duration in the notation that was expected."""


class DocumentError(TokenguardError):
    """A file is not the document it should be: unreadable, not JSON, of another kind, or cut off."""


class RuleError(TokenguardError):
    """One or more mistakes in rule documents, all of them in the message, one a line."""


class SnapshotError(DocumentError):
    """A snapshot that cannot be trusted: cut off, edited, of a newer format, or another kind of file."""


class PluginError(TokenguardError):
    """A plugin that cannot be loaded, or two that claim one name."""


class SourceError(TokenguardError):
    """A tenant cannot be read at all: sign-in, network, or the service itself."""

    exit_status = 3


def part_name(kind: str, part: object) -> str:
    """``the collector tokenguard_lamps.Lamps``: what to call a part of a plugin."""
    return f"the {kind} {type(part).__module__}.{type(part).__qualname__}"


@contextmanager
def blaming(kind: str, part: object, *, except_for: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Let what `part`, a `kind` of thing that a plugin gave, does not handle end the run as a fault of that plugin.

    A `TokenguardError` and what is in `except_for` pass; so does everything of a part that is built in. Raises
    `PluginError`, with the fault as its cause. A part that exits has failed too: it must not end a run as if it passed.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        built_in = type(part).__module__.partition(".")[0] == "tokenguard"
        if built_in or isinstance(error, (TokenguardError, *except_for)):
            raise
        said = f": {error}" if str(error) else ""
        raise PluginError(
            f"{part_name(kind, part)} of a plugin failed: {type(error).__name__}{said}",
            "report this to the authors of the plugin, with what TOKENGUARD_DEBUG=1 prints, or leave it out of"
            " TOKENGUARD_PLUGINS",
        ) from error
