"""What a run of the program says to the shell."""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """What a run of the program says to the shell; the same for every format. Where several hold: 4, then 1, then 3."""

    COMPLIANT = 0
    FINDINGS = 1
    USAGE = 2
    NOT_EVALUATED = 3
    UNCONFIRMED = 4
    INTERNAL = 70
    INTERRUPTED = 130
    CLOSED_PIPE = 141
    TERMINATED = 143

    @property
    def meaning(self) -> str:
        return _MEANINGS[self]


_MEANINGS = {
    ExitStatus.COMPLIANT: "everything that was asked could be evaluated, and nothing that fails was found",
    ExitStatus.FINDINGS: "there are findings at or above the severity that fails",
    ExitStatus.USAGE: "the command line, a rule or the configuration is wrong; nothing was started",
    ExitStatus.NOT_EVALUATED: "something could not be read or decided, so compliance is not known",
    ExitStatus.UNCONFIRMED: "a change failed or could not be confirmed",
    ExitStatus.INTERNAL: "an error inside tokenguard",
    ExitStatus.INTERRUPTED: "interrupted from the keyboard",
    ExitStatus.CLOSED_PIPE: "the reader of the output went away",
    ExitStatus.TERMINATED: "told to end, with SIGTERM",
}
