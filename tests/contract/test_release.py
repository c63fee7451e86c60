"""What we release says its one version and holds what it should."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tokenguard import __version__

ROOT = Path(__file__).parents[2]
BUILT = ("pyproject.toml", "README.md", "LICENSE", "src", "rules", "schemas")
"""What the wheel is made from."""


def copied(folder: Path) -> Path:
    """The sources somewhere else."""
    folder.mkdir()
    unbuilt = shutil.ignore_patterns("__pycache__")
    for source in [ROOT / name for name in BUILT]:
        if source.is_dir():
            shutil.copytree(source, folder / source.name, ignore=unbuilt)
        else:
            shutil.copyfile(source, folder / source.name)
    return folder


def wheel_of(source: Path, out: Path) -> Path:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, source]
    subprocess.run(command, check=True, capture_output=True)
    [wheel] = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    return wheel_of(copied(folder / "sources"), folder / "dist")


def test_the_version_stands_in_one_place(wheel: Path) -> None:
    assert wheel.name == f"entra_tokenguard-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        [metadata] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        assert f"\nVersion: {__version__}\n" in archive.read(metadata).decode()
    assert "version" not in re.findall(r"^(\w+) =", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)


TOLD = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "action.yml", ".ci/run")),
    *(
        path
        for folder in ("docs", "examples", "plugins", "bench", "src", ".github")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in (".md", ".yml", ".py")
    ),
]
"""What tells people, or a machine, how to install something."""

BY_NAME = re.compile(r"pip install [^\n`#]*?(?<![\w./-])((?:entra-)?tokenguard[\w-]*)")


def test_nobody_is_told_to_install_by_name_what_nobody_has_released() -> None:
    """Whoever registers such a name on the package index would be given our readers."""
    assert BY_NAME.findall("pip install --quiet 'entra-tokenguard[graph]'") == ["entra-tokenguard"]
    assert BY_NAME.findall("pip install . ./plugins/tokenguard-sandbox  # tokenguard") == []
    assert any("pip install ." in path.read_text() for path in TOLD)
    assert {str(path): found for path in TOLD if (found := BY_NAME.findall(path.read_text()))} == {}


def test_the_readme_says_why() -> None:
    text = " ".join((ROOT / "README.md").read_text().split())
    assert "from a checkout at a commit" in text
    assert "nobody has registered `entra-tokenguard` on the package index yet" in text


def test_every_rule_and_schema_of_the_checkout_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    for folder in ("rules", "schemas"):
        files = {path.relative_to(ROOT) for path in (ROOT / folder).rglob("*.json")}
        assert files
        assert {f"tokenguard/_data/{path}" for path in files} <= packed


def test_the_changelog_speaks_of_what_is_to_come_and_of_each_release() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## \[(.+?)\](.*)$", text, re.MULTILINE)
    assert headings[0] == ("Unreleased", "")
    assert [name for name, when in headings[1:] if not re.fullmatch(r" - \d{4}-\d\d-\d\d", when)] == []
