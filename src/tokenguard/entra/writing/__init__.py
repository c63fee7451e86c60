"""Writing to a live tenant: what exists only while a plan is applied, and does nothing that is not in the plan."""
