from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest

from tokenguard.cli.configuration import NAME, find, load
from tokenguard.errors import UsageError
from tokenguard.repository import check_owners, foreign, root_of

ME, OTHER = 1000, 1001
PRIVATE, STAFF, SHARED = 1000, 50, 1002


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which each user has a group of the same name, and some have more."""
    people = {
        0: ("root", 0), ME: ("ada", PRIVATE), OTHER: ("bob", 1001), 1003: ("eve", STAFF), 1004: ("max", 1005),
        1006: ("ina", 1006), 1007: ("tom", 1006),
    }  # fmt: skip
    groups = {
        0: ("root", []), PRIVATE: ("ada", ["ada"]), 1001: ("bob", []), STAFF: ("staff", []), SHARED: ("ada", []),
        1005: ("max", ["bob"]), 1006: ("ina", []),
    }  # fmt: skip
    known = {id_: pwd.struct_passwd((name, "x", id_, group, "", "/", "/")) for id_, (name, group) in people.items()}
    monkeypatch.setattr(pwd, "getpwuid", known.__getitem__)
    monkeypatch.setattr(pwd, "getpwall", lambda: [*known.values()])
    monkeypatch.setattr(grp, "getgrgid", lambda id_: grp.struct_group((groups[id_][0], "x", id_, groups[id_][1])))


@pytest.mark.parametrize(
    ("me", "status", "said"),
    [
        (ME, (ME, PRIVATE, 0o600), ""),
        (ME, (ME, STAFF, 0o644), ""),
        (ME, (0, 0, 0o644), ""),
        (0, (0, 0, 0o755), ""),
        (ME, (OTHER, PRIVATE, 0o600), "another user owns it (owner bob (1001), mode 0600)"),
        (0, (ME, 0, 0o600), "another user owns it (owner ada (1000), mode 0600)"),
        (ME, (4242, STAFF, 0o644), "another user owns it (owner 4242, mode 0644)"),
        (ME, (ME, PRIVATE, 0o602), "anyone may write it (owner ada (1000), mode 0602)"),
        (ME, (0, 0, 0o1777), "anyone may write it (owner root (0), mode 1777)"),
        pytest.param(ME, (ME, PRIVATE, 0o664), "", id="umask 002, with a group of one's own"),
        pytest.param(ME, (0, 0, 0o775), "", id="root's own group"),
        pytest.param(
            ME, (ME, STAFF, 0o664), "its group staff (50) may write it (owner ada", id="not the primary group"
        ),
        pytest.param(1003, (1003, STAFF, 0o664), "its group staff (50) may write it", id="primary, of another name"),
        pytest.param(ME, (ME, SHARED, 0o664), "its group ada (1002) may write it", id="of the name, not primary"),
        pytest.param(1004, (1004, 1005, 0o664), "its group max (1005) may write it", id="with another member"),
        pytest.param(1006, (1006, 1006, 0o664), "its group ina (1006) may write it", id="another's primary group too"),
        pytest.param(ME, (ME, 4242, 0o664), "its group 4242 may write it", id="nobody knows who is in it"),
        pytest.param(4242, (4242, 4242, 0o664), "its group 4242 may write it", id="nobody knows the user"),
    ],
)
@pytest.mark.usefixtures("users")
def test_what_others_decide_is_foreign(
    me: int, status: tuple[int, int, int], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, group, mode = status
    monkeypatch.setattr(os, "geteuid", lambda: me)
    found = foreign(os.stat_result((0o100000 | mode, 0, 0, 1, owner, group, 0, 0, 0, 0)))
    assert found.startswith(said) if said else not found


@pytest.mark.usefixtures("users")
def test_where_there_are_no_owners_nothing_is_foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "geteuid")
    assert foreign(os.stat_result((0o100777, 0, 0, 1, 0, 0, 0, 0, 0, 0))) == ""


def repository(folder: Path) -> Path:
    """What git takes for one, as far as we look."""
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    return folder


def a_folder_elsewhere(mark: Path) -> None:
    mark.symlink_to(repository(mark.parent.parent / "elsewhere") / ".git")


def a_branch_that_is_not_born(mark: Path) -> None:
    """As git had it before it wrote HEAD as a text."""
    mark.mkdir()
    (mark / "HEAD").symlink_to("refs/heads/main")


@pytest.mark.parametrize(
    "make",
    [
        lambda mark: repository(mark.parent),
        lambda mark: mark.write_text("gitdir: ../elsewhere\n"),
        a_folder_elsewhere,
        a_branch_that_is_not_born,
    ],
)
def test_the_root_of_a_repository_has_what_git_keeps(tmp_path: Path, make: Callable[[Path], object]) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert root_of(inner) is None
    make(tmp_path / "a" / ".git")
    assert root_of(inner) == root_of(tmp_path / "a") == tmp_path / "a"


@pytest.mark.parametrize(
    "make",
    [
        lambda mark: mark.mkdir(),
        lambda mark: mark.write_text(""),
        lambda mark: mark.write_text("garbage"),
        lambda mark: mark.symlink_to("nowhere"),
        lambda mark: mark.symlink_to(mark),
        os.mkfifo,
    ],
    ids=["an empty folder", "an empty file", "another file", "a link to nowhere", "a link to itself", "a pipe"],
)
def test_what_git_walks_past_hides_no_configuration(tmp_path: Path, make: Callable[[Path], object]) -> None:
    inner = repository(tmp_path / "a") / "b"
    inner.mkdir()
    make(inner / ".git")
    (tmp_path / "a" / NAME).write_text("")
    assert root_of(inner) == tmp_path / "a"
    assert find(inner) == tmp_path / "a" / NAME


def test_a_configuration_is_looked_for_up_to_the_root_of_the_repository(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    (inner / "c").mkdir(parents=True)
    (tmp_path / NAME).write_text("")
    (tmp_path / "a" / NAME).write_text("")
    assert find(inner) is None, "there is no repository"
    assert find(tmp_path) == tmp_path / NAME
    repository(tmp_path / "a")
    assert find(inner / "c") == tmp_path / "a" / NAME
    (inner / NAME).write_text("")
    assert find(inner / "c") == inner / NAME
    (inner / NAME).unlink()
    repository(inner)
    assert find(inner / "c") is None, "another repository begins between"


OPEN = 0o777


@pytest.mark.parametrize("name", ["a/b/tokenguard.toml", "a/b", "a"])
def test_nobody_else_may_write_the_file_nor_a_folder_on_the_way_to_the_root(tmp_path: Path, name: str) -> None:
    repository(tmp_path / "a")
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    path = tmp_path / "a" / "b" / NAME
    path.write_text("")
    for each in (tmp_path, tmp_path / "a" / "b" / "c"):
        each.chmod(OPEN)
    assert load(path, named=False).path == path
    (tmp_path / name).chmod(OPEN)
    with pytest.raises(UsageError) as caught:
        load(path, named=False)
    assert caught.value.message.startswith(f"{tmp_path / name}: not used, since anyone may write it (owner ")
    assert "mode 0777" in caught.value.message
    assert "--config FILE" in caught.value.hint
    assert load(path, named=True).path == path


def test_nor_the_folder_that_a_link_leads_to(tmp_path: Path) -> None:
    repository(tmp_path)
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "mine.toml").write_text("")
    (tmp_path / NAME).symlink_to("open/mine.toml")
    assert load(tmp_path / NAME, named=False).path == tmp_path / NAME
    (tmp_path / "open").chmod(OPEN)
    with pytest.raises(UsageError, match="open: not used"):
        load(tmp_path / NAME, named=False)


def linked(root: Path) -> Path:
    """A configuration behind a chain of links by three ways, a folder each, of which only the last holds it."""
    repository(root)
    for name in ("first", "second", "third", "real"):
        (root / name / "inner").mkdir(parents=True)
    (root / "real" / "t.toml").write_text("")
    (root / NAME).symlink_to("first/inner/../t.toml")
    (root / "first" / "t.toml").symlink_to(root / "second" / "inner" / "folder" / "t.toml")
    (root / "second" / "inner" / "folder").symlink_to("../../third/folder")
    (root / "third" / "folder").symlink_to("../real")
    return root / NAME


@pytest.mark.parametrize("name", ["first", "second/inner", "second", "third", "real", "."])
def test_nor_the_folder_of_any_link_on_the_way(tmp_path: Path, name: str) -> None:
    path = linked(tmp_path)
    (tmp_path / "real" / "inner").chmod(OPEN)
    assert load(path, named=False).path == path
    (tmp_path / name).chmod(OPEN)
    with pytest.raises(UsageError, match=f"{(tmp_path / name).resolve()}: not used"):
        load(path, named=False)


def test_links_that_do_not_end_are_not_followed_for_ever(tmp_path: Path) -> None:
    """Laid after the file was read: until then no path through them leads to one."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(UsageError, match="too many links"):
        check_owners(tmp_path / "a" / NAME, tmp_path)
