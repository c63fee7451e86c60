"""What systems do not have in common, with the system's own means and without them."""

from __future__ import annotations

import ast
import errno
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tokenguard.errors import DocumentError, UsageError
from tokenguard.files import read_file
from tokenguard.journal import checked_state_folder, exclusive
from tokenguard.journal.key import known_keys
from tokenguard.system import locking, open_unlinked, opening, state_home
from without_posix import hiding

try:
    import fcntl
except ImportError:  # on Windows, where the lock of the system is `msvcrt` itself
    fcntl: Any = None

needs_posix = pytest.mark.skipif(fcntl is None, reason="the system has no such calls, or lets nobody lay links")
SOURCES = Path(__file__).parents[2] / "src" / "tokenguard"
ONLY_THERE = {
    "fcntl", "msvcrt", "pwd", "grp", "getuid", "geteuid", "fchmod", "chown", "fchown", "O_NOFOLLOW", "O_DIRECTORY",
    "O_NONBLOCK", "O_CLOEXEC", "O_PATH", "dir_fd", "supports_dir_fd", "mkfifo", "tcgetpgrp", "getpgrp", "fork",
}  # fmt: skip
"""Names that one system or another lacks."""


def stand_in():
    """A `msvcrt` that locks as Microsoft's documents say, made of POSIX record locks; no Windows has been asked."""

    def locking(handle, mode, count):
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, count)
        except OSError as error:
            raise PermissionError(errno.EACCES, "Permission denied") from error

    return SimpleNamespace(LK_NBLCK=2, locking=locking)


@pytest.fixture(params=["native", pytest.param("msvcrt (a stand-in)", marks=needs_posix), "file"])
def mechanism(request, monkeypatch):
    """Each way to lock, in this process."""
    if request.param != "native":
        bare(monkeypatch)
        found = {"msvcrt": stand_in()} if request.param.startswith("msvcrt") else {}

        def module(name):
            if name in found:
                return found[name]
            raise ImportError(name)

        monkeypatch.setattr(locking, "import_module", module)
    return request.param.split()[0]


def bare(monkeypatch):
    """Take away what `os` has on POSIX alone."""
    for name in ("O_NOFOLLOW", "O_DIRECTORY", "getuid", "geteuid"):
        monkeypatch.delattr(os, name, raising=False)
    monkeypatch.setattr(os, "supports_dir_fd", set())


@pytest.fixture(params=[pytest.param("POSIX", marks=needs_posix), "bare"])
def system(request, monkeypatch):
    if request.param == "bare":
        bare(monkeypatch)
    return request.param


def test_one_package_alone_names_what_a_system_may_lack():
    for path in SOURCES.rglob("*.py"):
        if path.parent.name == "system":
            continue
        tree = ast.parse(path.read_text())
        named = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        named |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg}
        named |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert not named & ONLY_THERE, path


def test_every_module_can_be_imported_without_what_posix_alone_has():
    program = (
        "import importlib, pkgutil, tokenguard, tokenguard_sandbox\n"
        "for package in (tokenguard, tokenguard_sandbox):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if not module.name.endswith('__main__'):\n"
        "            importlib.import_module(module.name)\n"
        "try:\n"
        "    import fcntl\n"
        "except ImportError:\n"
        "    print('hidden')\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, env=hiding(os.environ), capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("hidden\n", "")


# --- links ------------------------------------------------------------------------------------------------------------


@needs_posix
@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_RDWR | os.O_CREAT, os.O_WRONLY | os.O_CREAT | os.O_EXCL])
def test_no_link_is_opened_nor_what_it_leads_to_made(system, tmp_path, flags, there):
    if there:
        (tmp_path / "precious").write_text("theirs")
    (tmp_path / "link").symlink_to("precious")
    with pytest.raises(OSError, match=r"Too many levels|File exists"):
        open_unlinked(tmp_path / "link", flags)
    assert (tmp_path / "precious").exists() is there
    if there:
        assert (tmp_path / "precious").read_text() == "theirs"


@needs_posix
def test_a_link_that_is_laid_while_a_file_is_opened_is_seen(monkeypatch, tmp_path):
    """Without the flag, what was opened is compared with what was looked at."""
    bare(monkeypatch)
    (tmp_path / "precious").write_text("theirs")
    (tmp_path / "file").touch()
    opens = os.open

    def then_open(path, flags, *mode):
        (tmp_path / "file").unlink()
        (tmp_path / "file").symlink_to("precious")
        return opens(path, flags, *mode)

    monkeypatch.setattr(opening.os, "open", then_open)
    before = sum(1 for _ in Path("/dev/fd").iterdir())
    with pytest.raises(OSError, match="Too many levels"):
        open_unlinked(tmp_path / "file", os.O_RDONLY)
    assert sum(1 for _ in Path("/dev/fd").iterdir()) == before


@needs_posix
def test_no_pipe_is_waited_for_where_no_flag_says_so(monkeypatch, tmp_path):
    bare(monkeypatch)
    monkeypatch.setattr(opening, "_ALWAYS", 0)
    os.mkfifo(tmp_path / "pipe")
    both_ends = os.open(tmp_path / "pipe", os.O_RDWR)  # without them the one who opens it waits
    try:
        for flags in (os.O_RDONLY, os.O_RDWR | os.O_CREAT):
            with pytest.raises(OSError, match="it is a pipe"):
                os.close(open_unlinked(tmp_path / "pipe", flags))
    finally:
        os.close(both_ends)


def test_a_file_that_another_makes_at_the_same_moment_is_opened_all_the_same(monkeypatch, tmp_path):
    bare(monkeypatch)
    status, quicker = opening._status, iter([None])

    def then_made(path):
        seen = status(path)
        for _ in quicker:
            path.write_text("theirs")
        return seen

    monkeypatch.setattr(opening, "_status", then_made)
    handle = open_unlinked(tmp_path / "file", os.O_RDONLY | os.O_CREAT)
    assert os.read(handle, 10) == b"theirs"
    os.close(handle)


@needs_posix
@pytest.mark.parametrize("step", ["folder", "file"])
def test_no_step_within_a_repository_follows_a_link(system, monkeypatch, tmp_path, step):
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (root / "folder" / "file").write_text("ours")
    assert read_file(root / "folder" / "file", "a list", within=root) == b"ours"
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("theirs")
    below = opening.open_below

    def after_a_change(root, steps):
        changed = root / "folder" if step == "folder" else root / "folder" / "file"
        changed.rename(tmp_path / "was")
        changed.symlink_to(tmp_path / "outside" / ("" if step == "folder" else "file"))
        return below(root, steps)

    monkeypatch.setattr("tokenguard.files.open_below", after_a_change)
    with pytest.raises(DocumentError, match="cannot be read"):
        read_file(root / "folder" / "file", "a list", within=root)


@needs_posix
def test_a_state_folder_that_is_a_link_is_refused(system, tmp_path):
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / "tokenguard").symlink_to(tmp_path / "real")
    for make in (True, False):
        with pytest.raises(UsageError, match="is a link") as refusal:
            checked_state_folder(tmp_path / "state" / "tokenguard", make=make)
        assert ("XDG_STATE_HOME" if system == "POSIX" else "LOCALAPPDATA") in refusal.value.hint


@needs_posix
def test_a_key_behind_a_link_is_refused(system, tmp_path):
    (tmp_path / "elsewhere").write_bytes(bytes(32))
    (tmp_path / "elsewhere").chmod(0o600)
    (tmp_path / "journal.key").symlink_to("elsewhere")
    with pytest.raises(UsageError, match="cannot be opened"):
        known_keys(tmp_path, None)


def test_the_state_is_kept_where_the_system_has_it(system, tmp_path):
    variables = {"XDG_STATE_HOME": str(tmp_path / "xdg"), "LOCALAPPDATA": str(tmp_path / "local"), "HOME": "/"}
    assert state_home(variables).name == ("xdg" if system == "POSIX" else "local")
    relative = dict.fromkeys(variables, "folder")
    ending = (".local", "state") if system == "POSIX" else ("AppData", "Local")
    assert state_home(relative).parts[-2:] == state_home({}).parts[-2:] == ending


# --- locks ------------------------------------------------------------------------------------------------------------


def held_by_another(folder: Path, mechanism: str) -> subprocess.Popen[str]:
    """Another process that holds the lock of the tenant ``t`` until it is told to end."""
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "sys.path[:0] = ['tests', 'tests/unit']\n"
        "import test_system\n"
        "from tokenguard.system import locking\n"
        f"mechanism = {mechanism!r}\n"
        "def module(name):\n"
        "    if name == 'msvcrt' and mechanism == 'msvcrt': return test_system.stand_in()\n"
        "    raise ImportError(name)\n"
        "if mechanism != 'native': locking.import_module = module\n"
        "from tokenguard.journal import exclusive\n"
        f"with exclusive(Path({str(folder)!r}), 't'):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_one_process_at_a_time_holds_the_lock_and_its_end_frees_it(mechanism, tmp_path):
    with held_by_another(tmp_path, mechanism) as other:
        with pytest.raises(UsageError, match="another run is writing to tenant t") as refusal, exclusive(tmp_path, "t"):
            raise AssertionError("it was locked twice")
        with exclusive(tmp_path, "another tenant"):
            pass
        other.communicate("")
    assert other.returncode == 0
    with exclusive(tmp_path, "t"):
        pass
    with exclusive(tmp_path, "t"):
        pass
    if mechanism == "file":
        assert str(other.pid) in refusal.value.message
        assert list(tmp_path.iterdir()) == []


def test_a_process_that_is_killed_leaves_its_file_alone_behind_and_the_system_frees_the_others(mechanism, tmp_path):
    with held_by_another(tmp_path, mechanism) as other:
        other.kill()
    if mechanism != "file":
        with exclusive(tmp_path, "t"):
            return
    for _ in range(2):  # it is not taken in silence, however often it is tried
        made = f"process {other.pid} made this file"
        with pytest.raises(UsageError, match=made) as refusal, exclusive(tmp_path, "t"):
            raise AssertionError("it was taken")
    assert str(tmp_path / "t.held") in refusal.value.message
    assert "remove the file" in refusal.value.hint
    (tmp_path / "t.held").unlink()
    with exclusive(tmp_path, "t"):
        pass


@pytest.mark.parametrize("content", ["", "\x1b[2J", "not a number", "1" * 10_000])
def test_a_file_that_says_nothing_of_a_process_is_quoted_for_nothing(monkeypatch, tmp_path, content):
    monkeypatch.setattr(locking, "_system_lock", lambda: None)
    (tmp_path / "t.held").write_text(content)
    with pytest.raises(UsageError) as refusal, exclusive(tmp_path, "t"):
        raise AssertionError("it was taken")
    assert "\x1b" not in refusal.value.message
    assert len(refusal.value.message) < 400


@needs_posix
@pytest.mark.parametrize("leads_to", ["precious", "none"])
def test_no_lock_follows_a_link(mechanism, tmp_path, leads_to):
    (tmp_path / "precious").write_text("theirs")
    name = "t.held" if mechanism == "file" else "t.lock"
    (tmp_path / name).symlink_to(leads_to)
    with pytest.raises(UsageError, match=f"{name}: cannot be locked"), exclusive(tmp_path, "t"):
        raise AssertionError("it was locked")
    assert not (tmp_path / "none").exists()
    assert (tmp_path / "precious").read_text() == "theirs"
    assert (tmp_path / name).is_symlink()


def test_the_file_of_another_run_is_not_removed(monkeypatch, tmp_path):
    """Somebody removed ours, and another run began."""
    monkeypatch.setattr(locking, "_system_lock", lambda: None)
    with exclusive(tmp_path, "t"):
        (tmp_path / "t.held").rename(tmp_path / "removed")
        (tmp_path / "t.held").write_text("7")
    assert (tmp_path / "t.held").read_text() == "7"


@needs_posix
def test_a_file_system_without_locks_is_a_refusal_and_no_internal_error(monkeypatch, tmp_path):
    def refuse(handle, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(UsageError, match="No locks available"), exclusive(tmp_path, "t"):
        raise AssertionError("it was locked")
