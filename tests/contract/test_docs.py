"""The documentation is current, complete and whole: what is generated is not stale, and the site builds strictly."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tokenguard import hookspecs
from tokenguard.cli.program import COMMANDS, program
from tokenguard.exit_status import ExitStatus
from tokenguard.model import Outcome
from tokenguard.packs import read_pack
from tokenguard.plugins import BUILT_IN, load_plugins
from tokenguard.schemas import data_folder

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
HOOKS = [
    value
    for value in vars(hookspecs).values()
    if inspect.isfunction(value) and value.__name__.startswith("tokenguard_")
]


def generate(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, root / "docs" / "generate.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """What `generate.py` writes, in a folder of its own."""
    for name in ("docs/generate.py", *(f"docs/reference/{path.name}" for path in (DOCS / "reference").iterdir())):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    return tmp_path


def test_no_generated_page_or_schema_is_stale() -> None:
    result = generate(ROOT, "--check")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", ["docs/reference/rules.md", "docs/reference/hooks.md", "schemas/dialect.schema.json"])
def test_a_stale_one_is_named_and_mended(copied: Path, name: str) -> None:
    current = (copied / name).read_text()
    (copied / name).write_text(current + "\n")
    result = generate(copied, "--check")
    assert (result.returncode, name in result.stderr) == (1, True)
    assert generate(copied).returncode == 0
    assert (copied / name).read_text() == current


def build(folder: Path, *options: str | Path) -> subprocess.CompletedProcess[str]:
    """Build the site into `folder`, as ``make docs`` does."""
    [arguments] = re.findall(r"/mkdocs (build [^#\n]*)", (ROOT / "Makefile").read_text())
    command = [Path(sys.executable).with_name("mkdocs"), *arguments.split(), "--site-dir", folder, *options]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    result = build(folder)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.mark.parametrize(("link", "status"), [("faq.md", 0), ("nowhere.md", 1), ("faq.md#nowhere", 1)])
def test_a_dead_link_fails_the_build(tmp_path: Path, link: str, status: int) -> None:
    shutil.copytree(DOCS, tmp_path / "docs")
    with (tmp_path / "docs" / "limits.md").open("a") as page:
        page.write(f"\n[there]({link})\n")
    (tmp_path / "mkdocs.yml").write_text(f"INHERIT: {ROOT / 'mkdocs.yml'}\n")
    assert build(tmp_path / "site", "--config-file", tmp_path / "mkdocs.yml").returncode == status


def test_the_site_has_every_page(site: Path) -> None:
    pages = {path.relative_to(DOCS).with_suffix(".html") for path in DOCS.rglob("*.md")}
    assert pages <= {path.relative_to(site) for path in site.rglob("*.html")}


def test_every_page_is_in_the_navigation_once() -> None:
    named = re.findall(r"^ +- .+: (.+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))


def test_every_file_that_a_page_includes_is_in_it(site: Path) -> None:
    assert "OWNER/tokenguard" in (site / "ci.html").read_text()
    assert [path.name for path in site.rglob("*.html") if "--8&lt;--" in path.read_text()] == []


@pytest.mark.parametrize("page", ["index.html", "reports-html.html", "reference/hooks.html"])
def test_no_page_loads_anything_from_elsewhere(site: Path, page: str) -> None:
    text = (site / page).read_text()
    loaded = re.findall(r'<(?:script|img|iframe)\b[^>]* src="([^"]+)', text)
    loaded += re.findall(r'<link\b[^>]* href="([^"]+)" rel="(?:stylesheet|preconnect|preload)', text)
    loaded += re.findall(r'<link\b[^>]* rel="(?:stylesheet|preconnect|preload)"[^>]* href="([^"]+)', text)
    assert any(name.endswith(".css") for name in loaded)
    assert any(name.endswith(".js") for name in loaded)
    assert [name for name in loaded if re.match("https?:|//", name)] == []


# --- completeness -------------------------------------------------------------------------------------------------


def headings(page: str) -> set[str]:
    return set(re.findall(r"^#+ (.+)$", (DOCS / "reference" / page).read_text(), re.MULTILINE))


def test_every_command_is_in_the_reference() -> None:
    assert {f"tokenguard {name}" for name in COMMANDS} <= headings("commands.md")


def test_every_rule_is_in_the_reference() -> None:
    rules = {Path(name).stem for name, _ in read_pack(data_folder("rules"))}
    assert rules
    assert rules <= headings("rules.md")


def test_every_resource_type_is_in_the_reference() -> None:
    assert load_plugins(()).types.keys() <= headings("resources.md")


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
def test_every_hook_is_documented_with_its_signature(hook) -> None:
    signature = f"{hook.__name__}() -> {hook.__annotations__['return']}"
    for page in (DOCS / "reference" / "hooks.md", DOCS / "writing-plugins.md"):
        assert signature in page.read_text()
    assert hook.__doc__


def test_what_hooks_return_is_shown_whole() -> None:
    page = (DOCS / "reference" / "hooks.md").read_text()
    named = {name for hook in HOOKS for name in re.findall(r"\[(\w+)\]", hook.__annotations__["return"])}
    assert {f"class {name}(Protocol):" for name in named if hasattr(hookspecs, name)} <= set(page.splitlines())


def test_every_hook_is_used_by_something_that_we_ship_or_test() -> None:
    built_in = "".join((ROOT / "src" / f"{module.replace('.', '/')}.py").read_text() for module in BUILT_IN)
    outside = "".join(path.read_text() for path in (ROOT / "plugins").rglob("plugin.py"))
    assert [hook.__name__ for hook in HOOKS if f"def {hook.__name__}" not in built_in + outside] == []


def test_every_exit_status_is_explained() -> None:
    page = (DOCS / "exit-status.md").read_text()
    explained = {number for row in re.findall(r"^\| ([\d, ]+) \|", page, re.MULTILINE) for number in row.split(", ")}
    assert explained == {str(status.value) for status in ExitStatus}


def test_every_variable_that_stands_for_an_option_is_documented() -> None:
    commands = (program.get_command(click.Context(program), name) for name in COMMANDS)
    options = [option for command in commands if command is not None for option in command.params]
    named = {str(option.envvar) for option in options if option.envvar}
    assert len(named) > 10
    assert set(re.findall(r"`(TOKENGUARD_[A-Z_]+)`", (DOCS / "configuration.md").read_text())) == named


def test_every_way_to_sign_in_is_explained() -> None:
    from tokenguard.cli.options import AUTH

    table = (DOCS / "sign-in.md").read_text()
    assert re.findall(r"^\| `([a-z][a-z-]*)` \|", table, re.MULTILINE) == list(AUTH)


def test_the_tutorial_names_the_outcomes_that_examples_can_have() -> None:
    page = (DOCS / "writing-rules.md").read_text()
    assert [outcome for outcome in Outcome if f'"outcome": "{outcome}"' not in page] == []


# --- links --------------------------------------------------------------------------------------------------------


def readmes() -> Iterator[Path]:
    yield from (ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"))
    for folder in ("examples", "plugins"):
        yield from sorted((ROOT / folder).rglob("README.md"))


@pytest.mark.parametrize("path", list(readmes()), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_between_files_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []
