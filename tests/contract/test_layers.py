"""Who may import whom: design section 3, held by reading the imports."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "tokenguard"

LAYERS: tuple[tuple[str, ...], ...] = (
    (
        "model", "exit_status", "changes", "differences", "errors", "durations", "documents", "excerpts", "json_stream",
        "untrusted", "examination", "explanation", "issuance", "configured", "age", "system", "kinds",
    ),
    ("schemas", "hookspecs"),
    ("rules", "judging", "encoding", "report_document", "layout", "readings", "consent", "planning", "diff"),
    (
        "files", "misplaced", "repository", "packs", "snapshot", "collect", "spool", "saved_report", "plugins",
        "journal", "apply",
    ),
    ("entra", "reporters"),
    ("cli",),
)  # fmt: skip
THIRD_PARTY = {
    "jsonschema_rs": {"judging/engine.py"},
    "jsonschema": {"rules/authoring.py"},
    "click": {"cli", "hookspecs", "plugins"},
    "pluggy": {"hookspecs", "plugins"},
    "jinja2": {"reporters"},
    "markupsafe": {"reporters"},
    "msgraph": {"entra"},
    "kiota_abstractions": {"entra"},
    "kiota_http": {"entra"},
    "kiota_authentication_azure": {"entra"},
    "azure": {"entra"},
    "httpx": {"entra"},
    "requests": {"entra"},
    "orjson": {"entra", "snapshot"},
    "backports": {"snapshot"},
}


def modules() -> Iterator[tuple[str, Path]]:
    for path in PACKAGE.rglob("*.py"):
        yield path.relative_to(PACKAGE).parts[0].removesuffix(".py"), path


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports from the root"
            yield from (
                f"{node.module}.{alias.name}" if node.module == "tokenguard" else node.module or ""
                for alias in node.names
            )


def layer_of(part: str) -> int:
    return next(number for number, parts in enumerate(LAYERS) if part in parts)


@pytest.mark.parametrize(("part", "path"), [pytest.param(*m, id=str(m[1].relative_to(PACKAGE))) for m in modules()])
def test_a_module_imports_only_its_own_layer_and_those_below(part: str, path: Path) -> None:
    if part == "__init__":
        assert not list(imports(path)), "importing the package must cost nothing"
        return
    for name in imports(path):
        top, *rest = name.split(".")
        if top == "tokenguard":
            if rest and rest[0] != "__version__":
                assert layer_of(rest[0]) <= layer_of(part), f"{path.name} imports {name}"
                if {rest[0], part} <= {"entra", "reporters"}:
                    assert rest[0] == part, "adapters do not know each other"
        elif top not in sys.stdlib_module_names and top != "__future__":
            allowed = THIRD_PARTY.get(top, set())
            assert {part, str(path.relative_to(PACKAGE))} & allowed, f"{path.name} imports {top}"


def test_the_program_reaches_adapters_only_through_plugins() -> None:
    for part, path in modules():
        if part == "cli":
            assert not [name for name in imports(path) if name.startswith(("tokenguard.entra", "tokenguard.reporters"))]


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    """Or an installation breaks when what brought a package along does so no more, and carries what nothing needs."""
    project = tomllib.loads((PACKAGE.parents[1] / "pyproject.toml").read_text())["project"]
    declared = {name_of(each) for each in (*project["dependencies"], *project["optional-dependencies"]["graph"])}
    declared.remove("backports-zstd")  # imported by a name that depends on Python's version
    found = {name.partition(".")[0] for _, path in modules() for name in imports(path)}
    outside = found - sys.stdlib_module_names - {"tokenguard"}
    providers = {top: set(map(name_of, distributions)) for top, distributions in packages_distributions().items()}
    assert {top for top in outside if not providers[top] & declared} == set()
    assert declared - set[str]().union(*(providers[top] for top in outside)) == set()
    assert THIRD_PARTY.keys() - {"backports"} == outside


def name_of(requirement: str) -> str:
    """The distribution that a requirement is about, normalised."""
    return re.split(r"[^\w.-]", requirement)[0].lower().replace(".", "-").replace("_", "-")


HEAVY = {
    "msgraph", "azure", "httpx", "kiota_abstractions", "jsonschema", "referencing", "rich", "asyncio",
    "jinja2", "importlib.metadata",
}  # fmt: skip


def imported_by(*arguments: str) -> set[str]:
    code = f"import sys\nfrom tokenguard.cli import run\nstatus = run({list(arguments)!r})\n"
    code += "print(*sys.modules, file=sys.stderr)\nsys.exit(status)"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"TOKENGUARD_PLUGINS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    return set(result.stderr.split())


def test_help_imports_no_command_and_little_else() -> None:
    loaded = imported_by("--help")
    assert not loaded & HEAVY
    assert not loaded & {"tokenguard.cli.scan", "jsonschema_rs", "orjson", "pluggy"}
    assert len(loaded) < 150


def test_an_offline_scan_imports_nothing_heavy() -> None:
    loaded = imported_by("scan", "--demo", "--quiet")
    assert "tokenguard.judging.evaluate" in loaded
    assert not loaded & HEAVY
