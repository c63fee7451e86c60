"""Writing what a scan concluded, and what changed: one module a format, and what formats have in common."""
