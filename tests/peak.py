"""Running the program in a process that says how much memory it held at most."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_MEASURED = """
import sys
from pathlib import Path
from tokenguard.cli import run
status = run(sys.argv[1:])
sys.stdout.flush()
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0], file=sys.stderr)
sys.exit(status)
"""
"""By its own word, not its parent's: Linux counts what a process was before it became another program."""


@dataclass(frozen=True)
class Measured:
    """What became of a run."""

    status: int
    stdout: str
    stderr: str
    megabytes: float


def measured(*arguments: str | Path, folder: Path) -> Measured:
    """Run ``tokenguard ARGUMENTS`` in `folder`, without plugins and without a tenant."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TOKENGUARD_", "AZURE_"))}
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *map(str, arguments)],
        cwd=folder,
        env=kept | {"TOKENGUARD_PLUGINS": ""},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in done.stderr
    assert "Internal error" not in done.stderr
    *said, kilobytes = done.stderr.splitlines()
    return Measured(done.returncode, done.stdout, "\n".join(said), int(kilobytes) / 1024)
