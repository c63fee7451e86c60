"""Carrying out what was consented to: read, compare, write once, read back; and what takes it back."""

from tokenguard.apply.change import Applied, apply_changes
from tokenguard.apply.foresight import Foreseen
from tokenguard.apply.reading import Patience, Reader, Time
from tokenguard.apply.resumption import plan_again, remaining
from tokenguard.apply.undo import plan_undo

__all__ = [
    "Applied",
    "Foreseen",
    "Patience",
    "Reader",
    "Time",
    "apply_changes",
    "plan_again",
    "plan_undo",
    "remaining",
]
