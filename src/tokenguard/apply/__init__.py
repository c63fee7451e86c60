"""Carrying out what was consented to: read, compare, write once, read back; and what takes it back."""

from tokenguard.apply.change import Applied, apply_changes
from tokenguard.apply.reading import Patience, Reader, Time
from tokenguard.apply.undo import Undoing, plan_undo

__all__ = ["Applied", "Patience", "Reader", "Time", "Undoing", "apply_changes", "plan_undo"]
