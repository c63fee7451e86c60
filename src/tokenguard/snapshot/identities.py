"""Which resources of a snapshot may be the same, in about ten bytes for each."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import blake2b

_SIZE = 8
"""Bytes of a digest. By chance, two of five million are equal in one of a million snapshots."""


class Identities:
    """Digests of types and ids, to find those that stand more than once.

    The key of the digests is new in each run: whoever writes a file cannot make two of them equal. They lie in parts by
    their first byte, so that only one part at a time is taken apart to be looked through.
    """

    def __init__(self) -> None:
        self._begun = blake2b(digest_size=_SIZE, key=os.urandom(16))
        self._parts = [bytearray() for _ in range(256)]

    def digest(self, type_: str, id_: str) -> bytes:
        """Equal for equal types and ids, and by chance for others."""
        state = self._begun.copy()  # a quarter of what it costs to begin anew with the key
        state.update(f"{type_}\0{id_}".encode())
        return state.digest()

    def add(self, type_: str, id_: str) -> None:
        """Remember one resource. Called once a line: every step here costs."""
        digest = self.digest(type_, id_)
        self._parts[digest[0]].extend(digest)

    def repeated(self) -> Iterator[Mapping[bytes, int]]:
        """Digests that were added more than once, and how often; few at a time."""
        for part in self._parts:
            if len(set(memoryview(part).cast("Q"))) * _SIZE < len(part):
                times = Counter(bytes(part[at : at + _SIZE]) for at in range(0, len(part), _SIZE))
                yield {digest: number for digest, number in times.items() if number > 1}
