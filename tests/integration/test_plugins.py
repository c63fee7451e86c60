"""Plugins from outside: built, installed into an interpreter of their own, and driven through the command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from fixing import APPLIED, CREATED, FIVE_HOURS, Bench

DATA = Path(__file__).parent.parent / "data" / "plugins"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with this one's packages behind its own, so that nothing has to be downloaded."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    here = sysconfig.get_path("purelib")
    site = subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    ).strip()
    Path(site, "behind.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    return python


@pytest.fixture(scope="module")
def installed(interpreter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    install(interpreter, DATA / "tokenguard-everything", tmp_path_factory.mktemp("wheel"))
    return interpreter


def install(python: Path, source: Path, wheels: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", wheels, source],
        check=True,
        capture_output=True,
    )
    purelib = subprocess.check_output(
        [python, "-c", "import site; print(site.getsitepackages()[0])"], text=True
    ).strip()
    [wheel] = wheels.glob("*.whl")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", purelib, wheel],
        check=True,
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def call(python: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, "-c", "from tokenguard.cli import main; main()", *arguments],
            cwd=tmp_path,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return call


@pytest.fixture
def lamps(tmp_path: Path) -> Path:
    folder = tmp_path / "answers"
    folder.mkdir()
    (folder / "lamps.json").write_text('{"value": [{"id": "1", "name": "desk", "lit": false}]}')
    (folder / "calls.json").write_text('{"lamps.json": "https://graph.microsoft.com/v1.0/lamps"}')
    return folder


def test_a_plugin_contributes_to_every_hook(run: Run, installed: Path) -> None:
    result = run(installed, "plugins")
    assert result.returncode == 0, result.stderr
    listing = result.stdout.partition("tokenguard-everything 1.2.3\n")[2]
    assert listing.splitlines() == [
        "  resource types: lamp",
        "  fixers: lamp",
        "  formats: tally",
        "  rule packs: lamp-rules",
        "  commands: hello",
    ]


def test_a_plugin_s_type_rules_and_format_work_together(run: Run, installed: Path, lamps: Path) -> None:
    result = run(installed, "scan", "--snapshot", str(lamps), "--rules", "lamp-rules", "--format", "tally")
    assert (result.returncode, result.stdout) == (1, "1\n"), result.stderr


def test_a_plugin_s_type_that_cannot_be_read_is_not_compliant(run: Run, installed: Path) -> None:
    result = run(installed, "scan", "--demo", "--rules", "lamp-rules")
    assert result.returncode == 3
    assert "Lamp.Read.All" in result.stdout


def test_a_plugin_s_command_runs(run: Run, installed: Path) -> None:
    assert run(installed, "hello").stdout == "hello from a plugin\n"


@pytest.mark.parametrize("arguments", [("hello",), ("plugins",), ("scan", "--demo"), ("--help",)])
@pytest.mark.parametrize("allowed", ["", "another-one"])
def test_a_plugin_that_is_not_allowed_is_not_imported(
    run: Run, installed: Path, tmp_path: Path, allowed: str, arguments: tuple[str, ...]
) -> None:
    mark = tmp_path / "imported"
    result = run(installed, *arguments, TOKENGUARD_PLUGINS=allowed, EVERYTHING_MARK=str(mark))
    assert "hello from" not in result.stdout
    assert not mark.exists()


def test_a_plugin_that_is_allowed_leaves_its_mark(run: Run, installed: Path, tmp_path: Path) -> None:
    """Or the test above could not fail."""
    mark = tmp_path / "imported"
    assert run(installed, "hello", EVERYTHING_MARK=str(mark)).returncode == 0
    assert mark.exists()


def test_the_list_says_which_plugin_was_left_out(run: Run, installed: Path) -> None:
    result = run(installed, "plugins", TOKENGUARD_PLUGINS="")
    assert "tokenguard-everything\n  not loaded" in result.stdout
    assert "lamp" not in result.stdout


@pytest.mark.parametrize("name", ["Tokenguard_Everything", "tokenguard.everything", " TOKENGUARD-_.everything "])
def test_an_allowed_plugin_is_named_as_its_distribution_is_however_spelt(run: Run, installed: Path, name: str) -> None:
    assert run(installed, "hello", TOKENGUARD_PLUGINS=name).returncode == 0


HOSTILE = "from pathlib import Path\nPath({marker!r}).touch()\n"
ENTRY_POINT = "[tokenguard]\nhostile = tokenguard_hostile\n"


@pytest.mark.parametrize("variable", [None, "PYTHONPATH"])
def test_a_plugin_in_the_working_directory_is_not_loaded(
    run: Run, installed: Path, tmp_path: Path, variable: str | None
) -> None:
    marker = tmp_path / "was-run"
    information = tmp_path / "tokenguard_hostile-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: tokenguard-hostile\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(ENTRY_POINT)
    for module in ("tokenguard_hostile", "tokenguard_everything"):  # the second stands in for one that is installed
        (tmp_path / f"{module}.py").write_text(HOSTILE.format(marker=str(marker)))
    result = run(installed, "plugins", **({variable: str(tmp_path)} if variable else {}))
    assert result.returncode == 0, result.stderr
    assert "hostile" not in result.stdout
    assert not marker.exists()


def test_a_site_directory_that_pythonpath_names_too_is_still_one(run: Run, installed: Path) -> None:
    site = subprocess.check_output([installed, "-c", "import site; print(site.getsitepackages()[0])"], text=True)
    result = run(installed, "plugins", PYTHONPATH=site.strip())
    assert result.returncode == 0, result.stderr
    assert "tokenguard-everything" in result.stdout


OWN = {
    "tokenguard_own/__init__.py": """
import click
import own_dependency
import own_space.part
from tokenguard.hookspecs import hookimpl
from tokenguard_own import inner
@click.command()
def own():
    import own_late
    for module in (inner, own_dependency, own_space.part, own_late):
        click.echo(module.__name__)
@hookimpl
def tokenguard_commands():
    import own_asked
    return [own]
""",
    "tokenguard_own/inner.py": "",
    "own_dependency.py": "",
    "own_space/part.py": "",
    "own_late.py": "",
    "own_asked.py": "",
}
SAID = "tokenguard_own.inner\nown_dependency\nown_space.part\nown_late\n"


def environment(folder: Path) -> tuple[Path, Path]:
    """An environment with this one's packages behind its own: its Python, and its site directory."""
    venv.create(folder, with_pip=False, symlinks=True)
    [site] = folder.glob("lib/python*/site-packages")
    (site / "behind.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    return folder / "bin" / "python", site


def declare(site: Path, name: str, module: str, folder: str | None = None) -> None:
    """Make `site` hold the metadata of a plugin of this name."""
    information = site / f"{folder or module}-0.1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n\nName: body\n")
    (information / "entry_points.txt").write_text(f"[tokenguard]\nown = {module}\n")


def write_files(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture(scope="module")
def owning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with a plugin of several modules."""
    python, site = environment(tmp_path_factory.mktemp("owning") / "environment")
    declare(site, "tokenguard-own", "tokenguard_own")
    write_files(site, OWN)
    return python


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same, installed to be edited: the site directory names the checkout, which is given, too."""
    folder = tmp_path_factory.mktemp("edited")
    python, site = environment(folder / "environment")
    declare(site, "tokenguard-own", "tokenguard_own")
    (site / "_editable.pth").write_text(f"# a comment\n\n{folder / 'checkout' / 'src'}\n")
    (site / "_leads_nowhere.pth").symlink_to("nowhere.pth")
    write_files(folder / "checkout" / "src", OWN)
    return python, folder / "checkout" / "src"


STANDARD = sysconfig.get_path("stdlib")
PYTHONPATHS = {
    "nothing": "",
    "absolute": "{here}/hostile",
    "relative": "hostile",
    "a dot before": "./hostile",
    "a slash behind": "{here}/hostile/",
    "two slashes": "{here}//hostile",
    "not normalised": "{here}/hostile/../hostile/.",
    "not normalised, relative": "hostile/../hostile",
    "a link": "{here}/link",
    "a relative link": "link",
    "below a link": "above/hostile",
    "up from a link": "away/../hostile",
    "an archive": "{here}/hostile.zip",
    "a relative archive": "hostile.zip",
    "a link to an archive": "link.zip",
    "within an archive": "hostile.zip/inside",
    "within an archive, behind a link": "./link.zip/inside/",
    "one of several": "/nowhere:hostile:{here}/elsewhere",
    "an empty one": ":hostile:",
    "behind the standard library": f"{STANDARD}:{STANDARD}/lib-dynload:hostile",
    "behind the site directory": "{site}:hostile",
}


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder in which everything stands in for a module of the plugin, and as an archive; says when one was run."""
    mark = tmp_path / "was-run"
    for name in OWN:
        write_files(tmp_path / "hostile", {name: HOSTILE.format(marker=str(mark))})
        write_files(tmp_path / "archive" / "inside", {name: HOSTILE.format(marker=str(mark))})
    write_files(tmp_path / "hostile", {"own_space/__init__.py": HOSTILE.format(marker=str(mark))})
    shutil.copytree(tmp_path / "hostile", tmp_path / "archive", dirs_exist_ok=True)
    shutil.make_archive(str(tmp_path / "hostile"), "zip", tmp_path / "archive")
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to("hostile")
    (tmp_path / "above").symlink_to(".")
    (tmp_path / "away").symlink_to("elsewhere/deep")
    (tmp_path / "link.zip").symlink_to("hostile.zip")
    return mark


@pytest.mark.parametrize("name", PYTHONPATHS)
def test_an_admitted_plugin_loads_its_own_modules_whatever_pythonpath_says(
    run: Run, owning: Path, hostile: Path, name: str
) -> None:
    [site] = owning.parents[1].glob("lib/python*/site-packages")
    value = PYTHONPATHS[name].format(here=hostile.parent, site=site)
    result = run(owning, "own", PYTHONPATH=value)
    assert (result.returncode, result.stdout) == (0, SAID), result.stderr
    assert not hostile.exists()


@pytest.mark.parametrize("how", ["-c", "-m"])
@pytest.mark.parametrize("value", ["", ".", "{here}", "../here", "link"])
def test_an_admitted_plugin_loads_its_own_modules_wherever_one_stands(
    owning: Path, hostile: Path, how: str, value: str
) -> None:
    launch = "from tokenguard.cli import main; main()"
    folder = (hostile.parent / "hostile").rename(hostile.parent / "here")
    (folder / "launch.py").write_text(launch)
    (folder / "link").symlink_to(".")
    result = subprocess.run(
        [owning, how, launch if how == "-c" else "launch", "own"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": value.format(here=folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (0, SAID), result.stderr
    assert not hostile.exists()


def test_the_folders_of_these_tests_do_stand_in_where_nothing_prevents_it(owning: Path, hostile: Path) -> None:
    """Or the tests above could not fail."""
    for name, value in PYTHONPATHS.items():
        if name == "behind the site directory":  # there, nothing has to be prevented
            continue
        [site] = owning.parents[1].glob("lib/python*/site-packages")
        folder = hostile.parent / ("hostile" if name == "nothing" else ".")
        path = value.format(here=hostile.parent, site=site)
        subprocess.run(
            [owning, "-c", "import own_dependency"], cwd=folder, env=os.environ | {"PYTHONPATH": path}, check=True
        )
        assert hostile.exists(), name
        hostile.unlink()


@pytest.mark.parametrize("value", ["", "{src}", "{src}/", "{src}/../src", ".", "link"])
def test_a_plugin_that_is_installed_to_be_edited_loads_where_one_stands_in_it(
    edited: tuple[Path, Path], hostile: Path, value: str
) -> None:
    python, src = edited
    if not (src / "link").is_symlink():
        (src / "link").symlink_to(".")
    result = subprocess.run(
        [python, "-c", "from tokenguard.cli import main; main()", "own"],
        cwd=src,
        env=os.environ | {"PYTHONPATH": f"{value.format(src=src)}:{hostile.parent / 'hostile'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (0, SAID), result.stderr
    assert not hostile.exists()


@pytest.mark.parametrize(
    ("allowed", "listed"), [("tokenguard-own", True), ("tokenguard-innocent", False), ("Tokenguard__Own", True)]
)
def test_the_list_of_allowed_plugins_means_the_name_in_the_metadata(
    run: Run, tmp_path: Path, allowed: str, *, listed: bool
) -> None:
    python, site = environment(tmp_path / "environment")
    declare(site, "tokenguard-own", "tokenguard_own", folder="tokenguard_innocent")
    mark = tmp_path / "was-run"
    write_files(site, {"tokenguard_own.py": HOSTILE.format(marker=str(mark))})
    result = run(python, "plugins", TOKENGUARD_PLUGINS=allowed)
    assert mark.exists() == listed
    if listed:
        assert "tokenguard-own 0.1\n" in result.stdout
    else:
        assert result.returncode == 2
        assert "TOKENGUARD_PLUGINS names tokenguard-innocent, which is not an installed plugin" in result.stderr


def test_a_plugin_without_a_name_is_refused(run: Run, tmp_path: Path) -> None:
    python, site = environment(tmp_path / "environment")
    declare(site, "tokenguard-own", "tokenguard_own")
    (site / "tokenguard_own-0.1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\n\nName: tokenguard-own\n")
    result = run(python, "plugins")
    assert (result.returncode, result.stdout) == (2, "")
    assert "tokenguard_own-0.1.dist-info: the metadata of a plugin does not say its name" in result.stderr
    result = run(python, "plugins", TOKENGUARD_PLUGINS="")
    assert "tokenguard_own-0.1.dist-info\n  not loaded" in result.stdout


@pytest.fixture
def spoilt(interpreter: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Install a plugin whose module has the given text, in an environment that is thrown away afterwards."""

    def make(text: str) -> Path:
        python, site = environment(tmp_path / "environment")
        declare(site, "tokenguard-spoilt", "tokenguard_spoilt")
        (site / "tokenguard_spoilt.py").write_text(text)
        return python

    return make


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import does_not_exist", "ModuleNotFoundError"),
        ("raise SystemExit(0)", "SystemExit"),
        ("from tokenguard.hookspecs import hookimpl\n@hookimpl\ndef tokenguard_collector(): return []", "collector"),
        ("from tokenguard.hookspecs import hookimpl\n@hookimpl\ndef tokenguard_commands(): return 1 / 0", "ZeroDiv"),
        (
            (
                "from tokenguard.hookspecs import hookimpl\nclass R: format = 'json'\n"
                "@hookimpl\ndef tokenguard_reporters(): return [R]"
            ),
            "'json'",
        ),
        (
            (
                "import click\nfrom tokenguard.hookspecs import hookimpl\n"
                "@hookimpl\ndef tokenguard_commands(): return [click.Command('scan')]"
            ),
            "'scan'",
        ),
        (
            "from tokenguard.hookspecs import hookimpl\n@hookimpl\ndef tokenguard_reporters(): return [1]",
            "'format'",
        ),
        ("from tokenguard.hookspecs import hookimpl\n@hookimpl\ndef tokenguard_rule_paths(): return ['r']", "'name'"),
        (
            "from tokenguard.hookspecs import hookimpl\n@hookimpl\ndef tokenguard_fixers(): return [1]",
            "something else than a fixer",
        ),
    ],
)
def test_a_plugin_that_is_no_good_stops_the_run_and_is_named(
    run: Run, spoilt: Callable[[str], Path], text: str, said: str
) -> None:
    result = run(spoilt(text), "plugins")
    assert result.returncode == 2
    assert "tokenguard-spoilt 0.1" in result.stderr
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("leave", ["raise SystemExit(0)", "click.get_current_context().exit()"])
def test_a_plugin_that_exits_does_not_end_a_scan_as_if_it_had_passed(
    run: Run, spoilt: Callable[[str], Path], leave: str
) -> None:
    text = (
        "import click\n"
        "from tokenguard.hookspecs import hookimpl\n"
        "class R:\n    format = 'leaving'\n    title = 'Nothing'\n"
        f"    def write(self, report, out, style): {leave}\n"
        "@hookimpl\ndef tokenguard_reporters(): return [R()]"
    )
    result = run(spoilt(text), "scan", "--demo", "--format", "leaving")
    assert result.returncode == 2
    assert "the reporter tokenguard_spoilt.R of a plugin failed: " in result.stderr
    assert "Internal error" not in result.stderr


COLLECTOR = """
from tokenguard.hookspecs import hookimpl
from tokenguard.model import CollectionFailure, CollectionNotice, Resource, ResourceType, Scope
SCHEMA = {{"title": "lamp", "type": "object", "required": ["lit"], "properties": {{"lit": {{"type": "boolean"}}}},
          "examples": [{{"lit": True}}]}}
class C:
    resource_types = (ResourceType("lamp", SCHEMA, ("Lamp.Read.All",)),)
    def tenant(self, facts): {tenant}
    def collect(self, source, needs): {collect}
    def read(self, facts, needs, precedence): {read}
@hookimpl
def tokenguard_collectors(): return [C()]
"""
RULE = """{
  "id": "lamp-dark", "title": "A lamp is dark", "severity": "low", "resource": "lamp", "rationale": "r",
  "references": ["https://example.com/"], "require": {"properties": {"lit": {"const": true}}},
  "message": "{name} is dark",
  "examples": [{"outcome": "pass", "properties": {"lit": true}}, {"outcome": "fail", "properties": {"lit": false}},
    {"outcome": "not-evaluated", "unknown": {"lit": "no word"}}]
}"""


@pytest.mark.parametrize(
    ("method", "body", "said"),
    [
        ("collect", "raise ValueError('no such lamp')", "failed: ValueError: no such lamp"),
        ("collect", "raise BrokenPipeError", "failed: BrokenPipeError"),
        ("collect", "raise SystemExit(0)", "failed: SystemExit: 0"),
        ("tenant", "return 'Contoso'", "failed: TypeError: str is no tenant"),
        ("read", "return None", "failed: TypeError: 'NoneType' object is not iterable"),
        ("read", "return 1 / 0", "failed: ZeroDivisionError"),
        ("read", "yield 'a lamp'", "gave a str, which is no resource"),
        (
            "read",
            "yield Resource('lamp', 1, 'desk', {'lit': True})",
            "gave Resource(type='lamp', id=1, name='desk'), whose id",
        ),
        ("read", "yield CollectionFailure('lamp', None)", "gave CollectionFailure(type='lamp', reason=None, "),
        ("read", "yield Scope('lamp', ['1'])", "gave Scope(type='lamp', app_ids=['1']), whose appIds are no frozenset"),
        ("read", "yield Resource('lamp', '1', 'desk', None)", "failed: AttributeError"),
    ],
)
def test_what_goes_wrong_in_a_collector_is_said_of_its_plugin(
    run: Run, spoilt: Callable[[str], Path], tmp_path: Path, *, method: str, body: str, said: str
) -> None:
    parts = {"tenant": "return None", "collect": "return []", "read": "return []"} | {method: body}
    (tmp_path / "lamp-dark.json").write_text(RULE)
    python = spoilt(COLLECTOR.format(**parts))

    result = run(python, "scan", "--demo", "--rules", "lamp-dark.json")
    debugged = run(python, "scan", "--demo", "--rules", "lamp-dark.json", TOKENGUARD_DEBUG="1")

    assert (result.returncode, result.stdout) == (2, "")
    assert f"Error: the collector tokenguard_spoilt.C {'of a plugin ' * ('failed' in said)}{said}" in result.stderr
    assert "Internal error" not in result.stderr
    assert ("Traceback" in result.stderr, "Traceback" in debugged.stderr) == (False, "failed" in said)


@pytest.mark.parametrize(
    ("read", "status", "said"),
    [
        ("yield CollectionNotice('lamp', 'GET /lamps/$count: 403', True)", 0, ["GET /lamps/$count: 403"]),
        ("yield CollectionNotice('lamp', 'seen'); yield CollectionNotice('lamp', 'seen')", 0, ["seen"]),
        (
            "yield Resource('lamp', '1', 'desk', {'lit': None}, {'lit': 'GET /lamps/1: 403 Forbidden'})",
            3,
            ["Not known: lit of lamp (1 resource): GET /lamps/1: 403 Forbidden"],
        ),
        ("yield Resource('lamp', '1', 'desk', {'lit': None}, {'lit': 'nobody can tell'})", 0, []),
        (
            "yield CollectionFailure('lamp', 'GET /lamps: 403 Forbidden', 'Lamp.Read.All')",
            3,
            ["Not read to the end: lamp: GET /lamps: 403 Forbidden; it takes Lamp.Read.All"],
        ),
        ("yield Scope('lamp', frozenset({'1'}))", 0, []),
    ],
)
def test_collect_says_what_a_plugin_could_not_read_and_notices_change_no_status(
    run: Run, spoilt: Callable[[str], Path], tmp_path: Path, *, read: str, status: int, said: list[str]
) -> None:
    (tmp_path / "lamp-dark.json").write_text(RULE)
    python = spoilt(COLLECTOR.format(tenant="return None", collect="return []", read=read))

    result = run(python, "collect", "--demo", "--rules", "lamp-dark.json", "--output", "lamps.jsonl")

    assert (result.returncode, result.stderr.splitlines()[1:]) == (status, said)
    assert (tmp_path / "lamps.jsonl").exists()


FIXER = """
from pathlib import Path
from tokenguard.changes import Operation, Proposal
def called():
    Path("called").touch()
class F:
    resource_type = "lamp"
    needs = ()
    def permissions(self, operation): called(); return [("Lamp",)]
    def propose(self, facts, resource, remediation, alike): called(); return Proposal((LIGHT,), "one lamp")
    def enact(self, facts, operation): called(); return ["lit"]
LIGHT = Operation("light", {"lamp": "1"}, {}, {"lit": True}, "light it")
@hookimpl
def tokenguard_fixers(): return [F()]
"""
PLUGINS_OWN = (
    "its fixer is of the plugin tokenguard-spoilt 0.1, and only what tokenguard's own fixers propose can be written"
)
FIXERS = {
    "a good one": ("", PLUGINS_OWN),
    "needs that are none": ("F.needs = None", PLUGINS_OWN),
    "needs that raise": ("F.needs = property(lambda self: 1 / 0)", PLUGINS_OWN),
    "no needs": ("del F.needs", PLUGINS_OWN),
    "propose that raises": ("F.propose = lambda *_: 1 / 0", PLUGINS_OWN),
    "propose that exits": ("def leave(*_): raise SystemExit(0)\nF.propose = leave", PLUGINS_OWN),
    "propose that gives nothing": ("F.propose = lambda *_: None", PLUGINS_OWN),
    "no propose": ("del F.propose", PLUGINS_OWN),
    "operations that are none": ("F.propose = lambda *_: Proposal((1,), 'one lamp')", PLUGINS_OWN),
    "enact that raises": ("F.enact = lambda *_: 1 / 0", PLUGINS_OWN),
    "no enact": ("del F.enact", PLUGINS_OWN),
    "permissions that are none": ("F.permissions = lambda *_: ()", PLUGINS_OWN),
    "no permissions": ("del F.permissions", PLUGINS_OWN),
    "no resource type": ("del F.resource_type", "plugin tokenguard-spoilt 0.1 gives something else than a fixer"),
    "a resource type that raises": (
        "F.resource_type = property(lambda self: 1 / 0)",
        "plugin tokenguard-spoilt 0.1 gives something else than a fixer: division by zero",
    ),
    "a resource type that exits": (
        "def leave(self): raise SystemExit(0)\nF.resource_type = property(leave)",
        "plugin tokenguard-spoilt 0.1 gives something else than a fixer: 0",
    ),
    "a resource type that is no text": (
        "F.resource_type = ['lamp']",
        "plugin tokenguard-spoilt 0.1 gives a fixer whose resource type is no text",
    ),
    "a hook that raises": (
        "@hookimpl\ndef tokenguard_fixers(): return 1 / 0",
        "plugin tokenguard-spoilt 0.1: tokenguard_fixers failed: ZeroDivisionError: division by zero",
    ),
    "a hook that exits": (
        "@hookimpl\ndef tokenguard_fixers(): raise SystemExit(0)",
        "plugin tokenguard-spoilt 0.1: tokenguard_fixers failed: SystemExit: 0",
    ),
    "a hook that gives no list": (
        "@hookimpl\ndef tokenguard_fixers(): return 1",
        "plugin tokenguard-spoilt 0.1: tokenguard_fixers failed: TypeError",
    ),
}
"""What makes a fixer a bad one, and why its findings are skipped."""
DARK = COLLECTOR.format(
    tenant="return None", collect="return []", read="yield Resource('lamp', '1', 'desk', {'lit': False})"
)


@pytest.fixture
def lamp_dark(tmp_path: Path) -> Path:
    """A rule that a lamp can be made to comply with, were there somebody to write it."""
    path = tmp_path / "lamp-dark.json"
    path.write_text(
        json.dumps(json.loads(RULE) | {"remediation": {"safety": "unsafe", "set": {"lit": True}, "guidance": "g"}})
    )
    return path


@pytest.mark.parametrize("name", FIXERS)
def test_the_findings_of_a_plugin_s_fixer_are_skipped_and_no_others(
    run: Run, spoilt: Callable[[str], Path], lamp_dark: Path, name: str
) -> None:
    """Whether it is any good or not, and whatever is not: nothing of it is called."""
    spoils, reason = FIXERS[name]
    python = spoilt(f"{DARK}{FIXER}{spoils}\n")
    chosen = ("--select", "lamp-dark", "--select", "retired-token-lifetime-setting")

    result = run(python, "fix", "--demo", "--dry-run", "--rules", str(lamp_dark), "--rules", "token-lifetime", *chosen)

    assert result.returncode == 1, result.stderr
    planned, _, skipped = result.stdout.partition("NOT MENDED\n")
    skipped, _, _ = skipped.partition("\nNOT EVALUATED")
    assert "1 change planned" in planned
    assert "mends retired-token-lifetime-setting" in planned
    assert skipped.startswith(f"  lamp-dark: desk\n    {reason}")
    assert len(skipped.splitlines()) == 2
    assert not (lamp_dark.parent / "called").exists()


def test_a_plugin_with_a_fixer_for_a_built_in_type_is_refused(
    run: Run, spoilt: Callable[[str], Path], lamp_dark: Path
) -> None:
    python = spoilt(f"{DARK}{FIXER}F.resource_type = 'tokenLifetimePolicy'\n")
    result = run(python, "fix", "--demo", "--dry-run", "--rules", str(lamp_dark))
    assert (result.returncode, result.stdout) == (2, "")
    assert "two plugins claim the fixer for 'tokenLifetimePolicy': tokenguard " in result.stderr
    assert " and tokenguard-spoilt 0.1" in result.stderr


def test_what_others_distribute_as_tokenguard_is_no_built_in_plugin(run: Run, tmp_path: Path, lamp_dark: Path) -> None:
    python, site = environment(tmp_path / "environment")
    declare(site, "tokenguard", "tokenguard_spoilt")
    (site / "tokenguard_spoilt.py").write_text(DARK + FIXER)

    result = run(python, "fix", "--demo", "--dry-run", "--rules", str(lamp_dark))
    report = run(python, "scan", "--demo", "--rules", str(lamp_dark), "--format", "json")

    assert "its fixer is of the plugin tokenguard 0.1" in result.stdout
    assert json.loads(report.stdout)["header"]["plugins"] == ["tokenguard 0.1"]


def test_built_in_changes_are_written_beside_what_a_plugin_s_fixer_cannot(
    spoilt: Callable[[str], Path], lamp_dark: Path, bench: Bench
) -> None:
    python = spoilt(f"{DARK}{FIXER}F.propose = lambda *_: 1 / 0\n")
    result = subprocess.run(
        [
            python, "-c", "from tokenguard.cli import main; main()",
            "fix", "--rules", lamp_dark, "--rules", bench.rule(),
            "--unsafe", "--yes", "--wait", "0", "--journal", "journal.jsonl",
        ],
        cwd=bench.folder,
        env={**bench.sandbox.environment, "HOME": str(bench.folder), "TOKENGUARD_PLUGINS": "tokenguard-spoilt"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip

    assert result.returncode == 1, result.stderr  # the lamp is still dark
    assert f"lamp-dark: desk\n    {PLUGINS_OWN}" in result.stdout
    assert bench.writes() == CREATED
    assert bench.held() == FIVE_HOURS
    assert bench.journal() == APPLIED


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (
            "raise ValueError('x')",
            2,
            "Error: the command 'hi' of the plugin tokenguard-spoilt 0.1 failed: ValueError: x",
        ),
        ("raise click.UsageError('no such greeting')", 2, "Error: no such greeting"),
        ("raise SystemExit(5)", 5, ""),
        ("click.get_current_context().exit(6)", 6, ""),
    ],
)
def test_a_command_of_a_plugin_ends_as_it_likes_and_its_faults_are_its_own(
    run: Run, spoilt: Callable[[str], Path], body: str, status: int, said: str
) -> None:
    text = (
        "import click\nfrom tokenguard.hookspecs import hookimpl\n"
        f"@click.command()\ndef hi(): {body}\n"
        "@hookimpl\ndef tokenguard_commands(): return [hi]"
    )
    result = run(spoilt(text), "hi")

    assert result.returncode == status
    assert said in result.stderr
    assert "fault of tokenguard" not in result.stderr


def test_what_goes_wrong_in_a_reporter_is_said_of_its_plugin_and_leaves_no_file(
    run: Run, spoilt: Callable[[str], Path], tmp_path: Path
) -> None:
    text = (
        "from tokenguard.hookspecs import hookimpl\n"
        "class R:\n    format = 'broken'\n    title = 'Nothing'\n"
        "    def write(self, report, out, style):\n        out.write(b'half')\n        raise KeyError('tenant')\n"
        "@hookimpl\ndef tokenguard_reporters(): return [R()]"
    )

    result = run(spoilt(text), "scan", "--demo", "--format", "broken", "--output", "report.broken")

    assert (result.returncode, result.stdout) == (2, "")
    assert "Error: the reporter tokenguard_spoilt.R of a plugin failed: KeyError: 'tenant'" in result.stderr
    assert not (tmp_path / "report.broken").exists()
