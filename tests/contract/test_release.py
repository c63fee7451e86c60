"""What we release says its one version and holds what it should."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from tokenguard import __version__

ROOT = Path(__file__).parents[2]
BUILT = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "src", "rules", "schemas")
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


# --- the project's address ----------------------------------------------------------------------------------------


EXAMPLE = "https://code.example/people/tokenguard"
UNPACKED = "from tokenguard.cli import main; main()"


def build_of(address: str, folder: Path) -> Path:
    """The wheel, unpacked, of the sources with `address` as the project's."""
    sources = copied(folder / "sources")
    module = sources / "src" / "tokenguard" / "__init__.py"
    text = re.sub(r'^ADDRESS = ".*"$', f'ADDRESS = "{address}"', module.read_text(), flags=re.MULTILINE)
    module.write_text(text)
    assert f'ADDRESS = "{address}"' in text
    with zipfile.ZipFile(wheel_of(sources, folder / "dist")) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_of("", tmp_path_factory.mktemp("without"))


@pytest.fixture(scope="module")
def addressed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_of(EXAMPLE, tmp_path_factory.mktemp("addressed"))


def metadata(build: Path) -> Message:
    [path] = build.glob("*.dist-info/METADATA")
    return message_from_string(path.read_text())


def run(build: Path, *arguments: str, status: int = 0) -> str:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(build), "TOKENGUARD_PLUGINS": ""}
    command = [sys.executable, "-c", UNPACKED, *arguments]
    result = subprocess.run(command, env=environment, cwd=build, capture_output=True, text=True, check=False)
    assert result.returncode == status, result.stderr
    return result.stdout


def driver(build: Path) -> dict[str, Any]:
    return json.loads(run(build, "scan", "--demo", "--format", "sarif", status=1))["runs"][0]["tool"]["driver"]


def test_the_project_has_one_address_or_none() -> None:
    [address] = re.findall('^ADDRESS = "(.*)"$', (ROOT / "src/tokenguard/__init__.py").read_text(), re.MULTILINE)
    assert address == "" or re.fullmatch(r"https://[a-z0-9.-]+(/[\w.-]+)+(?<![./])", address)


def test_no_other_file_gives_the_project_an_address() -> None:
    for path in [ROOT / "pyproject.toml", *(ROOT / "plugins").glob("*/pyproject.toml")]:
        assert "urls" not in tomllib.loads(path.read_text())["project"], path
    assert not re.search(r"^(site|repo|edit)_ur[il]:", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)


def test_a_build_without_an_address_names_no_place_of_the_project(without: Path) -> None:
    assert not [name for name, _ in metadata(without).items() if "url" in name.lower() or "home" in name.lower()]
    assert "Project-URL" not in (metadata(without).get_all("Dynamic") or [])
    links = re.findall(r"\]\(([^)]+)\)", metadata(without).get_payload())
    assert len(links) > 10
    assert [link for link in links if "://" in link] == []


def test_sarif_without_an_address_has_no_link_to_a_help_of_ours(without: Path) -> None:
    described = driver(without)
    assert described.keys().isdisjoint({"informationUri", "downloadUri"})
    assert len(described["rules"]) > 10
    assert [rule["id"] for rule in described["rules"] if "helpUri" in rule] == []


def test_a_build_with_an_address_has_it_in_its_metadata(addressed: Path) -> None:
    of_this = f"{EXAMPLE}/blob/v{__version__}"
    urls = dict(url.split(", ") for url in metadata(addressed).get_all("Project-URL"))
    assert urls == {
        "Source": EXAMPLE,
        "Documentation": f"{of_this}/docs/index.md",
        "Changelog": f"{of_this}/CHANGELOG.md",
        "Issues": f"{EXAMPLE}/issues",
    }
    links = re.findall(r"\]\(([^)]+)\)", metadata(addressed).get_payload())
    assert len(links) > 10
    assert [link for link in links if not (ROOT / link.removeprefix(f"{of_this}/")).exists()] == []
    assert all(link.startswith(of_this) for link in links)


def test_sarif_with_an_address_leads_to_the_page_of_each_built_in_rule(addressed: Path) -> None:
    described = driver(addressed)
    assert described["informationUri"] == EXAMPLE
    headings = set(re.findall(r"^### (\S+)$", (ROOT / "docs" / "reference" / "rules.md").read_text(), re.MULTILINE))
    for rule in described["rules"]:
        assert rule["helpUri"] == f"{EXAMPLE}/blob/v{__version__}/docs/reference/rules.md#{rule['id']}"
        assert rule["id"] in headings


@pytest.mark.parametrize("build", ["without", "addressed"])
def test_a_rule_finds_its_schema_by_a_relative_path(build: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """In what we ship, and in what `rules new` writes: offline, and whatever the address."""
    unpacked: Path = request.getfixturevalue(build)
    run(unpacked, "rules", "new", "mine-is-wrong", "--resource", "organization", "--output", str(tmp_path))
    rules = [tmp_path / "mine-is-wrong.json", *(unpacked / "tokenguard" / "_data" / "rules").rglob("*.json")]
    assert len(rules) > 10
    for rule in rules:
        named = json.loads(rule.read_text())["$schema"]
        assert named.startswith("."), rule
        assert json.loads((rule.parent / named).read_text())["$id"] == "urn:tokenguard:schema:rule"
