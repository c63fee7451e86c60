"""Running the built command against a sandbox. Whatever it says or writes is searched for secrets, each time."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from sandbox import RunningSandbox

PROGRAM = str(Path(sys.executable).with_name("tokenguard"))
NEVER_SAID = ("eyJ", "Bearer ", "uthorization:", "client_secret", "client_assertion")
"""A JSON Web Token begins with the first; the others are what carries credentials."""

Result = subprocess.CompletedProcess[str]


def environment(sandbox: RunningSandbox, without: Collection[str] = (), **changed: str) -> dict[str, str]:
    """What leads a process to `sandbox`, as it was printed, changed."""
    return {name: value for name, value in sandbox.environment.items() if name not in without} | changed


def run(
    sandbox: RunningSandbox, *arguments: str, folder: Path, without: Collection[str] = (), **changed: str
) -> Result:
    """Run `tokenguard` in `folder`, which holds what it is to write and nothing with secrets."""
    result = subprocess.run(
        [PROGRAM, *arguments],
        cwd=folder,
        env=environment(sandbox, without, **changed),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    assert_no_secret(sandbox, folder, result.stdout, result.stderr)
    assert "Traceback" not in result.stderr
    assert "Internal error" not in result.stderr
    return result


def assert_no_secret(sandbox: RunningSandbox, folder: Path, *said: str) -> None:
    """Nothing secret is in what was `said`, nor in any file of `folder`."""
    written = [content(path).decode() for path in folder.rglob("*") if path.is_file()]
    secrets = [value for name, value in sandbox.variables.items() if name.endswith(("SECRET", "TOKEN"))]
    assert len(secrets) == 2
    for text in (*said, *written):
        for secret in (*NEVER_SAID, *secrets):
            assert secret not in text


def content(path: Path) -> bytes:
    """What a file holds, uncompressed."""
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def verdicts(report: dict[str, Any]) -> dict[str, tuple[str, int, int]]:
    """What a JSON report says of each rule: the verdict, and how many resources it is about."""
    return {rule["id"]: (rule["verdict"], rule["selected"], rule["passed"]) for rule in report["rules"]}


def incomplete_types(report: dict[str, Any]) -> set[str]:
    """The types that were not read to the end."""
    return {type_["type"] for type_ in report["types"] if type_["failures"]}
