"""What can go wrong, said so that a person can act on it."""

from __future__ import annotations


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
