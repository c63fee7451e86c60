"""Carrying out what was consented to: read, compare, write once, read back; and what takes it back."""

from tokenguard.apply.change import Applied, apply_changes
from tokenguard.apply.operation import Patience, Time
from tokenguard.apply.undo import Undoing, plan_undo

__all__ = ["Applied", "Patience", "Time", "Undoing", "apply_changes", "plan_undo"]
