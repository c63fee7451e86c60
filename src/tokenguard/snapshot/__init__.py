"""A tenant as a file: `open_snapshot` reads it, `write_snapshot` writes it."""

from tokenguard.snapshot.file import open_snapshot, write_snapshot

__all__ = ["open_snapshot", "write_snapshot"]
