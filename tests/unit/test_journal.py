"""The journal: on the disk before anything follows from it, and taken only as tokenguard wrote it."""

import errno
import hashlib
import json
import os
import subprocess
import sys
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memory_tenant import HOLDER, KEY, A, B, assign, change, content, create, unassign
from tokenguard.cli import journals
from tokenguard.consent import change_from_dict, change_to_dict, digest
from tokenguard.errors import DocumentError, UsageError
from tokenguard.journal import (
    Ended,
    Fate,
    Header,
    Key,
    Place,
    Step,
    checked_state_folder,
    create_journal,
    exclusive,
    known_keys,
    read_journal,
    resume_journal,
    writing_key,
)
from tokenguard.judging.engine import document_mistakes
from tokenguard.model import Precedence, Safety, Tenant
from tokenguard.schemas import schema
from tokenguard.system import user

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CHANGES = (change(unassign(A), assign(B)), change(create("five"), assign("new:five"), id_="second"))


def now():
    return NOW


def header(**changed):
    given = {
        "purpose": "fix",
        "tenant": Tenant("t", "Contoso"),
        "cloud": "global",
        "precedence": Precedence.ALL,
        "started_at": NOW.isoformat(),
        "producer": "tokenguard 1",
        "uid": user(),
        "changes": CHANGES,
    }
    return Header(**{**given, **changed})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


@pytest.fixture
def journal(path):
    journal = create_journal(path, header(), now, KEY)
    yield journal
    journal.close()


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_lines(path, documents):
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))


def place(index=0, step=Step.WRITE, of="change"):
    return Place(of, index, step)


def test_a_change_reads_back_as_it_was():
    for each in CHANGES:
        assert change_from_dict(json.loads(json.dumps(change_to_dict(each)))) == each


def test_the_digest_is_of_what_changes_do():
    assert digest(CHANGES) == digest(list(CHANGES))
    assert digest(CHANGES) != digest(CHANGES[:1])


def test_a_journal_is_for_its_owner_alone(journal, path):
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_is_written_over(journal, path):
    with pytest.raises(UsageError, match="cannot be written there"):
        create_journal(path, header(), now, KEY)


def test_a_folder_that_is_missing_is_said(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        create_journal(tmp_path / "none" / "journal.jsonl", header(), now, KEY)


def test_a_journal_whose_first_line_has_no_room_leaves_no_file_behind(path, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(UsageError, match="No space left on device"):
            create_journal(path, header(), now, KEY)
    assert not path.exists()
    create_journal(path, header(), now, KEY).close()


def test_every_line_is_on_the_disk_before_anything_follows(path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(str(Path(f"/proc/self/fd/{handle}").readlink())))
    journal = create_journal(path, header(), now, KEY)
    assert synced == [str(path), str(path.parent)]
    journal.intend(place(), unassign(A))
    journal.settle(place(), Ended(Fate.APPLIED), None)
    journal.end("change", Ended(Fate.APPLIED))
    journal.close()
    assert synced[2:] == [str(path)] * 3


def test_every_line_is_valid_against_its_schema(journal, path):
    journal.record.ids["new:five"] = A
    journal.intend(place(), unassign(A))
    journal.settle(place(), Ended(Fate.POSTPONED, "429"), {"policy": A})
    journal.end("change", Ended(Fate.FAILED, "403"))
    for line in lines(path):
        assert document_mistakes(schema("journal"), line) == []


def test_what_is_read_is_what_was_written(journal, path):
    journal.intend(place(), unassign(A))
    journal.settle(place(), Ended(Fate.APPLIED), None)
    journal.intend(place(1), assign(B))
    journal.record.ids["new:five"] = B
    journal.end("second", Ended(Fate.STALE, "it is gone"))
    record = read_journal(path, [KEY])
    assert record == journal.record
    first, second = record.progress["change"], record.progress["second"]
    assert [done.operation for done in first.done] == [unassign(A)]
    assert first.next == 1
    assert first.pending.operation == assign(B)
    assert first.ended is None
    assert second.ended == Ended(Fate.STALE, "it is gone")
    assert record.ids == {"new:five": B}


@pytest.mark.parametrize(
    ("outcome", "pending", "done"),
    [
        (Fate.APPLIED, False, True),
        (Fate.HELD, False, False),
        (Fate.POSTPONED, False, False),
        (Fate.FAILED, False, False),
        (Fate.STALE, False, False),
        (Fate.UNCONFIRMED, True, False),
    ],
)
def test_only_what_is_confirmed_is_done_and_only_reading_settles_what_is_not(journal, path, outcome, pending, done):
    journal.intend(place(), unassign(A))
    journal.settle(place(), Ended(outcome), None)
    progress = read_journal(path, [KEY]).progress["change"]
    assert (progress.pending is not None, bool(progress.done)) == (pending, done)


def test_what_was_taken_back_is_not_done(journal, path):
    journal.intend(place(), unassign(A))
    journal.settle(place(), Ended(Fate.APPLIED), None)
    journal.intend(place(step=Step.TAKE_BACK), assign(A))
    assert read_journal(path, [KEY]).progress["change"].taking_back
    assert read_journal(path, [KEY]).progress["change"].done
    journal.settle(place(step=Step.TAKE_BACK), Ended(Fate.APPLIED), {"policy": A})
    assert not read_journal(path, [KEY]).progress["change"].done


def test_a_last_line_that_was_cut_off_says_nothing_wherever_it_was_cut(path):
    journal = create_journal(path, header(), now, KEY)
    journal.intend(place(), unassign(A))
    whole = path.read_bytes()
    journal.settle(place(), Ended(Fate.APPLIED), None)
    journal.close()
    longer = path.read_bytes()
    for size in (*range(len(whole), len(longer), 23), len(longer) - 1):
        path.write_bytes(longer[:size])
        assert read_journal(path, [KEY]).progress["change"].pending is not None
        resumed = resume_journal(path, now, [KEY])
        resumed.end("second", Ended(Fate.HELD))
        resumed.close()
        assert len(lines(path)) == 3
        assert read_journal(path, [KEY]) == resumed.record


def test_a_journal_that_never_began_says_that_nothing_was_written(path):
    path.touch(0o600)
    path.chmod(0o600)
    with pytest.raises(DocumentError, match="nothing was written to the tenant"):
        read_journal(path, [KEY])


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o666, 0o400, 0o700])
def test_a_file_that_others_can_reach_is_not_taken(journal, path, mode):
    path.chmod(mode)
    for take in (lambda path: read_journal(path, [KEY]), lambda path: resume_journal(path, now, [KEY])):
        with pytest.raises(DocumentError, match=rf"mode 0{mode:o}"):
            take(path)


def test_what_is_no_file_is_not_taken(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(DocumentError, match="no regular file"):
        read_journal(tmp_path / "pipe", [KEY])
    with pytest.raises(DocumentError, match="no regular file"):
        read_journal(tmp_path, [KEY])
    with pytest.raises(DocumentError, match="cannot be opened"):
        read_journal(tmp_path / "none", [KEY])


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root can give a file to another user")
def test_a_journal_of_another_user_is_not_taken(journal, path):
    os.chown(path, 12345, -1)
    with pytest.raises(DocumentError, match="belongs to the user with the number 12345"):
        read_journal(path, [KEY])


def _other_operation(document):
    document[0]["changes"][0]["operations"][0]["target"]["servicePrincipal"] = B


EDITS = {
    "another operation in the header": (_other_operation, "not those that were begun"),
    "a change that was never begun": (lambda d: d[1].update(change="third"), "never begun"),
    "another operation": (lambda d: d[1]["operation"].update(target={"servicePrincipal": B}), "never begun"),
    "an operation that there is not": (lambda d: d[1].update(index=2), "never begun"),
    "a key too many": (lambda d: d[1].update(url="https://graph.example"), 'no key "url"'),
    "a key too few": (lambda d: d[1].pop("operation"), "operation"),
    "a second header": (lambda d: d.insert(1, d[0]), "not a line of a journal here"),
    "no header": (lambda d: d.pop(0), "not a line of a journal here"),
    "another version": (lambda d: d[0].update(version=3), "not a line of a journal"),
    "an older version": (lambda d: d[0].update(version=1), "a journal of format 1"),
    "an index that is no whole number": (lambda d: d[1].update(index=0.0), "never begun"),
    "a negative index": (lambda d: d[1].update(index=-1), "not a line of a journal"),
    "a change without operations": (lambda d: d[0]["changes"][0].update(operations=[]), "not a line of a journal"),
    "no object": (lambda d: d.insert(1, []), "not a line of a journal here"),
}
OTHER_KEY = Key(bytes(32))


@pytest.mark.parametrize("edit", EDITS)
def test_what_is_no_journal_is_not_taken_whoever_wrote_it(journal, path, edit):
    journal.intend(place(), unassign(A))
    documents = lines(path)
    edit_it, said = EDITS[edit]
    edit_it(documents)
    write_lines(path, documents)
    with pytest.raises(DocumentError):
        read_journal(path, [KEY])
    with pytest.raises(DocumentError, match=said):
        read_journal(path, [OTHER_KEY], foreign=True)


# --- who wrote it ---------------------------------------------------------------------------------------------------


@pytest.fixture
def whole(journal, path):
    """A journal of five lines, and what they say."""
    journal.intend(place(), unassign(A))
    journal.settle(place(), Ended(Fate.APPLIED), None)
    journal.intend(place(1), assign(B))
    journal.settle(place(1), Ended(Fate.APPLIED), {"policy": B})
    return lines(path)


def fields(value, at=()):
    """The place of every field of a document, at any depth."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield (*at, name)
            yield from fields(part, (*at, name))
    if isinstance(value, list):
        for index, part in enumerate(value):
            yield from fields(part, (*at, index))


def changed(document, at):
    """`document` with the field `at` changed; its digest made anew."""
    document = json.loads(json.dumps(document))
    holder = document
    for step in at[:-1]:
        holder = holder[step]
    old = holder[at[-1]]
    others = {str: lambda text: f"{text}0", list: lambda items: [*items, "0"], bool: lambda flag: not flag}
    holder[at[-1]] = others.get(type(old), lambda _: old is None)(old)
    if "changes" in document and at != ("digest",):
        with suppress(Exception):  # what is no change any more has no digest
            document["digest"] = digest(map(change_from_dict, document["changes"]))
    return document


def test_no_field_can_be_changed_however_the_digest_is_made_anew(whole, path):
    tried = 0
    for number, line in enumerate(whole):
        for at in fields(line):
            write_lines(path, [*whole[:number], changed(line, at), *whole[number + 1 :]])
            with pytest.raises(DocumentError):
                read_journal(path, [KEY])
            tried += 1
    assert tried > 100


@pytest.mark.parametrize(
    "edit",
    [
        lambda lines: [*lines[:1], *lines[2:]],
        lambda lines: [*lines[:2], *lines[3:]],
        lambda lines: [*lines[:3], lines[1], *lines[3:]],
        lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
        lambda lines: [*lines, lines[-1]],
    ],
    ids=["one is left out", "another is left out", "one stands twice", "two are exchanged", "the last stands twice"],
)
def test_no_line_can_be_moved_added_or_left_out(whole, path, edit):
    write_lines(path, edit(whole))
    with pytest.raises(DocumentError, match="not as tokenguard wrote it"):
        read_journal(path, [KEY])


def test_no_line_can_be_taken_from_another_journal(whole, path, tmp_path):
    with closing(create_journal(tmp_path / "other", header(started_at="2026-11-24T00:00:00Z"), now, KEY)) as other:
        other.intend(place(), unassign(A))
    write_lines(path, [whole[0], lines(tmp_path / "other")[1]])
    with pytest.raises(DocumentError, match="line 2: not as tokenguard wrote it"):
        read_journal(path, [KEY])


def test_a_journal_cut_short_after_any_line_is_read_and_carried_on(whole, path):
    for length in range(1, len(whole) + 1):
        write_lines(path, whole[:length])
        record = read_journal(path, [KEY])
        assert not record.foreign
        with closing(resume_journal(path, now, [KEY])) as resumed:
            resumed.end("second", Ended(Fate.STALE))
        assert read_journal(path, [KEY]) == resumed.record


def _without_key(header):
    del header["key"]


@pytest.mark.parametrize(
    ("disown", "said"),
    [
        (lambda header: header.update(key="0" * 12), "with the key 000000000000, which is not this machine's"),
        (_without_key, "without a key"),
    ],
)
def test_a_journal_of_another_key_is_refused_unless_it_may_be_foreign(whole, path, disown, said):
    disown(whole[0])
    write_lines(path, whole)
    with pytest.raises(DocumentError, match=f"{said}: whoever wrote the file decides") as refusal:
        read_journal(path, [KEY])
    assert "--foreign-journal" in refusal.value.hint
    assert ("TOKENGUARD_JOURNAL_KEY" in refusal.value.hint) is ("key" in whole[0])
    record = read_journal(path, [KEY], foreign=True)
    assert record.foreign
    with pytest.raises(DocumentError, match=said):
        resume_journal(path, now, [KEY])


def test_nothing_that_a_foreign_journal_says_of_itself_is_kept(whole, path):
    ref = {"type": "x", "id": "y", "name": "z"}
    whole[0]["changes"][0]["serves"] = [{"rule": "r", "resource": ref}]
    whole[0]["digest"] = digest(map(change_from_dict, whole[0]["changes"]))
    write_lines(path, whole)
    record = read_journal(path, [OTHER_KEY], foreign=True)
    assert record.header.tenant == Tenant("t")
    said = {str(each) for change in record.header.changes for each in (change.resource.name, change.blast_radius)}
    assert said == {HOLDER, "new:five", ""}
    words = [operation.words for change in record.header.changes for operation in change.operations]
    assert words[0] == f"unassign of servicePrincipal {HOLDER}"
    assert all(change.safety is Safety.UNSAFE for change in record.header.changes)
    assert all(not (change.before or change.after or change.serves) for change in record.header.changes)


def test_what_was_being_taken_back_is_not_done_by_a_line_that_calls_it_written(whole, path):
    """Of a foreign file: what takes back is derived anew, so its operation is held to nothing that was begun."""
    back = {**whole[1], "step": "takeBack", "operation": {**whole[1]["operation"], "target": {"policy": A}}}
    write_lines(path, [whole[0], back, whole[2]])
    assert read_journal(path, [OTHER_KEY], foreign=True).progress["change"].done == []


def test_a_journal_names_its_key_and_holds_nothing_of_it(whole, path):
    assert whole[0]["key"] == KEY.name == hashlib.sha256(KEY.secret).hexdigest()[:12]
    assert KEY.secret.hex() not in path.read_text()
    assert KEY.secret.hex() not in repr(KEY)
    assert repr(KEY.secret) not in repr(KEY)


# --- the key --------------------------------------------------------------------------------------------------------


def test_a_key_is_made_once_for_this_user_alone(tmp_path):
    assert known_keys(tmp_path, None) == ()
    key = writing_key(tmp_path, None)
    assert len(key.secret) == 32
    assert (tmp_path / "journal.key").stat().st_mode & 0o777 == 0o600
    assert writing_key(tmp_path, None) == key
    assert known_keys(tmp_path, None) == (key,)
    assert [path.name for path in tmp_path.iterdir()] == ["journal.key"]


def test_two_that_make_a_key_at_once_have_the_same(tmp_path, monkeypatch):
    link = os.link

    def slower(source, target):
        monkeypatch.setattr(os, "link", link)
        slower.other = writing_key(tmp_path, None)
        link(source, target)

    monkeypatch.setattr(os, "link", slower)
    assert writing_key(tmp_path, None) == slower.other
    assert [path.name for path in tmp_path.iterdir()] == ["journal.key"]


def test_a_key_of_the_environment_goes_first_and_the_kept_one_is_still_known(tmp_path):
    kept = writing_key(tmp_path, None)
    given = Key(bytes([7] * 32))
    assert writing_key(tmp_path, given.secret.hex()) == given
    assert known_keys(tmp_path, given.secret.hex().upper()) == (given, kept)


@pytest.mark.parametrize("text", ["hunter2", "0" * 63, "0" * 65, "g" * 64, " " + "0" * 64])
def test_what_is_no_key_is_refused_without_being_quoted(tmp_path, text):
    with pytest.raises(UsageError, match="takes 64 hex digits") as refusal:
        writing_key(tmp_path, text)
    assert text.strip() not in refusal.value.message + refusal.value.hint


@pytest.mark.parametrize("content", [b"", bytes(31), bytes(33)])
def test_a_file_that_holds_no_key_is_refused(tmp_path, content):
    path = tmp_path / "journal.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(UsageError, match="holds no key of 32 bytes"):
        known_keys(tmp_path, None)


def test_a_key_behind_a_link_or_for_others_to_read_is_refused(tmp_path):
    key = tmp_path / "journal.key"
    (tmp_path / "elsewhere").write_bytes(bytes(32))
    (tmp_path / "elsewhere").chmod(0o600)
    key.symlink_to("elsewhere")
    with pytest.raises(UsageError, match="cannot be opened"):
        known_keys(tmp_path, None)
    key.unlink()
    key.write_bytes(bytes(32))
    for mode in (0o640, 0o604, 0o660):
        key.chmod(mode)
        with pytest.raises(UsageError, match="mode 0600"):
            known_keys(tmp_path, None)
    key.unlink()
    os.mkfifo(key, 0o600)
    with pytest.raises(UsageError, match="regular file"):
        known_keys(tmp_path, None)
    key.unlink()
    key.mkdir(0o700)
    with pytest.raises(UsageError, match="regular file"):
        known_keys(tmp_path, None)


# --- the folder and the lock ----------------------------------------------------------------------------------------


def test_the_state_folder_is_made_for_this_user_alone(tmp_path):
    folder = checked_state_folder(tmp_path / "state" / "tokenguard")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert checked_state_folder(folder) == folder


def test_who_has_no_home_is_told_where_journals_may_go(monkeypatch):
    """As in a container that runs as any number of a user."""

    def unknown(_):
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", unknown)
    for name in ("HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="this user has no home") as refusal:
        journals.state_folder()
    assert "XDG_STATE_HOME" in refusal.value.hint


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o707, 0o722, 0o1777])
def test_a_state_folder_that_others_may_write_to_is_refused(tmp_path, mode):
    folder = tmp_path / "tokenguard"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(UsageError, match=f"others may write to .* {mode:04o}"):
        checked_state_folder(folder)


def test_a_state_folder_that_others_could_replace_is_refused(tmp_path):
    folder = tmp_path / "state" / "tokenguard"
    folder.mkdir(parents=True, mode=0o700)
    folder.parent.chmod(0o777)
    with pytest.raises(UsageError, match="others may write to"):
        checked_state_folder(folder)
    folder.parent.chmod(0o1777)
    assert checked_state_folder(folder) == folder


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root can give a folder to another user")
@pytest.mark.parametrize("what", ["folder", "parent"])
def test_a_state_folder_of_another_user_is_refused(tmp_path, what):
    folder = tmp_path / "state" / "tokenguard"
    folder.mkdir(mode=0o700, parents=True)
    os.chown(folder if what == "folder" else folder.parent, 12345, -1)
    with pytest.raises(UsageError, match="belongs to the user with the number 12345"):
        checked_state_folder(folder)


def test_the_lock_follows_no_link(tmp_path):
    (tmp_path / "precious").write_text("theirs")
    (tmp_path / "t.lock").symlink_to("precious")
    with pytest.raises(UsageError, match=r"t\.lock: cannot be locked"), exclusive(tmp_path, "t"):
        raise AssertionError("it was locked")
    (tmp_path / "t.lock").unlink()
    (tmp_path / "t.lock").symlink_to("none")
    with pytest.raises(UsageError, match="cannot be locked"), exclusive(tmp_path, "t"):
        raise AssertionError("it was locked")
    assert not (tmp_path / "none").exists()
    assert (tmp_path / "precious").read_text() == "theirs"


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root can give a file to another user")
def test_the_lock_of_another_user_is_refused(tmp_path):
    (tmp_path / "t.lock").touch()
    os.chown(tmp_path / "t.lock", 12345, -1)
    with pytest.raises(UsageError, match="no regular file of your own"), exclusive(tmp_path, "t"):
        raise AssertionError("it was locked")


def test_a_key_that_stands_twice_and_a_line_that_is_torn_in_the_middle_are_refused(journal, path):
    journal.intend(place(), unassign(A))
    first, second = path.read_text().splitlines()
    for text in (f'{first}\n{second[:-1]},"index":1}}\n', f"{first}\n{second[:40]}\n{second}\n"):
        path.write_text(text)
        with pytest.raises(DocumentError, match="line 2"):
            read_journal(path, [KEY])


def test_no_method_no_address_and_no_token_is_in_a_journal(journal, path):
    journal.intend(place(), create("five"))
    text = path.read_text()
    assert content("five")["displayName"] in text
    for word in ("http", "POST", "DELETE", "PATCH", "Bearer", "/v1.0"):
        assert word not in text


def test_a_full_disk_stops_the_program_before_the_write():
    code = (
        "import resource, sys, tempfile\n"
        "from pathlib import Path\n"
        "sys.path[:0] = ['tests', 'tests/unit']\n"
        "from test_journal import KEY, header, now, place, unassign, A\n"
        "from tokenguard.errors import TokenguardError\n"
        "from tokenguard.journal import create_journal\n"
        "path = Path(tempfile.mkdtemp()) / 'journal'\n"
        "journal = create_journal(path, header(), now, KEY)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10,) * 2)\n"
        "try: journal.intend(place(), unassign(A))\n"
        "except TokenguardError as error: print(error.exit_status, error.message)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("4 "), done.stderr
    assert "cannot be written on" in done.stdout
