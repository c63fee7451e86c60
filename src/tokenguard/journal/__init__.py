"""What was done to a tenant, written down before and after each write: whenever a crash comes, it is known."""

from tokenguard.journal.exclusive import exclusive
from tokenguard.journal.file import Journal, JournalError, create_journal, read_journal, resume_journal
from tokenguard.journal.key import VARIABLE, Key, known_keys, writing_key
from tokenguard.journal.names import Names
from tokenguard.journal.record import Done, Ended, Fate, Header, Place, Progress, Record, Step
from tokenguard.journal.state_folder import checked_state_folder

__all__ = [
    "VARIABLE",
    "Done",
    "Ended",
    "Fate",
    "Header",
    "Journal",
    "JournalError",
    "Key",
    "Names",
    "Place",
    "Progress",
    "Record",
    "Step",
    "checked_state_folder",
    "create_journal",
    "exclusive",
    "known_keys",
    "read_journal",
    "resume_journal",
    "writing_key",
]
