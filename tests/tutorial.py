"""Pages of the documentation as sessions: the files and commands that a reader would copy, in the order of the page.

A block with a ``title`` is a file. In a ``console`` block, a line that begins with ``$`` is a command, and what follows
is shown of its output; ``...`` stands for more. Blocks of other kinds (``sh``) are for the reader to adapt: not run.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(r'^```(?P<kind>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<body>.*?)^```$', re.MULTILINE | re.DOTALL)
_INCLUDED = re.compile(r'^--8<-- "([^"]+)"$', re.MULTILINE)
_INSTALLED_ALREADY = re.compile(r"pip install ")


@dataclass(frozen=True)
class File:
    """A file that the page tells to write."""

    path: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command, and the lines that the page shows of its output."""

    line: str
    shown: tuple[str, ...]


def steps(page: Path) -> Iterator[File | Command]:
    """What a reader of `page` does, from top to bottom."""
    for block in _BLOCK.finditer(page.read_text()):
        body = _INCLUDED.sub(lambda match: (ROOT / match[1]).read_text().rstrip("\n"), block["body"])
        if block["title"]:
            yield File(block["title"], body)
        elif block["kind"] == "console":
            yield from _commands(body)


def _commands(body: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        line, *shown = part.splitlines()
        yield Command(line, tuple(text.rstrip() for text in shown if text.rstrip() not in ("", "...")))


def follow(page: Path, folder: Path, environment: Mapping[str, str]) -> int:
    """Do in `folder` what `page` says, and hold it to what it shows. Returns how many commands were run."""
    status, done = 0, 0
    for step in steps(page):
        match step:
            case File(path, text):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(text)
            case Command(line, shown) if not _INSTALLED_ALREADY.match(line):
                command = ["bash", "-c", f"(exit {status}); {line}"]
                result = subprocess.run(
                    command, cwd=folder, env=environment, capture_output=True, text=True, check=False
                )
                printed = [text.rstrip() for text in (result.stdout + result.stderr).splitlines()]
                missing = [text for text in shown if text not in printed]
                assert not missing, f"{page.name}: `{line}` does not print {missing}, but\n" + "\n".join(printed)
                status, done = result.returncode, done + 1
    return done
