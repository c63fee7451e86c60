"""The least that reading a snapshot can cost: `python -m bench.parse FILE` parses each line and drops it."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import orjson

if __name__ == "__main__":
    path = Path(sys.argv[1])
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        for line in file:
            orjson.loads(line)
