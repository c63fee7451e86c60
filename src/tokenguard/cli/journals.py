"""Where this user's journals are, and the keys by which those of this machine are known."""

from __future__ import annotations

import os
from pathlib import Path

from tokenguard.cli import context
from tokenguard.errors import UsageError
from tokenguard.journal import VARIABLE, Key, Record, checked_state_folder, known_keys, read_journal, writing_key
from tokenguard.kinds import JOURNAL
from tokenguard.misplaced import naming
from tokenguard.model import Tenant
from tokenguard.system import state_home, state_variable


def state_folder() -> Path:
    """The folder for what one run leaves for the next, safe to write to. Raises `UsageError`."""
    return checked_state_folder(_folder())


def new_journal(purpose: str, tenant: Tenant) -> Path:
    """Where the journal goes that is begun now; raises `UsageError` where the folder is not safe."""
    folder = checked_state_folder(state_folder() / "journals")
    return folder / f"{context.now():%Y%m%dT%H%M%S.%f}Z-{purpose}-{tenant.id}.jsonl"


def key_to_write() -> Key:
    """The key that new journals are sealed with. Raises `UsageError`."""
    return writing_key(state_folder(), os.environ.get(VARIABLE))


def keys() -> tuple[Key, ...]:
    """The keys of this machine's own journals. Raises `UsageError`."""
    return known_keys(checked_state_folder(_folder(), make=False), os.environ.get(VARIABLE))


def read(path: Path, *, foreign: bool) -> Record:
    """What the journal at `path` says; one that is not this machine's own only where it may be `foreign`."""
    with naming(path, JOURNAL):
        return read_journal(path, keys(), foreign=foreign)


def _folder() -> Path:
    try:
        return state_home(os.environ) / "tokenguard"
    except RuntimeError as error:
        raise UsageError(
            "there is no folder for journals: this user has no home; nothing was changed",
            f"set {state_variable()} to a folder of your own, as an absolute path",
        ) from error
