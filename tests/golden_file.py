"""Comparing an output, byte for byte, with the one that somebody has read and kept in ``tests/golden``."""

from __future__ import annotations

import os
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"
VARIABLE = "TOKENGUARD_WRITE_GOLDEN"
"""Set to 1, the outputs are written instead of compared; read the difference before you commit it."""


def assert_golden(name: str, output: bytes) -> None:
    path = GOLDEN / name
    if os.environ.get(VARIABLE) == "1":
        path.write_bytes(output)
    assert output == path.read_bytes(), f"{path} differs; {VARIABLE}=1 writes it anew"
