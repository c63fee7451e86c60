"""What was done to a tenant, written down before and after each write: whenever a crash comes, it is known."""

from tokenguard.journal.exclusive import exclusive
from tokenguard.journal.file import Journal, JournalError, create_journal, read_journal, resume_journal
from tokenguard.journal.names import Names
from tokenguard.journal.record import Done, Ended, Fate, Header, Place, Progress, Record, Step

__all__ = [
    "Done",
    "Ended",
    "Fate",
    "Header",
    "Journal",
    "JournalError",
    "Names",
    "Place",
    "Progress",
    "Record",
    "Step",
    "create_journal",
    "exclusive",
    "read_journal",
    "resume_journal",
]
