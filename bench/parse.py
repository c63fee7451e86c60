"""The least that reading a snapshot can cost: `python -m bench.parse FILE` parses each line and drops it."""

from __future__ import annotations

import gzip
import importlib
import sys
from pathlib import Path

import orjson


def main(path: Path) -> None:
    opened = {".gz": gzip.open, ".zst": _open_zstd}.get(path.suffix, open)
    with opened(path, "rb") as file:
        for line in file:
            orjson.loads(line)


def _open_zstd(path: Path, mode: str) -> object:
    return importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd").open(
        path, mode
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
