"""What operating systems do not have in common: owners, links, locks, and what reaches the disk.

Everything else in tokenguard asks here, and nowhere but here is a call named that one of the systems lacks.
"""

from tokenguard.system.locking import HeldError, locked
from tokenguard.system.opening import is_link, open_below, open_unlinked, sync_folder
from tokenguard.system.owning import (
    effective_user,
    group_name,
    is_own,
    is_private_group,
    modes_tell,
    state_home,
    state_variable,
    user,
    user_name,
)

__all__ = [
    "HeldError",
    "effective_user",
    "group_name",
    "is_link",
    "is_own",
    "is_private_group",
    "locked",
    "modes_tell",
    "open_below",
    "open_unlinked",
    "state_home",
    "state_variable",
    "sync_folder",
    "user",
    "user_name",
]
